"""`mainstem import-kestra`: a running Kestra as a repository to sync from."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from mainstem.cli.remote import Remote
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.flow_id import FLOW_ID, NAMESPACE, ancestors
from mainstem.services.archives import unpack_flows
from mainstem.services.file_archives import unpack

_KEY_MARK: Final = "PRIVATE KEY-----"


@dataclass
class Haul:
    """What was found: files of the repository by path, and what was left behind and why."""

    files: dict[str, bytes] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    flows: int = 0
    values: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("server", metavar="URL", help="address of Kestra, as in the browser")
    parser.add_argument(
        "folder", type=Path, help="where to write; existing files are never replaced"
    )
    parser.add_argument("--tenant", help="tenant in its addresses; `main` from 0.23 on")
    parser.add_argument("--user", help="sign in with a password, asked for or on standard input")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file of an API token")
    parser.add_argument(
        "--namespace", action="append", help="only this and those below; may be repeated"
    )


def run(args: argparse.Namespace) -> int:
    """Reads everything before it writes anything. Raises Conflict naming files that exist."""
    with Remote(_base(args.server), _token(args.token_file)) as remote:
        if args.user:
            remote.client.auth = (args.user, _password(args.user))
        prefix = f"/{args.tenant}" if args.tenant else ""
        haul = collect(remote, prefix, args.namespace or [])
    if not haul.files:
        raise NotFound(
            f"there is nothing to bring from {args.server}: look at --tenant, --namespace"
        )
    _write(args.folder, haul.files)
    namespaces = {path.split("/")[1] for path in haul.files if path.startswith("files/")}
    print(
        f"{haul.flows} flows, {haul.values} key-value entries and files of {len(namespaces)} "
        f"namespaces in {args.folder}"
    )
    for sentence in haul.left:
        print(f"left behind: {sentence}")
    print(
        f"Next: mainstem check {args.folder / 'flows'}; secrets do not leave Kestra: set them here"
    )
    return 0


def collect(remote: Remote, prefix: str, only: list[str]) -> Haul:
    """Flows, namespace files and key-value entries."""
    haul = Haul()
    archive = _content(remote, f"{prefix}/flows/export/by-query")
    namespaces = set()
    for found in unpack_flows("flows.zip", archive):
        namespace, name = _name_of(found.name, found.source)
        if _is_wanted(namespace, only):
            namespaces.update(ancestors(namespace))
            haul.files[f"flows/{namespace}/{name}.yaml"] = found.source.encode()
            haul.flows += 1
    for namespace in sorted(n for n in namespaces if _is_wanted(n, only)):
        _add_files(remote, prefix, namespace, haul)
        _add_values(remote, prefix, namespace, haul)
    return haul


def _add_files(remote: Remote, prefix: str, namespace: str, haul: Haul) -> None:
    try:
        archive = _content(remote, f"{prefix}/namespaces/{namespace}/files/export")
    except NotFound:
        return
    for path, content in unpack(archive).items() if archive else ():
        haul.files[f"files/{namespace}/{path}"] = content


def _add_values(remote: Remote, prefix: str, namespace: str, haul: Haul) -> None:
    values = dict(_values(remote, f"{prefix}/namespaces/{namespace}/kv", namespace, haul))
    if values:
        text = yaml.safe_dump(values, allow_unicode=True, sort_keys=True)
        haul.files[f"kv/{namespace}.yaml"] = text.encode()
        haul.values += len(values)


def _values(
    remote: Remote, address: str, namespace: str, haul: Haul
) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        listed = remote.call("GET", address)
    except NotFound:
        return
    for entry in listed:
        key = str(entry["key"])
        told = remote.call("GET", f"{address}/{key}")
        if _KEY_MARK in str(told["value"]):
            haul.left.append(
                f"{namespace}/{key} holds a private key: `mainstem secret set {namespace} {key} "
                "--file key.json`, or nothing where the server has an account of its own"
            )
            continue
        if entry.get("expirationDate"):
            haul.left.append(f"the time to live of {namespace}/{key}: set it again if you need it")
        kept = {"type": str(told["type"]), "value": told["value"]}
        if entry.get("description"):
            kept["description"] = str(entry["description"])
        yield key, kept


def _content(remote: Remote, path: str) -> bytes:
    """A file; errors are told as `call` tells them."""
    try:
        answer = remote.client.get(path)
    except httpx.HTTPError:
        remote.call("GET", path)
        raise
    if not answer.is_success:
        remote.call("GET", path)
    return answer.content


def _name_of(file: str, source: str) -> tuple[str, str]:
    try:
        flow = yaml.safe_load(source)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"`{file}` of the export is not YAML") from error
    namespace = str(flow.get("namespace", "")) if isinstance(flow, dict) else ""
    name = str(flow.get("id", "")) if isinstance(flow, dict) else ""
    if not NAMESPACE.fullmatch(namespace) or not FLOW_ID.fullmatch(name):
        raise InvalidInput(f"`{file}` of the export names no flow: `{namespace}`, `{name}`")
    return namespace, name


def _is_wanted(namespace: str, only: list[str]) -> bool:
    return not only or any(namespace == n or namespace.startswith(f"{n}.") for n in only)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    taken = sorted(path for path in files if (folder / path).exists())
    if taken:
        raise Conflict(f"these files exist already in {folder}: {', '.join(taken[:10])}")
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _base(server: str) -> str:
    """The address without what a browser shows after it."""
    return server.rstrip("/").removesuffix("/ui").removesuffix("/api/v1")


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error


def _password(user: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {user}: ").strip()
    return sys.stdin.readline().strip()
