"""`mainstem up`: the server."""

import argparse
import gc
import importlib
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from mainstem.app import App
from mainstem.cli.keyring import servers_folder
from mainstem.cli.options import add_settings_options, settings_from
from mainstem.errors import Stalled
from mainstem.guard import Guard
from mainstem.probe import Opening, Probe
from mainstem.runtime import local_access
from mainstem.runtime.garbage import collect_seldom
from mainstem.runtime.local_access import LocalAccess
from mainstem.runtime.lock import StateLock
from mainstem.services.first_steps import first_admin
from mainstem.settings import Settings
from mainstem.store.database import wait_for
from mainstem.telemetry import configure_logging
from mainstem.vitals import health, readiness

if TYPE_CHECKING:
    from fastapi import FastAPI

_log = logging.getLogger("mainstem.up")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes any free one")
    parser.add_argument(
        "--local-gcp", action="store_true", help="run local Google Cloud beside the server"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; returns 0 after a clean drain."""
    overrides: dict[str, object] = {} if args.port is None else {"server.port": args.port}
    settings = settings_from(args, **overrides)
    configure_logging(settings.log_format, settings.log_level)
    local: subprocess.Popen[str] | None = None
    try:
        if args.local_gcp:
            local, endpoints = start_local_gcp(settings.state_dir / "local-gcp")
            overrides |= {f"gcp.endpoints.{name}": url for name, url in endpoints.items()}
            settings = settings_from(args, **overrides)
        return _serve(settings)
    finally:
        if local is not None:
            local.terminate()
            local.wait(timeout=30)


def _serve(settings: Settings) -> int:
    listener = _listen(settings)
    port = listener.getsockname()[1]
    bound = settings.model_copy(
        update={"server": settings.server.model_copy(update={"port": port})}
    )
    signals = _Signals()
    with closing(listener), StateLock(settings.state_dir):
        if settings.is_shared:
            wait_for(settings.database_url, settings.database.wait_seconds, signals.ending)
        gc.disable()  # nothing made until the server is ready is garbage
        app = App(bound)
        server = _Server(app)
        signals.server = server
        try:
            if not signals.ending.is_set():
                greeting = _open_the_door(app)
                app.workers.sweep()
                app.start()
                print(greeting, flush=True)
                server.run(sockets=[listener])
                server.check()
                signals.ending.set()
                app.drain(signals.hurry)
        finally:
            local_access.take_away(settings.state_dir)
            app.stop()
    return 0


class _Signals:
    """The first SIGINT or SIGTERM ends the server gently, the second hurries it."""

    def __init__(self) -> None:
        self.server: _Server | None = None
        self.ending = threading.Event()
        self.hurry = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.ending.is_set():
            self.hurry.set()
        self.ending.set()
        if self.server is not None:
            self.server.handle_exit(number, frame)


def _open_the_door(app: App) -> str:
    """Leave the owner's token, see to the first admin, and say how to get in."""
    settings = app.settings
    state, url = settings.state_dir, app.local_url
    if not app.has_role("web"):
        return f"Mainstem is ready at {url}/health ({', '.join(settings.roles)})"
    local_access.leave(state, LocalAccess(url, app.sign_in.local_token))
    local_access.remember(servers_folder(), url, state)
    ready = f"Mainstem is ready at {url}/ui/"
    if settings.auth.mode == "none":
        return f"{ready} (auth.mode is none: open to everybody on this machine)"
    if first_admin(app.users, settings.auth.bootstrap):
        return f"{ready} (created the user {settings.auth.bootstrap.username})"
    secret = app.users.first_link()
    if secret is None:
        return ready
    return (
        f"{ready}\nFirst start: create the admin at {app.base_url}/ui/welcome/{secret}\n"
        "(the link works once, for 24 hours; `mainstem user add` does the same)"
    )


class _Server(uvicorn.Server):
    """Serves while it loads its pages; ends live streams before it waits for open requests."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._web: Future[ASGIApp] = Future()
        self._end_streams: Callable[[], None] = lambda: None
        proxies = app.settings.server.trusted_proxies
        probe = Probe(partial(health, app), partial(readiness, app))
        super().__init__(
            uvicorn.Config(
                self._door(probe),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                lifespan="off",
                ws="none",  # no route speaks it, and its library costs 2 MB
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
            )
        )

    def _door(self, probe: Probe) -> ASGIApp:
        """Without the role `web` there is only the health of the process."""
        if not self._app.has_role("web"):
            return probe
        settings = self._app.settings.server
        guarded = Guard(
            probe,
            self._app.base_url,
            allowed=settings.allowed_hosts,
            by_address=not settings.is_loopback,
        )
        return Opening(guarded, self._web)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._app.has_role("web"):
            threading.Thread(target=self._load, name="mainstem-load", daemon=True).start()
        else:
            collect_seldom()

    def _load(self) -> None:
        try:
            # Imported here: routes and pages are half of all modules, and no loop needs them.
            module = importlib.import_module("mainstem.server")
            web: FastAPI = module.create_server(self._app)
        except BaseException as error:
            self._web.set_exception(error)
            self.should_exit = True
            return
        self._end_streams = web.state.end_streams
        collect_seldom()
        self._web.set_result(web)

    def check(self) -> None:
        """Raises what kept the web application from being made."""
        if self._web.done():
            self._web.result()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True
        self._end_streams()


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off: answers are not held back.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on clients wait in line instead of being refused.
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise Stalled(
            f"port {port} of {host} is taken ({error.strerror}): choose another with --port"
        ) from error
    return listener


def start_local_gcp(state: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start local Google Cloud as a child; returns it and its endpoints by service.

    Raises Stalled when it does not come up.
    """
    command = [sys.executable, "-m", "mainstem.localgcp", "up", "--state", str(state), "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    line = child.stdout.readline()
    try:
        told = json.loads(line)
    except ValueError as error:
        child.terminate()
        raise Stalled("local Google Cloud did not start; its log above says why") from error
    _log.info("local Google Cloud is ready", extra={"console": told.get("console")})
    wanted = ("storage", "bigquery", "secretmanager", "token")
    return child, {name: told[name] for name in wanted if told.get(name)}
