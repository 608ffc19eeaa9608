"""`mainstem backup`: everything of a server in one file; the server may run meanwhile."""

import argparse
from pathlib import Path

from mainstem.cli.options import add_settings_options, settings_from
from mainstem.clock import SystemClock
from mainstem.errors import NotFound
from mainstem.services.backup import write_backup
from mainstem.storage.open import open_storage
from mainstem.store.database import open_database


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("file", type=Path, help="file to write, such as mainstem.tar.gz")
    parser.add_argument(
        "--without-files", action="store_true", help="leave internal storage out (a bucket, say)"
    )
    parser.add_argument(
        "--with-key",
        action="store_true",
        help="put in the key that opens secrets: whoever has the file can then read them",
    )


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    key = None
    if args.with_key:
        path = settings.key_path
        if not path.exists():
            raise NotFound(f"there is no key at {path}; leave --with-key out")
        key = path.read_bytes()
    database = open_database(settings.database_url, 2)
    try:
        storage = None if args.without_files else open_storage(settings)
        done = write_backup(args.file, database, storage, SystemClock().now(), key=key)
    finally:
        database.close()
    print(f"{args.file}: {done.rows} rows, {done.files} files")
    if not done.with_key:
        print(
            f"The key {settings.key_path} is not in it: keep a copy elsewhere, or stored secrets "
            "cannot be opened after a restore."
        )
    return 0
