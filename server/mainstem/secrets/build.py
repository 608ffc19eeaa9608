"""Settings become a chain of secret sources and the source of the key."""

from collections.abc import Mapping

from mainstem.clock import Clock
from mainstem.errors import InvalidInput
from mainstem.secrets.base import SecretChain, SecretSource, WritableSource
from mainstem.secrets.cache import CachedSecrets
from mainstem.secrets.database import DatabaseSecrets
from mainstem.secrets.environment import EnvironmentSecrets
from mainstem.secrets.files import FileSecrets
from mainstem.secrets.google import GoogleSecrets
from mainstem.secrets.keys import GivenKeys, KeyFile, KeySource, read_keys
from mainstem.secrets.kms import KmsWrapper
from mainstem.settings import Settings
from mainstem.store.database import Database


def key_source(settings: Settings) -> KeySource:
    """Where the sealing key comes from; nothing is read yet."""
    value = settings.secrets.key_value
    if value is not None:
        return GivenKeys(read_keys(value.get_secret_value()))
    return key_file(settings)


def key_file(settings: Settings) -> KeyFile:
    """The file of keys; raises InvalidInput when the settings give the key itself."""
    kms = settings.secrets.key_kms
    if settings.secrets.key_value is not None:
        raise InvalidInput("the key is given by `secrets.key_value`, not by a file")
    wrapper = KmsWrapper(kms, settings.gcp.endpoints.kms) if kms else None
    return KeyFile(settings.key_path, wrapper)


def secret_chain(
    settings: Settings,
    database: Database,
    keys: KeySource,
    environment: Mapping[str, str],
    clock: Clock,
) -> SecretChain:
    """The sources that the settings name, in their order."""
    made: dict[str, SecretSource] = {}
    for name in settings.secrets.sources:
        made[name] = _source(name, settings, database, keys, environment, clock)
    writable = made.get(settings.secrets.write_to or "")
    return SecretChain(
        list(made.values()),
        writable if isinstance(writable, WritableSource) else None,
        frozenset({"environment"}),
    )


def _source(
    name: str,
    settings: Settings,
    database: Database,
    keys: KeySource,
    environment: Mapping[str, str],
    clock: Clock,
) -> SecretSource:
    chosen = settings.secrets
    if name == "database":
        return DatabaseSecrets(database, keys.sealer, clock)
    if name == "environment":
        names = chosen.environment
        return EnvironmentSecrets(environment, names.prefix, names.plain_prefix)
    if name == "files":
        if chosen.files.directory is None:
            raise InvalidInput("settings: secrets.files.directory is needed for the source `files`")
        return FileSecrets(chosen.files.directory)
    google = chosen.google
    if google.project is None:
        raise InvalidInput("settings: secrets.google.project is needed for the source `google`")
    source = GoogleSecrets(google.project, google.prefix, settings.gcp.endpoints.secretmanager)
    return CachedSecrets(source, google.cache_seconds, google.stale_seconds)
