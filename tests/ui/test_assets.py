"""Static files, their budgets, and the colours' contrast."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from mainstem.ui.assets import STATIC, Assets
from tests.ui.site import Site

ROOT = Path(__file__).parents[2]
CSS = (STATIC / "app.css").read_text()
PAGE_SCRIPTS = ("htmx.js", "idiomorph.js", "sse.js", "app.js")
FAMILIES = ("neutral", "running", "paused", "restart", "success", "warning", "failed", "killed")


def test_files_are_served_for_ever_under_the_hash_of_their_content(site: Site) -> None:
    url = Assets().url("app.css")
    assert re.fullmatch(r"/ui/static/app\.[0-9a-f]{10}\.css", url)
    response = site.browser.get(url)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"].startswith("text/css")
    assert site.browser.get("/ui/static/app.css").status_code == 404
    assert site.browser.get("/ui/static/..%2Fapplication.py").status_code == 404


def test_an_ordinary_page_loads_little() -> None:
    sizes = {name: len(asset.content) for name, asset in Assets()._by_name.items()}
    assert sizes["app.js"] <= 14_000
    assert sum(sizes[name] for name in PAGE_SCRIPTS) <= 150_000
    assert sizes["app.css"] <= 40_000
    editor = sizes["codemirror.js"] + sizes["editor.js"]
    assert sum(sizes[name] for name in PAGE_SCRIPTS) + editor <= 650_000


@pytest.mark.parametrize("name", ["app.js", "editor.js", "metrics.js"])
def test_our_scripts_need_no_eval_and_write_no_html(name: str) -> None:
    script = (STATIC / name).read_text()
    for word in ("eval(", "new Function", "innerHTML", "document.write", "insertAdjacentHTML"):
        assert word not in script


def test_every_icon_that_pages_use_is_in_the_sprite(site: Site) -> None:
    known = set(
        re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/lucide-1.62.0.svg").read_text())
    )
    pages = ["/ui/_components", "/ui/", "/ui/flows", "/ui/namespaces/zoomcamp/files", "/ui/gitsync"]
    pages += [site.address(name) for name in site.executions]
    pages += ["/ui/flows/edit/zoomcamp/taxi_month/topology"]
    used = {
        icon for page in pages for icon in re.findall(r"icons\.\w+\.svg#([\w-]+)", site.get(page))
    }
    assert used - known == set()


def test_the_committed_libraries_are_those_of_the_manifest() -> None:
    folder = STATIC / "vendor"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    licences = (folder / "LICENSES.txt").read_text()
    assert all(name in licences for name in ("htmx.org", "idiomorph", "htmx-ext-sse", "lucide"))
    lock = json.loads((ROOT / "server/editor/package-lock.json").read_text())
    bundled = {place: p for place, p in lock["packages"].items() if place and not p.get("dev")}
    for place, package in bundled.items():
        assert f"{place.removeprefix('node_modules/')} {package['version']} (" in licences
        assert "resolved" not in package
        assert package["integrity"].startswith("sha512-")
    assert (ROOT / "scripts/vendor.toml").exists()


def tokens(theme: str) -> dict[str, str]:
    """The colour tokens of a theme as the style sheet gives them."""
    start = ":root {" if theme == "light" else '[data-theme="dark"] {'
    block = CSS[CSS.index(start) :].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_is_readable_on_every_ground(theme: str) -> None:
    t = tokens(theme)
    for ink in ("text", "text-2", "text-3"):
        for ground in ("bg", "surface", "sunken"):
            assert contrast(t[ink], t[ground]) >= 4.5, f"{ink} on {ground}"
    assert contrast(t["on-accent"], t["accent"]) >= 4.5
    for ground in ("bg", "surface"):
        assert contrast(t["accent"], t[ground]) >= 4.5
        assert contrast(t["control"], t[ground]) >= 3
        assert contrast(t["focus"], t[ground]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_state_is_readable_on_its_own_ground_and_on_the_page(theme: str, family: str) -> None:
    t = tokens(theme)
    assert contrast(t[f"st-{family}"], t[f"st-{family}-bg"]) >= 4.5
    assert contrast(t[f"st-{family}"], t["bg"]) >= 4.5
    assert contrast(t["text"], t[f"st-{family}-bg"]) >= 4.5


def test_the_system_theme_in_the_dark_is_the_dark_theme() -> None:
    media = CSS[CSS.index("@media (prefers-color-scheme: dark)") :]
    block = media[media.index(":root") :].split("}", 1)[0]
    assert dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block)) == tokens("dark")
