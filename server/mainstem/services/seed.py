"""Values that a new server starts with: project, dataset, bucket, location, as the settings say.

What users do to a seeded value is theirs: a changed or deleted one is never written again. One that
nobody touched follows the settings.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from mainstem.bus.inprocess import KV, Bus
from mainstem.clock import Clock
from mainstem.errors import InvalidInput
from mainstem.model.flow_id import NAMESPACE
from mainstem.services.kv_values import Kind, check_key, coerce, encode, kind_of
from mainstem.store import kv as kv_rows
from mainstem.store import seeds as seed_rows
from mainstem.store.database import Database
from mainstem.store.kv import StoredKv

_log = logging.getLogger("mainstem.seed")
_DESCRIPTION: Final = "Seeded from the settings"


@dataclass(frozen=True, slots=True)
class Seed:
    """A value of the settings, in the form that is stored."""

    namespace: str
    key: str
    kind: Kind
    value: object

    @property
    def place(self) -> tuple[str, str]:
        return self.namespace, self.key

    @property
    def digest(self) -> str:
        return digest_of(self.kind, self.value)


class Fate(StrEnum):
    """What becomes of a seed."""

    PLANT = "plant"
    FOLLOW = "follow"
    ADOPT = "adopt"
    KEEP = "keep"


def digest_of(kind: str, value: object) -> str:
    text = json.dumps([str(kind), value], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_seeds(settings: Mapping[str, Mapping[str, object]]) -> list[Seed]:
    """The seeds of `seed.kv`, checked; raises InvalidInput naming the key."""
    return [
        _read_seed(namespace, key, value)
        for namespace, values in sorted(settings.items())
        for key, value in sorted(values.items())
    ]


def fate_of(seed: Seed, planted: str | None, stored: StoredKv | None) -> Fate:
    """Decide from the digest planted last and the entry there is."""
    if planted is None:
        return Fate.PLANT if stored is None else Fate.ADOPT
    untouched = stored is not None and digest_of(stored.kind, stored.value) == planted
    return Fate.FOLLOW if untouched and planted != seed.digest else Fate.KEEP


def plant(database: Database, clock: Clock, bus: Bus, seeds: list[Seed]) -> list[str]:
    """Write what is missing, in one transaction; returns the keys written as `namespace/key`."""
    if not seeds:
        return []
    written = []
    now = clock.now()
    with database.write() as tx:
        before = seed_rows.planted(tx)
        digests = {}
        for seed in seeds:
            stored = kv_rows.get(tx, *seed.place)
            fate = fate_of(seed, before.get(seed.place), stored)
            if fate in (Fate.PLANT, Fate.FOLLOW):
                kv_rows.put(tx, _entry(seed, stored, now))
                written.append(f"{seed.namespace}/{seed.key}")
            if fate is not Fate.KEEP:
                digests[seed.place] = seed.digest
        seed_rows.remember(tx, digests, now)
    if written:
        _log.info("seeded", extra={"kv": ", ".join(written)})
        bus.publish(KV)
    return written


def _entry(seed: Seed, old: StoredKv | None, now: datetime) -> StoredKv:
    return StoredKv(
        seed.namespace,
        seed.key,
        seed.kind.value,
        seed.value,
        created_at=old.created_at if old else now,
        updated_at=now,
        description=old.description if old else _DESCRIPTION,
        revision=old.revision + 1 if old else 1,
    )


def _read_seed(namespace: str, key: str, value: object) -> Seed:
    where = f"settings: seed.kv.{namespace}.{key}"
    if not NAMESPACE.fullmatch(namespace):
        raise InvalidInput(f"settings: seed.kv: `{namespace}` is not the name of a namespace")
    try:
        check_key(key)
        kind = kind_of(value)
        stored = encode(coerce(value, kind), kind)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from error
    if "PRIVATE KEY-----" in json.dumps(stored, default=str):
        raise InvalidInput(
            f"{where} holds a private key, and key-value entries are not sealed: store it as a "
            "secret, or give the server an identity of its own and leave the key out"
        )
    return Seed(namespace, key, kind, stored)
