"""Write `.env` for Docker Compose: passwords made here and now, readable by you only.

    python3 scripts/compose_env.py [--local-gcp] [--file .env]

An existing file keeps every value that it has; only what is missing is added. Needs nothing but
Python's standard library.
"""

import argparse
import os
import secrets
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/var/run/docker.sock")
MADE = (
    "MAINSTEM_ADMIN_PASSWORD",
    "MAINSTEM_DB_PASSWORD",
    "PGDATABASE_PASSWORD",
    "PGADMIN_PASSWORD",
)
LOCAL_GCP = {
    "COMPOSE_PROFILES": "local-gcp",
    "LOCAL_GCP_SERVICES": "http://127.0.0.1:9100",
    "LOCAL_GCP_STORAGE": "http://127.0.0.1:9101",
    "LOCAL_GCP_TOKEN": "http://127.0.0.1:9100/token",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=Path(".env"))
    parser.add_argument("--local-gcp", action="store_true", help="run local Google Cloud as well")
    options = parser.parse_args()
    known = read(options.file)
    missing = {
        name: value for name, value in wanted(options.local_gcp).items() if name not in known
    }
    append(options.file, missing)
    words = ", ".join(missing) or "nothing was missing"
    print(f"{options.file}: {words}")
    print(f"Sign in as admin with MAINSTEM_ADMIN_PASSWORD of {options.file}.")
    return 0


def wanted(local_gcp: bool) -> dict[str, str]:
    """Every variable that Compose needs, with a fresh value."""
    found = {name: secrets.token_urlsafe(24) for name in MADE}
    # A password of letters and digits needs no quoting in URLs and password files.
    found = {name: value.replace("-", "x").replace("_", "y") for name, value in found.items()}
    found["DOCKER_GID"] = str(SOCKET.stat().st_gid if SOCKET.exists() else os.getgid())
    return found | (LOCAL_GCP if local_gcp else {})


def read(file: Path) -> Mapping[str, str]:
    if not file.exists():
        return {}
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name.strip(): value for name, equals, value in pairs if equals and name[:1] != "#"}


def append(file: Path, values: Mapping[str, str]) -> None:
    """Add the values; the file is the owner's alone before the first secret is in it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w") as out:
        os.fchmod(out.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        out.writelines(f"{name}={value}\n" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
