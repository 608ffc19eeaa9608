"""Clone and SyncNamespaceFiles."""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput
from mainstem.sdk.addresses import check_host
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import store_rows
from mainstem.sdk.task import Outputs, RunnableTask
from mainstem.sdk.workfiles import safe_path

_BRANCH: Final = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{))[A-Za-z0-9._/+-]{1,250}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SCP: Final = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:]+")
_SECONDS: Final = 300.0
_LARGEST: Final = 100_000_000


class GitTask(RunnableTask):
    """Common properties of Git tasks."""

    url: Property[Text]
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    private_key: Property[Text] | None = None
    passphrase: Property[Text] | None = None
    trusted_ca_pem_path: Property[Text] | None = None
    no_proxy: Property[bool] | None = None
    connect_timeout: Property[int] | None = None
    read_timeout: Property[int] | None = None
    clone_submodules: Property[bool] = Property(False, bool)

    def clone(self, ctx: RunContext, to: Path, ref: str | None, options: list[str]) -> Any:
        """A GitPython repository in `to`; nothing of it is run, no hook, filter or submodule.

        Raises TaskFailed with git's words, without the password.
        """
        from git import Git, GitCommandError, Repo

        if ctx.render(self.clone_submodules):
            raise InvalidInput("`cloneSubmodules: true` is not supported: submodules run code")
        url = self._url(ctx)
        secret = ctx.render(self.password) if self.password is not None else ""
        argv = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.symlinks=false", "clone",
                "--quiet", "--no-recurse-submodules", *options]  # fmt: skip
        if ref is not None:
            argv += ["--branch", ref]
        try:
            Git(str(ctx.workdir)).execute(
                [*argv, "--", url, str(to)],
                env=self._environment(ctx, url),
                kill_after_timeout=_SECONDS,
            )
        except GitCommandError as error:
            text = str(error.stderr).strip().removeprefix("stderr: ").strip("' \n")
            said = text.replace(secret, "***") if secret else text
            raise TaskFailed(f"cannot clone {_without_user(url)}: {said}") from None
        return Repo(to)

    def _url(self, ctx: RunContext) -> str:
        url = ctx.render(self.url).strip()
        parts = urlsplit(url)
        is_local = parts.scheme == "file" or (not parts.scheme and url.startswith("/"))
        if parts.scheme in ("https", "http", "ssh") and parts.hostname:
            check_host(parts.hostname)
            return url
        if _SCP.fullmatch(url):
            return url
        if is_local and ctx.settings.git_file_urls:
            return url if parts.scheme else f"file://{url}"
        raise InvalidInput(
            f"`{_without_user(url)}` is not an address to clone: use https://, ssh:// or "
            "user@host:path"
        )

    def _environment(self, ctx: RunContext, url: str) -> dict[str, str]:
        protocols = "https:http:ssh:file" if ctx.settings.git_file_urls else "https:http:ssh"
        found = {
            **ctx.settings.environment,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        }
        if self.trusted_ca_pem_path is not None:
            found["GIT_SSL_CAINFO"] = ctx.render(self.trusted_ca_pem_path)
        if self.no_proxy is not None and ctx.render(self.no_proxy):
            found["no_proxy"] = "*"
        if self.private_key is not None:
            found["GIT_SSH_COMMAND"] += f" -i {self._key_file(ctx)} -oIdentitiesOnly=yes"
        if self.password is not None:
            found |= self._header(ctx, url)
        return found

    def _header(self, ctx: RunContext, url: str) -> dict[str, str]:
        """The password as a header for exactly this host, kept off the command line."""
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise InvalidInput("a password is sent over https only: use an https:// address")
        user = ctx.render(self.username) if self.username is not None else "git"
        assert self.password is not None
        password = ctx.render(self.password)
        ctx.mask(password)
        plain = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.https://{parts.netloc.rpartition('@')[2]}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {plain}",
        }

    def _key_file(self, ctx: RunContext) -> Path:
        assert self.private_key is not None
        text = ctx.render(self.private_key)
        ctx.mask(text)
        if self.passphrase is not None:
            text = _unlocked(text, ctx.render(self.passphrase))
        path = ctx.workdir / ".git-key"
        path.touch(mode=0o600)
        path.write_text(text if text.endswith("\n") else f"{text}\n")
        return path


