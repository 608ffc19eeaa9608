"""The server's settings: read once from a YAML file and the environment, checked, then frozen.

A key `worker.threads` is set in the file under `worker:`, or as MAINSTEM_WORKER__THREADS in the
environment, which wins. Unknown keys stop the start and are named.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from mainstem.errors import InvalidInput
from mainstem.settings_git import FileMapping, GitSettings, GitSource

__all__ = ["FileMapping", "GitSettings", "GitSource", "Settings", "load_settings"]

PREFIX = "MAINSTEM_"
_NOT_SETTINGS = frozenset({"MAINSTEM_CONFIG", "MAINSTEM_TOKEN", "MAINSTEM_TOKEN_FILE"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FOREIGN = ("MAINSTEM_DEMO_", "MAINSTEM_TEST_", "MAINSTEM_BENCH_")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """Where the API and the dashboard listen."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; 0.0.0.0 is every one. Without users only loopback.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="0 takes any free port.")
    base_url: str | None = Field(default=None, description="Public URL used in links.")
    grace_seconds: float = Field(
        default=8,
        ge=0,
        description="How long SIGTERM lets running tasks end before they are handed back.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Host names that requests may use besides that of base_url."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks whose X-Forwarded-For and -Proto are believed.",
    )

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK


class BootstrapSettings(_Section):
    """The first admin, made at the first start when there are no users."""

    username: str = "admin"
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="Read once; ends are trimmed.")


class RoleMapping(_Section):
    """A role for identities of a provider."""

    match: str = Field(
        pattern=r"^(\*|(group|user|domain):.+)$",
        description="`group:NAME`, `user:EMAIL`, `domain:NAME`, or `*` for everybody.",
    )
    role: Literal["viewer", "operator", "editor", "admin"]
    namespace: str = Field(default="", description="Empty: the whole server.")


class OidcSettings(_Section):
    """Sign-in at an OpenID Connect provider."""

    issuer: str | None = Field(default=None, description="Its URL; empty switches it off.")
    client_id: str = ""
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    scopes: str = "openid email profile"
    name_claim: str = Field(default="email", description="The claim that names the user.")
    groups_claim: str = "groups"
    label: str = Field(default="Single sign-on", description="What the button says.")
    roles: tuple[RoleMapping, ...] = Field(
        default=(), description="Who matches none of them may not sign in."
    )


class IapSettings(_Section):
    """Identities that Google's Identity-Aware Proxy puts into a signed header."""

    audience: str | None = Field(default=None, description="Empty switches it off.")
    issuer: str = "https://cloud.google.com/iap"
    keys_url: str = "https://www.gstatic.com/iap/verify/public_key-jwk"
    roles: tuple[RoleMapping, ...] = Field(
        default=(), description="Who matches none of them may not enter."
    )


class AuthSettings(_Section):
    """Who may use the server."""

    mode: Literal["users", "none"] = Field(
        default="users",
        description="`none` lets in everybody who can connect; allowed on loopback only.",
    )
    bootstrap: BootstrapSettings = BootstrapSettings()
    session_idle_hours: float = Field(default=12, gt=0, description="Without use, it ends.")
    session_days: float = Field(default=14, gt=0, description="It ends even when it is used.")
    oidc: OidcSettings = OidcSettings()
    iap: IapSettings = IapSettings()


class DatabaseSettings(_Section):
    url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; empty means SQLite in the state folder."
    )
    wait_seconds: float = Field(
        default=60, ge=0, description="How long a start waits for PostgreSQL to answer."
    )
    pool_size: int = Field(
        default=16, ge=2, le=200, description="Connections to PostgreSQL; as many again at peaks."
    )


class ClusterSettings(_Section):
    """Several servers on one PostgreSQL database."""

    lease_seconds: float = Field(
        default=10,
        ge=1,
        description="After this time another server takes over from one that is silent.",
    )
    lost_seconds: float = Field(
        default=30,
        ge=1,
        description="After this time a silent worker is given up and its tasks run elsewhere.",
    )


class WorkerSettings(_Section):
    threads: int = Field(default=16, ge=1, le=512, description="Task runs at the same time.")
    group: str | None = Field(
        default=None, description="Worker group (`workerGroup.key`) served by this process."
    )


class DockerSettings(_Section):
    fallback: Literal["process"] | None = Field(
        default=None, description="Run Docker tasks as processes when no daemon answers."
    )
    host: str | None = Field(default=None, description="Daemon URL; empty means the usual one.")
    network: str | None = Field(default=None, description="Network that task containers join.")


class RunnerSettings(_Section):
    default: Literal["auto", "process", "docker"] = Field(
        default="auto",
        description="Runner of script tasks that name none; auto is Docker if a daemon answers.",
    )
    docker: DockerSettings = DockerSettings()
    dbt_warm: bool = Field(
        default=True,
        description="Start dbt by a fork of a process that has imported it, where dbt runs here.",
    )


