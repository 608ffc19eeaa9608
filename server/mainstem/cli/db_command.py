"""`mainstem db`: the database of a server: its schema, its age, another place for it."""

import argparse
from dataclasses import asdict

from sqlalchemy import make_url

from mainstem.cli.options import add_settings_options, settings_from
from mainstem.clock import SystemClock
from mainstem.errors import InvalidInput
from mainstem.services.retention import RetentionService
from mainstem.settings import RetentionRule, RetentionSettings, Settings
from mainstem.storage.open import open_storage
from mainstem.store import transfer
from mainstem.store.database import Database, connect, open_database
from mainstem.store.migrate import missing, upgrade


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    sub = actions.add_parser("upgrade", help="bring the schema up to date, as a start does")
    add_settings_options(sub)
    sub.add_argument("--check", action="store_true", help="change nothing; 1 if outdated")
    sub = actions.add_parser("purge", help="delete what the retention settings give up")
    add_settings_options(sub)
    sub.add_argument("--dry-run", action="store_true", help="only count")
    sub.add_argument("--days", type=float, help="age of executions, not the settings")
    sub.add_argument("--namespace", help="with --days: only this namespace and those below it")
    sub.add_argument("--states", help="with --days: only these end states, separated by commas")
    sub = actions.add_parser("copy", help="copy a whole database into an empty one")
    sub.add_argument("source", metavar="SOURCE", help="URL, or the path of a SQLite file")
    sub.add_argument("target", metavar="TARGET", help="URL, or the path of a SQLite file")


def run(args: argparse.Namespace) -> int:
    if args.action == "copy":
        return _copy(args)
    settings = settings_from(args)
    return _upgrade(settings, args) if args.action == "upgrade" else _purge(settings, args)


def _upgrade(settings: Settings, args: argparse.Namespace) -> int:
    database = connect(settings.database_url, 2)
    try:
        if args.check:
            with database.read() as tx:
                names = missing(tx)
        else:
            with database.write() as tx:
                names = upgrade(tx)
    finally:
        database.close()
    if not names:
        print("the schema is up to date")
        return 0
    print(f"{'missing' if args.check else 'applied'}: {', '.join(names)}")
    return 1 if args.check else 0


def _purge(settings: Settings, args: argparse.Namespace) -> int:
    retention = _retention(settings, args)
    database = open_database(settings.database_url, 2)
    try:
        service = RetentionService(database, open_storage(settings), retention, SystemClock())
        if not service.is_wanted:
            raise InvalidInput(
                "nothing says how long to keep what: set retention.rules, or name --days"
            )
        done = service.purge(dry_run=args.dry_run)
    finally:
        database.close()
    verb = "would be deleted" if args.dry_run else "deleted"
    counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in asdict(done).items())
    print(f"{verb}: {counts}")
    return 0


def _retention(settings: Settings, args: argparse.Namespace) -> RetentionSettings:
    if args.days is None:
        if args.namespace or args.states:
            raise InvalidInput("--namespace and --states belong to --days")
        return settings.retention
    states = frozenset((args.states or "").upper().split(",")) - {""}
    rule = RetentionRule(namespace=args.namespace, states=states, days=args.days)
    return RetentionSettings(rules=(rule,), batch=settings.retention.batch)


def _copy(args: argparse.Namespace) -> int:
    source, target = connect(_url(args.source), 2), connect(_url(args.target), 2)
    try:
        counts = _between(source, target)
    finally:
        source.close()
        target.close()
    for name, count in counts.items():
        print(f"{count:>10}  {name}")
    print("copied and verified; files of internal storage are not in the database: copy them too")
    return 0


def _between(source: Database, target: Database) -> dict[str, int]:
    with source.write() as tx:
        upgrade(tx)
    with target.write() as tx:
        upgrade(tx)
    with source.read() as out, target.write() as into:
        return transfer.copy(out, into)


def _url(text: str) -> str:
    if "://" not in text:
        return f"sqlite:///{text}"
    make_url(text)
    return text