class Clone(GitTask):
    """Clone a repository into the working directory."""

    TYPE = "io.kestra.plugin.git.Clone"

    directory: Property[Text] | None = None
    branch: Property[Text] | None = None
    tag: Property[Text] | None = None
    commit: Property[Text] | None = None
    depth: Property[int] = Property(1, int)
    clone_all_branches: Property[bool] | None = None
    no_tags: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        name = ctx.render(self.directory) if self.directory is not None else ""
        target = safe_path(ctx.workdir, name) if name else ctx.workdir / ".clone"
        commit = ctx.render(self.commit) if self.commit is not None else None
        repo = self.clone(ctx, target, self._ref(ctx), self._options(ctx, commit))
        if commit is not None:
            if not _COMMIT.fullmatch(commit):
                raise InvalidInput(f"`{commit}` is not a commit: write its hexadecimal id")
            repo.git.execute(["git", "checkout", "--quiet", "--detach", commit])
        head = repo.head.commit.hexsha
        repo.close()
        if not name:
            _move_up(target, ctx.workdir)
        ctx.log.info(f"cloned {_without_user(ctx.render(self.url))} at {head[:12]}")
        return {"directory": str(target if name else ctx.workdir), "commitId": head}

    def _ref(self, ctx: RunContext) -> str | None:
        for prop in (self.tag, self.branch):
            if prop is not None:
                return _checked_ref(ctx.render(prop))
        return None

    def _options(self, ctx: RunContext, commit: str | None) -> list[str]:
        depth = ctx.render(self.depth)
        found = [] if commit is not None or depth <= 0 else [f"--depth={depth}"]
        return [*found, "--no-tags"] if ctx.render(self.no_tags) else found


class SyncNamespaceFiles(GitTask):
    """Bring a folder of a repository as files of a namespace."""

    TYPE = "io.kestra.plugin.git.SyncNamespaceFiles"

    branch: Property[Text] = Property("main", str)
    namespace: Property[Text] | None = None
    git_directory: Property[Text] = Property("_files", str)
    delete: Property[bool] = Property(False, bool)
    dry_run: Property[bool] = Property(False, bool)
    fail_on_missing_directory: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        target = ctx.workdir / ".repository"
        branch = _checked_ref(ctx.render(self.branch))
        repo = self.clone(ctx, target, branch, ["--depth=1", "--no-tags", "--single-branch"])
        head = repo.head.commit.hexsha
        repo.close()
        folder = safe_path(target, ctx.render(self.git_directory) + "/.")
        if not folder.is_dir():
            text = f"the repository has no folder `{ctx.render(self.git_directory)}`"
            if ctx.render(self.fail_on_missing_directory):
                raise TaskFailed(text)
            ctx.log.warn(text)
            return {"commitId": head}
        changes = list(self._changes(ctx, folder))
        uri, _ = store_rows(ctx, changes, "diffs.ion")
        counts: dict[str, int] = {}
        for change in changes:
            key = str(change["syncState"])
            counts[key] = counts.get(key, 0) + 1
        ctx.log.info(f"{branch} at {head[:12]}: {_counted(counts)}")
        return {"files": uri, "commitId": head, "counts": counts}

    def _changes(self, ctx: RunContext, folder: Path) -> Iterator[dict[str, object]]:
        """Apply (unless it is a dry run) and tell what each path came to."""
        namespace = ctx.render(self.namespace) if self.namespace is not None else None
        dry = ctx.render(self.dry_run)
        known = set(ctx.namespace_files.paths(namespace))
        for path in _files(folder):
            name = str(path.relative_to(folder))
            content = _content(path)
            state = "ADDED"
            if name in known:
                known.discard(name)
                same = ctx.namespace_files.read(name, namespace) == content
                state = "UNCHANGED" if same else "OVERWRITTEN"
            if state != "UNCHANGED" and not dry:
                ctx.namespace_files.write(name, content, namespace)
            yield {"gitPath": name, "kestraPath": f"/{name}", "syncState": state}
        if ctx.render(self.delete):
            for name in sorted(known):
                if not dry:
                    ctx.namespace_files.delete(name, namespace)
                yield {"gitPath": None, "kestraPath": f"/{name}", "syncState": "DELETED"}


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _content(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise InvalidInput(f"`{path.name}` is larger than {_LARGEST} bytes")
    return path.read_bytes()


def _move_up(source: Path, target: Path) -> None:
    for item in source.iterdir():
        shutil.move(item, target / item.name)
    source.rmdir()


def _checked_ref(ref: str) -> str:
    if not _BRANCH.fullmatch(ref):
        raise InvalidInput(f"`{ref}` is not the name of a branch or tag")
    return ref


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else url


def _counted(counts: dict[str, int]) -> str:
    shown = [f"{number} {state.lower()}" for state, number in sorted(counts.items())]
    return ", ".join(shown) or "no files"


def _unlocked(text: str, passphrase: str) -> str:
    """The private key without its passphrase, for a file that lives as long as the task."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_ssh_private_key,
    )

    try:
        key = load_ssh_private_key(text.encode(), passphrase.encode())
    except ValueError as error:
        raise InvalidInput("the private key does not open with this passphrase") from error
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
