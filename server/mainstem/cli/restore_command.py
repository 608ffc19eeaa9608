"""`mainstem restore`: a backup into an empty database and storage."""

import argparse
import os
from pathlib import Path

from mainstem.cli.options import add_settings_options, settings_from
from mainstem.errors import Conflict
from mainstem.runtime.lock import StateLock
from mainstem.services.backup import restore_backup
from mainstem.storage.open import open_storage
from mainstem.store.database import connect


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("file", type=Path, help="a file that `mainstem backup` wrote")
    parser.add_argument(
        "--without-files", action="store_true", help="leave internal storage as it is"
    )


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    with StateLock(settings.state_dir):
        database = connect(settings.database_url, 2)
        try:
            storage = None if args.without_files else open_storage(settings)
            done = restore_backup(
                args.file, database, storage, lambda key: _keep(settings.key_path, key)
            )
        finally:
            database.close()
    print(f"restored {done.rows} rows and {done.files} files")
    if not done.with_key and not settings.key_path.exists():
        print(f"Put the old key at {settings.key_path} before the first start.")
    return 0


def _keep(path: Path, key: bytes) -> None:
    if path.exists():
        if path.read_bytes() != key:
            raise Conflict(f"{path} holds another key: move it away first")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
