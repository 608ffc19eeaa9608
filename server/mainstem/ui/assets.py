"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.responses import PlainTextResponse, Response

STATIC: Final = Path(__file__).parent / "static"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
#: Short names that templates use, and the files they stand for.
_NAMES: Final = {
    "app.css": "app.css",
    "app.js": "app.js",
    "codemirror.js": "vendor/codemirror-6.min.js",
    "editor.js": "editor.js",
    "favicon.svg": "favicon.svg",
    "icons.svg": "vendor/lucide-1.62.0.svg",
    "htmx.js": "vendor/htmx-2.0.11.min.js",
    "idiomorph.js": "vendor/idiomorph-ext-0.8.0.min.js",
    "sse.js": "vendor/htmx-ext-sse-2.2.4.min.js",
    "metrics.js": "metrics.js",
    "panzoom.js": "panzoom.js",
    "uplot.js": "vendor/uplot-1.6.32.min.js",
    "LICENSES.txt": "vendor/LICENSES.txt",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file with its public name."""

    public_name: str
    content: bytes
    media_type: str


class Assets:
    """The dashboard's static files; `url("app.css")` gives the hashed address."""

    def __init__(self, base: str = "/ui/static") -> None:
        self._base = base

    def url(self, name: str) -> str:
        """The address of a file by its short name; an unknown name is a programming error."""
        return f"{self._base}/{self._by_name[name].public_name}"

    def respond(self, public_name: str) -> Response:
        """Serve a file by its hashed name, cacheable for ever."""
        asset = self._by_public_name.get(public_name)
        if asset is None:
            return PlainTextResponse("no such file", status_code=404)
        return Response(
            asset.content, media_type=asset.media_type, headers={"cache-control": _IMMUTABLE}
        )

    @cached_property
    def _by_name(self) -> dict[str, Asset]:
        return {name: _load(name, STATIC / path) for name, path in _NAMES.items()}

    @cached_property
    def _by_public_name(self) -> dict[str, Asset]:
        return {asset.public_name: asset for asset in self._by_name.values()}


def _load(name: str, path: Path) -> Asset:
    content = path.read_bytes()
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:10]
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media_type == "application/javascript":
        media_type = "text/javascript"
    return Asset(f"{stem}.{digest}.{suffix}", content, media_type)