class EndpointSettings(_Section):
    """Empty in production; a local Google Cloud gives its own addresses here."""

    storage: str | None = None
    bigquery: str | None = None
    secretmanager: str | None = None
    token: str | None = None
    kms: str | None = None


class GcpSettings(_Section):
    endpoints: EndpointSettings = EndpointSettings()


class VariableSettings(_Section):
    globals: dict[str, object] = Field(default_factory=dict)
    env_prefix: str = Field(
        default="KESTRA_", description="Process variables with this prefix become `envs`."
    )
    recursive_rendering: bool = False


class TypeDefault(_Section):
    type: str
    forced: bool = False
    values: dict[str, object] = Field(default_factory=dict)


class SeedSettings(_Section):
    """What a new server starts with; users may change or delete it, and it stays so."""

    kv: dict[str, dict[str, object]] = Field(
        default_factory=dict,
        description="Key-value entries by namespace, such as the project, dataset and bucket.",
    )


class EnvironmentSecretSettings(_Section):
    prefix: str = Field(
        default="SECRET_", min_length=1, description="Variables that hold base64 of a secret."
    )
    plain_prefix: str | None = Field(
        default=None, min_length=1, description="Variables that hold a secret as it stands."
    )


class FileSecretSettings(_Section):
    directory: Path | None = Field(
        default=None, description="Files NAME, and <namespace>/NAME, as Docker mounts them."
    )


class GoogleSecretSettings(_Section):
    """Secret Manager: `<prefix>__<namespace, -- for dots>__<NAME>`."""

    project: str | None = None
    prefix: str = Field(default="mainstem", pattern=r"^[A-Za-z0-9-]+$")
    cache_seconds: float = Field(default=60, ge=0, description="How long an answer counts.")
    stale_seconds: float = Field(
        default=900, ge=0, description="How much longer while Google does not answer."
    )


class SecretSettings(_Section):
    sources: tuple[Literal["database", "environment", "files", "google"], ...] = Field(
        default=("database", "environment"), description="Asked in this order."
    )
    write_to: Literal["database", "google"] | None = Field(
        default="database", description="Where the API, the pages and the CLI put secrets."
    )
    key_file: Path | None = Field(
        default=None, description="Empty means `master.key` in the state folder."
    )
    key_value: SecretStr | None = Field(
        default=None,
        description="32 bytes as base64 instead of a file; older keys after commas.",
    )
    key_kms: str | None = Field(
        default=None,
        pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$",
        description="Google Cloud KMS key that wraps the keys in the file.",
    )
    environment: EnvironmentSecretSettings = EnvironmentSecretSettings()
    files: FileSecretSettings = FileSecretSettings()
    google: GoogleSecretSettings = GoogleSecretSettings()


class ExecutionSettings(_Section):
    skip: frozenset[str] = Field(
        default=frozenset(), description="Execution ids whose events are dropped."
    )
    skip_flows: frozenset[str] = Field(default=frozenset(), description="As `namespace.id`.")
    skip_namespaces: frozenset[str] = frozenset()


class StorageSettings(_Section):
    """Where files of executions and namespaces lie."""

    type: Literal["local", "gcs"] = "local"
    path: Path | None = Field(
        default=None, description="Folder of local storage; else `storage` in the state folder."
    )
    bucket: str | None = Field(default=None, description="Bucket of `gcs`.")
    prefix: str = Field(default="", description="Folder within the bucket.")


class RetentionRule(_Section):
    """Ended executions older than `days` are deleted; the most specific rule decides."""

    namespace: str | None = Field(default=None, description="With all below it; empty: any.")
    states: frozenset[str] = Field(default=frozenset(), description="Empty means every end state.")
    days: float = Field(ge=0)


class RetentionSettings(_Section):
    rules: tuple[RetentionRule, ...] = ()
    log_days: float | None = Field(
        default=None, ge=0, description="Log lines older than this go, of running executions too."
    )
    evaluation_days: float | None = Field(
        default=None, ge=0, description="Trigger evaluations older than this go."
    )
    file_version_days: float | None = Field(
        default=None,
        ge=1,
        description="Earlier versions of namespace files go when they were replaced longer ago.",
    )
    audit_days: float | None = Field(
        default=None, ge=1, description="Records of the audit log older than this go."
    )
    interval_seconds: float = Field(default=3600, ge=1)
    batch: int = Field(default=200, ge=1, le=5000, description="Executions in one transaction.")


Role = Literal["web", "executor", "scheduler", "gitsync", "worker"]
ROLES: tuple[Role, ...] = ("web", "executor", "scheduler", "gitsync", "worker")

Isolation = Literal["strict", "secrets", "open"]


