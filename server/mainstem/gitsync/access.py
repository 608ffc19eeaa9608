"""What a git process needs to reach one address: environment, options, short-lived key files.

A secret is never an argument, never part of an address, and reaches one host only.
"""

import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput
from mainstem.gitsync.address import Address
from mainstem.settings_git import GitSource

# Git asks for credentials by host, also after a redirect: only the host of the source gets them.
_HELPER: Final = (
    '!f() { test "$1" = get || exit 0; while IFS=\'=\' read -r k v; do case "$k" in '
    'protocol) p=$v;; host) h=$v;; esac; done; test "$p" = "$MAINSTEM_GIT_PROTOCOL" && '
    'test "$h" = "$MAINSTEM_GIT_HOST" || exit 0; '
    'printf \'username=%s\\npassword=%s\\n\' "$MAINSTEM_GIT_USERNAME" "$MAINSTEM_GIT_PASSWORD"; '
    "}; f"
)
_ASKPASS: Final = '#!/bin/sh\nprintf "%s\\n" "$MAINSTEM_GIT_PASSPHRASE"\n'

TokenSource = Callable[[GitSource], str | None]


@dataclass(frozen=True, slots=True)
class Access:
    """Environment and options of git, and what must not be repeated from its words."""

    environment: Mapping[str, str]
    options: Sequence[str] = ()
    secrets: Sequence[str] = ()

    def clean(self, words: str) -> str:
        """Words of git without the secrets."""
        for secret in self.secrets:
            words = words.replace(secret, "***")
        return words


@contextmanager
def opened(source: GitSource, address: Address, tokens: TokenSource) -> Iterator[Access]:
    """Access to the address of a source. Raises InvalidInput when its credentials do not fit."""
    with tempfile.TemporaryDirectory(prefix="mainstem-git-") as name:
        folder = Path(name)
        environment = {"GIT_ALLOW_PROTOCOL": address.scheme}
        options: list[str] = []
        secrets: list[str] = []
        if address.scheme == "ssh":
            secrets += _ssh(source, folder, environment)
        elif address.is_web:
            secrets += _web(source, address, folder, environment, options, tokens)
        yield Access(environment, options, secrets)


def _web(
    source: GitSource,
    address: Address,
    folder: Path,
    environment: dict[str, str],
    options: list[str],
    tokens: TokenSource,
) -> list[str]:
    if source.ca:
        environment["GIT_SSL_CAINFO"] = str(_file(folder, "ca.pem", source.ca))
    if source.proxy:
        options += ["-c", f"http.proxy={'' if source.proxy == 'off' else _proxy(source.proxy)}"]
    token = tokens(source)
    if token is None:
        return []
    if any(char in token or char in (source.username or "") for char in "\r\n\0"):
        raise InvalidInput(f"the token of source `{source.name}` has more than one line")
    parts = urlsplit(address.url)
    environment |= {
        "MAINSTEM_GIT_PROTOCOL": parts.scheme,
        "MAINSTEM_GIT_HOST": parts.netloc.rpartition("@")[2],
        "MAINSTEM_GIT_USERNAME": source.username or parts.username or "x-access-token",
        "MAINSTEM_GIT_PASSWORD": token,
    }
    options += ["-c", f"credential.helper={_HELPER}"]
    return [token]


def _proxy(proxy: str) -> str:
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https", "socks5", "socks5h") or not parts.hostname:
        raise InvalidInput("a proxy is written as http://host:port, or `off`")
    if parts.password:
        raise InvalidInput("a proxy's password would be visible to others: leave it out")
    return proxy


def _ssh(source: GitSource, folder: Path, environment: dict[str, str]) -> list[str]:
    if not source.known_hosts.strip():
        raise InvalidInput(
            f"source `{source.name}`: ssh needs known_hosts (the lines that `ssh-keyscan HOST` "
            "prints, once they are checked), so that nobody else can pose as the host"
        )
    secrets = []
    words = [
        "ssh", "-F", "/dev/null",
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=yes",
        f"-oUserKnownHostsFile={_file(folder, 'known_hosts', source.known_hosts)}",
        "-oGlobalKnownHostsFile=/dev/null",
        "-oUpdateHostKeys=no",
        "-oIdentitiesOnly=yes",
        "-oIdentityAgent=none",
        "-oPreferredAuthentications=publickey",
        "-oForwardAgent=no",
        "-oClearAllForwardings=yes",
        "-oPermitLocalCommand=no",
        "-oProxyCommand=none",
        "-oConnectTimeout=15",
        "-oServerAliveInterval=15",
    ]  # fmt: skip
    if source.ssh_key is not None:
        key = source.ssh_key.get_secret_value()
        words.append(f"-oIdentityFile={_file(folder, 'key', key)}")
        secrets.append(key)
    if source.ssh_passphrase is not None:
        words[words.index("-oBatchMode=yes")] = "-oNumberOfPasswordPrompts=1"
        helper = _file(folder, "passphrase", _ASKPASS)
        helper.chmod(0o700)
        environment |= {
            "SSH_ASKPASS": str(helper),
            "SSH_ASKPASS_REQUIRE": "force",
            "MAINSTEM_GIT_PASSPHRASE": source.ssh_passphrase.get_secret_value(),
        }
        secrets.append(source.ssh_passphrase.get_secret_value())
    environment |= {
        "GIT_SSH_COMMAND": " ".join(shlex.quote(word) for word in words),
        "GIT_SSH_VARIANT": "ssh",
    }
    return secrets


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text if text.endswith("\n") else f"{text}\n")
    return path
