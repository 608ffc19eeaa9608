"""Fetch the dashboard's browser libraries by exact version and hash, or check the committed copies.

python scripts/vendor.py            # npm pack, verify, copy; build the editor (needs npm)
python scripts/vendor.py --check    # compare the committed files with SHA256SUMS, offline
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "vendor.toml"
TARGET = HERE.parent / "server" / "mainstem" / "ui" / "static" / "vendor"
EDITOR = HERE.parent / "server" / "editor"
BUNDLE = "codemirror-6.min.js"
SUMS = TARGET / "SHA256SUMS"
SHAPES = re.compile(r"<(path|circle|rect|line|polyline|polygon|ellipse)\b[^>]*/>", re.DOTALL)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def packages() -> list[dict[str, Any]]:
    return list(tomllib.loads(MANIFEST.read_text())["package"])


def fetch(package: dict[str, Any], folder: Path) -> tarfile.TarFile:
    spec = f"{package['name']}@{package['version']}"
    packed = subprocess.run(
        ["npm", "pack", "--silent", spec], cwd=folder, check=True, capture_output=True, text=True
    )
    content = (folder / packed.stdout.strip().splitlines()[-1]).read_bytes()
    if digest(content) != package["tarball_sha256"]:
        raise SystemExit(
            f"{spec}: the archive has sha256 {digest(content)}, vendor.toml expects "
            f"{package['tarball_sha256']}. Nothing was copied."
        )
    return tarfile.open(fileobj=io.BytesIO(content))


def read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(f"package/{name}")
    if member is None:
        raise SystemExit(f"{name} is not a file of the package")
    return member.read()


def symbol(name: str, svg: str) -> str:
    shapes = "".join(re.sub(r"\s+", " ", m.group(0)) for m in SHAPES.finditer(svg))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>'


def sprite(archive: tarfile.TarFile, package: dict[str, Any]) -> bytes:
    symbols = [symbol(i, read(archive, f"icons/{i}.svg").decode()) for i in package["icons"]]
    head = f"<!-- lucide-static {package['version']}, ISC; see LICENSES.txt -->"
    return "\n".join(
        ['<svg xmlns="http://www.w3.org/2000/svg">', head, *symbols, "</svg>", ""]
    ).encode()


def bundle(folder: Path) -> tuple[bytes, str]:
    """The editor, built from the locked packages, and their licences."""
    for name in ("package.json", "package-lock.json", "entry.js"):
        shutil.copy(EDITOR / name, folder)
    for command in (["npm", "ci", "--ignore-scripts"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "codemirror.min.js").read_bytes(), bundled_licences(folder)


def bundled_licences(folder: Path) -> str:
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    by_text: dict[str, list[str]] = {}
    for place, package in locked.items():
        if place and not package.get("dev"):
            text = (folder / place / "LICENSE").read_text().strip()
            named = f"{place.removeprefix('node_modules/')} {package['version']}"
            by_text.setdefault(text, []).append(f"{named} ({package['license']})")
    return "\n\n\n".join(
        "\n".join(names) + f"\n{'-' * 60}\n{text}" for text, names in by_text.items()
    )


def vendor() -> None:
    licences, sums = [], []
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for package in packages():
            archive = fetch(package, Path(folder))
            content = (
                sprite(archive, package) if "icons" in package else read(archive, package["file"])
            )
            target = package.get("sprite") or package["target"]
            (TARGET / target).write_bytes(content)
            sums.append(f"{digest(content)}  {target}")
            licences.append(
                f"{package['name']} {package['version']} ({package['licence']})\n{'-' * 60}\n"
                + read(archive, "LICENSE").decode().strip()
            )
            print(f"{target}  {len(content):,} bytes")
        content, licence = bundle(Path(folder))
        (TARGET / BUNDLE).write_bytes(content)
        sums.append(f"{digest(content)}  {BUNDLE}")
        licences.append(licence)
        print(f"{BUNDLE}  {len(content):,} bytes")
    (TARGET / "LICENSES.txt").write_text("\n\n\n".join(licences) + "\n")
    SUMS.write_text("\n".join(sums) + "\n")


def check() -> int:
    wrong = [
        name
        for line in SUMS.read_text().splitlines()
        for expected, name in [line.split("  ", 1)]
        if digest((TARGET / name).read_bytes()) != expected
    ]
    for name in wrong:
        print(f"{name} differs from its recorded hash; run python scripts/vendor.py")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        raise SystemExit(check())
    vendor()