class Settings(_Section):
    """The whole tree."""

    state_dir: Path = Field(default=Path(".mainstem"), description="Database, files, caches.")
    roles: tuple[Role, ...] = Field(
        default=ROLES, description="What this process does; fewer than all need PostgreSQL."
    )
    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    database: DatabaseSettings = DatabaseSettings()
    cluster: ClusterSettings = ClusterSettings()
    storage: StorageSettings = StorageSettings()
    retention: RetentionSettings = RetentionSettings()
    secrets: SecretSettings = SecretSettings()
    worker: WorkerSettings = WorkerSettings()
    runners: RunnerSettings = RunnerSettings()
    gcp: GcpSettings = GcpSettings()
    variables: VariableSettings = VariableSettings()
    plugin_defaults: tuple[TypeDefault, ...] = ()
    git: GitSettings = GitSettings()
    executions: ExecutionSettings = ExecutionSettings()
    seed: SeedSettings = SeedSettings()
    isolation: Isolation = Field(
        default="secrets",
        description="`secrets`: flows use secrets and keys of another namespace only when its "
        "allowedNamespaces names theirs; `strict`: anything of it; `open`: they reach all.",
    )
    timezone: str = Field(default="UTC", description="Zone of schedules and dates without one.")
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    scheduler: bool = Field(default=True, description="Whether this process fires triggers.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"`{name}` is not a time zone such as Europe/Berlin") from error
        return name

    @model_validator(mode="after")
    def _fitting(self) -> "Settings":
        if set(self.roles) != set(ROLES) and not self.is_shared:
            raise ValueError(
                "roles: a process that does not do everything needs a PostgreSQL database, "
                "which the others share: set database.url"
            )
        if self.storage.type == "gcs" and not self.storage.bucket:
            raise ValueError("storage.bucket: name the bucket of `storage.type: gcs`")
        return self

    @property
    def is_shared(self) -> bool:
        """Whether several servers may work on the database."""
        return self.database_url.startswith(("postgresql", "postgres:"))

    @property
    def key_path(self) -> Path:
        """The key that seals secrets."""
        return self.secrets.key_file or self.state_dir / "master.key"

    @property
    def storage_path(self) -> Path:
        """The folder of local storage."""
        return self.storage.path or self.state_dir / "storage"

    @model_validator(mode="after")
    def _closed_to_the_network(self) -> Self:
        if self.auth.mode == "none" and not self.server.is_loopback:
            raise ValueError(
                "auth.mode none lets in everybody, so server.host must be 127.0.0.1, localhost or "
                "::1; remove auth.mode to have users"
            )
        return self

    @property
    def database_url(self) -> str:
        """The database in use, with its password."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.state_dir.resolve() / 'mainstem.db'}"


def load_settings(
    file: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the file, then the environment, then `overrides` (dotted keys), later ones winning.

    Text from the environment and from overrides may be a list or map in YAML's short form.
    Raises InvalidInput naming the key at fault and where it came from.
    """
    env = os.environ if environment is None else environment
    chosen = file or (Path(env["MAINSTEM_CONFIG"]) if env.get("MAINSTEM_CONFIG") else None)
    tree = _read_file(chosen) if chosen else {}
    for name, text in sorted(env.items()):
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and not name.startswith(_FOREIGN):
            _put(tree, name.removeprefix(PREFIX).lower().split("__"), _value(name, text))
    for key, value in (overrides or {}).items():
        _put(tree, key.split("."), _value(key, value) if isinstance(value, str) else value)
    try:
        return Settings.model_validate(tree, context={"files_allowed": True})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInput(f"settings ({chosen or 'environment'}): {faults}") from error


class ClientEnvironment(NamedTuple):
    """What commands that talk to a server find in the environment."""

    token: str | None
    token_file: str | None


def client_environment() -> ClientEnvironment:
    return ClientEnvironment(
        os.environ.get("MAINSTEM_TOKEN"), os.environ.get("MAINSTEM_TOKEN_FILE")
    )


def user_folder() -> Path:
    """Where the command line keeps what belongs to the user of this machine."""
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "mainstem"


def process_environment() -> dict[str, str]:
    """A copy of the process environment, for child processes and `envs`."""
    return dict(os.environ)


def _read_file(path: Path) -> dict[str, object]:
    try:
        tree = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise InvalidInput(f"settings file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"settings file {path} is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"settings file {path} is not YAML{_place(error)}") from error
    if not isinstance(tree, dict):
        raise InvalidInput(f"settings file {path} must hold a map of settings")
    return tree


def _place(error: yaml.YAMLError) -> str:
    """Where the fault is, without the line itself: it may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _value(name: str, text: str) -> object:
    """Lists, maps and nothing from YAML; all else stays text, which each setting reads itself."""
    if text in ("", "null"):
        return None
    if not text.startswith(("[", "{")):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"settings: {name} is not YAML{_place(error)}") from error


def _put(tree: dict[str, object], path: list[str], value: object) -> None:
    node = tree
    for part in path[:-1]:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise InvalidInput(f"settings: {'.'.join(path)} lies below a value that is no map")
        node = child
    node[path[-1]] = value
