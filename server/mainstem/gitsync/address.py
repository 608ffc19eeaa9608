"""Addresses, branches, tags and commits that git may be given (pure)."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput

_REF: Final = re.compile(
    r"(?![-/.])(?!.*(\.\.|//|@\{|\.lock(/|$)|/\.|[/.]$))[A-Za-z0-9._/+-]{1,250}"
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SCP: Final = re.compile(
    r"([A-Za-z0-9._][A-Za-z0-9._-]*@)([A-Za-z0-9][A-Za-z0-9.-]*):(?!-)([^:\s]+)"
)
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9a-fA-F:]+")
_USER: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked; `scheme` is https, http (loopback), ssh or file."""

    url: str
    scheme: str
    host: str = ""

    @property
    def is_web(self) -> bool:
        return self.scheme in ("https", "http")


def check_url(url: str, *, allow_file: bool) -> Address:
    """Raises InvalidInput saying which kinds of address are accepted."""
    found = _address(url)
    if found is not None and (found.scheme != "file" or allow_file):
        return found
    raise InvalidInput(
        f"`{shown_url(url)}` is not an address to sync from: use https://, ssh:// or user@host:path"
        " without a password in it"
        + ("" if allow_file else "; local paths need git.allow_file_urls: true")
    )


def _address(url: str) -> Address | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return None
    if re.search(r"[\s\x00-\x1f]", url):
        return None
    if parts.scheme in ("https", "http", "ssh"):
        user = parts.username
        named = _HOST.fullmatch(host) and not parts.password and (not user or _USER.fullmatch(user))
        plain_is_local = parts.scheme != "http" or host in _LOOPBACK
        return Address(url, parts.scheme, host) if named and plain_is_local else None
    scp = _SCP.fullmatch(url)
    if scp:
        return Address(url, "ssh", scp[2])
    if parts.scheme == "file" and not parts.netloc:
        return Address(url, "file")
    return Address(f"file://{url}", "file") if url.startswith("/") else None


def check_branch(branch: str) -> str:
    """Raises InvalidInput for a name that git would not accept, or would take for an option."""
    if not _REF.fullmatch(branch):
        raise InvalidInput(f"`{branch}` is not a branch name")
    return branch


def check_tag(tag: str) -> str:
    """As `check_branch`."""
    if not _REF.fullmatch(tag):
        raise InvalidInput(f"`{tag}` is not a tag name")
    return tag


def check_commit(commit: str) -> str:
    """Raises InvalidInput for anything but a full commit id."""
    if not _COMMIT.fullmatch(commit):
        raise InvalidInput(f"`{commit}` is not a commit: write all 40 (or 64) hexadecimal digits")
    return commit


def shown_url(url: str) -> str:
    """The address without a user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(unreadable)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else url


def repository_name(url: str) -> str:
    """`owner/name` of an address on a forge; raises InvalidInput."""
    scp = _SCP.fullmatch(url)
    path = scp[3] if scp else urlsplit(url).path
    name = path.strip("/").removesuffix(".git")
    if "/" not in name:
        raise InvalidInput(f"`{shown_url(url)}` names no owner/repository: say it in status")
    return name
