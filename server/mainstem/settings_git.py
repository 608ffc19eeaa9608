"""Settings of Git sources; also the shape in which sources of the API and the page are kept.

In the settings file a secret or a text may be `@/path/to/file`: the file's content is meant.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _filled(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("must not be empty")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_filled)]


class FileMapping(_Section):
    """A folder of the repository as files of a namespace, below `to`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from")
    namespace: str
    to: str = ""


class NamespaceMapping(_Section):
    """Flows below a folder belong to a namespace; the flows need not name it themselves."""

    directory: str = Field(description="Folder, seen from the directory of the source.")
    namespace: str
    children: bool = Field(
        default=True, description="Folders below it are namespaces below that namespace."
    )
    on_mismatch: Literal["refuse", "rewrite"] = Field(
        default="refuse", description="What happens to a flow that names another namespace."
    )


class GithubApp(_Section):
    """Credentials of a GitHub App, exchanged for short-lived tokens."""

    app_id: str
    installation_id: str
    private_key: Secret
    api_url: str = "https://api.github.com"


class CommitVerification(_Section):
    """Only commits signed by one of these keys are accepted."""

    commits: Literal["head", "all"] = Field(
        default="head",
        description="Verify the commit that becomes live, or each one since the live commit.",
    )
    allowed_signers: str = Field(default="", description="SSH allowed_signers lines.")
    gpg_keys: str = Field(default="", description="Armored public keys.")


class CommitStatus(_Section):
    """Where the outcome of a sync is written back to the commit."""

    kind: Literal["github", "gitlab", "gitea"]
    api_url: str | None = Field(default=None, description="Needed for own installations.")
    repository: str | None = Field(default=None, description="As owner/name; else from the url.")
    token: Secret | None = Field(default=None, description="Else that of the source.")


class GitSource(_Section):
    """A repository that flows and namespace files come from."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    url: str = Field(default="", description="https://, ssh:// or user@host:path.")
    push: bool = Field(
        default=False, description="The server itself hosts the repository at /git/<name>."
    )
    branch: str = "main"
    tag: str | None = Field(default=None, description="Follow a tag instead of the branch.")
    commit: str | None = Field(default=None, description="Stay on this commit.")
    directory: str = Field(default="", description="Look only below this folder.")
    flows: tuple[str, ...] = Field(default=("flows",), description="Folders of flow files.")
    namespaces: tuple[NamespaceMapping, ...] = ()
    files: tuple[FileMapping, ...] | None = Field(
        default=None,
        description="Folders of namespace files; else files/<namespace>/ and dbt/<namespace>/.",
    )
    interval_seconds: float = Field(default=60, ge=1)
    username: str | None = None
    token: Secret | None = Field(default=None, description="Token or password, over https only.")
    ssh_key: Secret | None = Field(default=None, description="Private key in OpenSSH or PEM form.")
    ssh_passphrase: Secret | None = None
    known_hosts: str = Field(
        default="", description="Lines of known_hosts; ssh works with hosts named here only."
    )
    github_app: GithubApp | None = None
    proxy: str | None = Field(default=None, description="HTTP proxy for https addresses.")
    ca: str = Field(default="", description="Certificates (PEM) to trust instead of the usual.")
    on_delete: Literal["delete", "keep", "fail"] = "delete"
    on_drift: Literal["heal", "keep"] = Field(
        default="keep", description="Whether edits made here give way to what Git says."
    )
    editable: bool = Field(
        default=False, description="Let the API and the editor change flows of this source."
    )
    allow_empty: bool = Field(
        default=False, description="Let a commit without anything remove everything."
    )
    protected_namespaces: tuple[str, ...] = Field(
        default=("system",), description="Nothing in these, or below them, is ever removed."
    )
    tests: Literal["off", "required"] = Field(
        default="off", description="Whether flow tests of a commit must pass."
    )
    verify: CommitVerification | None = None
    webhook_secret: Secret | None = None
    status: CommitStatus | None = None

    @model_validator(mode="before")
    @classmethod
    def _files_read(cls, given: Any, info: Any) -> Any:
        """`@/path` in the settings file; never for sources that came over the network."""
        is_local = isinstance(info.context, dict) and info.context.get("files_allowed")
        return _with_files(given) if is_local and isinstance(given, dict) else given

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.push == bool(self.url):
            raise ValueError(f"source `{self.name}` needs either a url or push: true")
        if self.tag and self.commit:
            raise ValueError(f"source `{self.name}` follows a tag or a commit, not both")
        if self.push and (self.tag or self.commit):
            raise ValueError(f"source `{self.name}` is pushed to: it follows its branch")
        return self

    @property
    def ref(self) -> str:
        """What is followed, for readers."""
        if self.commit:
            return f"commit {self.commit[:12]}"
        return f"tag {self.tag}" if self.tag else self.branch


_TEXTS = frozenset(
    {
        "token", "ssh_key", "ssh_passphrase", "known_hosts", "ca", "webhook_secret", "private_key",
        "allowed_signers", "gpg_keys",
    }
)  # fmt: skip


def _with_files(given: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _with_files(value)
        if isinstance(value, dict)
        else _content(key, value)
        if key in _TEXTS and isinstance(value, str) and value.startswith("@/")
        else value
        for key, value in given.items()
    }


def _content(key: str, value: str) -> str:
    path = Path(value[1:])
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{key}: {path} cannot be read as text") from error
    return text if key in ("ssh_key", "private_key", "known_hosts", "ca") else text.strip()


class GitSettings(_Section):
    sources: tuple[GitSource, ...] = ()
    allow_file_urls: bool = Field(
        default=False, description="Accept file:// and plain paths as repository addresses."
    )
    largest_push_mb: int = Field(
        default=500, ge=1, description="What one push to a repository hosted here may hold."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [source.name for source in self.sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two sources are called `{twice}`")
        return self
