"""How a reader wants pages to look, kept in one cookie so that the server renders it at once."""

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

COOKIE: Final = "mainstem_prefs"
THEMES: Final = ("system", "light", "dark")
DENSITIES: Final = ("normal", "compact", "comfortable")
_CHOICES: Final = {
    "theme": THEMES,
    "density": DENSITIES,
    "keys": ("on", "off"),
    "nav": ("wide", "slim"),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """Theme, density, time zone, single-letter keys and the width of the navigation.

    `zone` is the reader's choice; empty means the browser's own, which pages keep in `seen_zone`.
    """

    theme: str = "system"
    density: str = "normal"
    keys: str = "on"
    nav: str = "wide"
    zone: str = ""
    seen_zone: str = ""

    @property
    def timezone(self) -> tzinfo:
        """The zone that times are shown in; UTC until the browser has said its own."""
        return _zone(self.zone or self.seen_zone)

    @property
    def zone_name(self) -> str:
        return str(self.timezone) if self.timezone is not UTC else "UTC"

    def cookie(self) -> str:
        """The value that `read` understands."""
        fields = ("theme", "density", "keys", "nav", "zone", "seen_zone")
        return urlencode({f: getattr(self, f) for f in fields if getattr(self, f)})


def read(request: Request) -> Preferences:
    """The reader's preferences; anything unknown in the cookie falls back to the default."""
    return update(Preferences(), dict(parse_qsl(request.cookies.get(COOKIE, "")[:500])))


def update(preferences: Preferences, wanted: dict[str, str]) -> Preferences:
    """Preferences with the valid ones of `wanted`."""
    valid = {k: v for k, v in wanted.items() if v in _CHOICES.get(k, ())}
    for key in ("zone", "seen_zone"):
        if key in wanted and (not wanted[key] or _is_zone(wanted[key])):
            valid[key] = wanted[key]
    return replace(preferences, **valid)


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return ZoneInfo(name) if name and _is_zone(name) else UTC


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zones() -> list[str]:
    """Every zone this machine knows, for the settings page."""
    return sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc/"))
