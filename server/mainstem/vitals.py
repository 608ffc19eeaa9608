"""Whether a server process is alive, and whether it can take requests."""

from collections.abc import Mapping
from datetime import timedelta

from mainstem import __version__
from mainstem.app import App
from mainstem.errors import MainstemError

_SILENT = timedelta(seconds=30)


def health(app: App) -> Mapping[str, object]:
    """UP while every loop has ticked lately, else DOWN with the loops that have not."""
    now = app.clock.now()
    loops: dict[str, str] = {}
    if app.cluster is None or app.executor.is_active:
        last = app.executor.last_tick
        loops["executor"] = "UP" if last is not None and now - last < _SILENT else "DOWN"
    elif app.has_role("executor"):
        loops["executor"] = "STANDBY"
    for ticker in app.tickers:
        wanted = max(_SILENT, timedelta(seconds=3 * ticker.component.interval_seconds))
        seen = ticker.last_tick or ticker.started_at
        alive = seen is not None and now - seen < wanted
        loops[ticker.component.name] = "UP" if alive else "DOWN"
    down = [name for name, state in loops.items() if state == "DOWN"]
    return {"status": "DOWN" if down else "UP", "version": __version__, "components": loops}


def readiness(app: App) -> Mapping[str, object]:
    """READY while the database answers and no drain has begun, else NOT_READY with the reason."""
    reason = None
    if app.is_draining:
        reason = "the server is stopping"
    else:
        try:
            app.database.ping()
        except MainstemError as error:
            reason = error.message
    state = "READY" if reason is None else "NOT_READY"
    return {"status": state, "reason": reason, "version": __version__}
