"""Git over HTTP: fetching from and pushing to repositories that this server hosts.

`git upload-pack` and `git receive-pack` speak the protocol; this module gives them bytes, bounds
them, and decides in their pre-receive hook whether a commit may become the branch's head.
"""

import logging
import subprocess
import tempfile
import time
import zlib
from collections.abc import AsyncIterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from mainstem.errors import Conflict, InvalidInput, MainstemError, NotFound
from mainstem.gitsync.agent import SyncAgent
from mainstem.gitsync.git import end_group
from mainstem.gitsync.hooks import SOCKET, Question, Say, Update, listening, write_hooks
from mainstem.gitsync.plan import SyncPlan, shown
from mainstem.gitsync.repository import Repository
from mainstem.gitsync.stage import Staged
from mainstem.gitsync.sync import Syncer, Wish

_log = logging.getLogger("mainstem.gitsync")

_MARGIN: Final = 1_000_000
_READ_AT_MOST: Final = 8
_CHUNK: Final = 65_536
_SHOWN_PROBLEMS: Final = 50
_SHOWN_CHANGES: Final = 20
Service = Literal["git-upload-pack", "git-receive-pack"]
SERVICES: Final[tuple[Service, ...]] = ("git-upload-pack", "git-receive-pack")


@dataclass(slots=True)
class _Push:
    """What the two hooks of one push know of each other."""

    began: float
    staged: Staged | None = None


class GitServer:
    """Serves the repositories of sources with `push: true`."""

    def __init__(self, agent: SyncAgent) -> None:
        self._agent = agent
        self._shop = agent.shop
        self._hooks = agent.shop.folder / "hooks"

    @property
    def largest(self) -> int:
        """How many bytes a push may have."""
        return self._shop.sources.largest_push

    def advertise(self, name: str, service: Service, protocol: str = "") -> bytes:
        """The refs of a repository, as the first request of a client wants them."""
        syncer = self._syncer(name)
        head = f"# service={service}\n".encode()
        out = syncer.repository.run(
            *self._words(service), "--http-backend-info-refs", str(syncer.repository.folder),
            options=self._options(service), extra=_protocol(protocol),
        )  # fmt: skip
        lead = (
            b""
            if protocol == "version=2" and service == "git-upload-pack"
            else (b"%04x%s0000" % (len(head) + 4, head))
        )
        return lead + out

    def serve(
        self, name: str, service: Service, body: IO[bytes], protocol: str = ""
    ) -> Iterator[bytes]:
        """The answer to a request, as it comes; closes the body.

        Raises NotFound before the first part.
        """
        try:
            syncer = self._syncer(name)
        except BaseException:
            body.close()
            raise
        if service == "git-receive-pack":
            return self._receive(syncer, body, protocol)
        return self._talk(syncer, service, body, _protocol(protocol))

    def _receive(self, syncer: Syncer, body: IO[bytes], protocol: str) -> Iterator[bytes]:
        with ExitStack() as stack:
            stack.enter_context(self._agent.only(syncer.source.name))
            push = _Push(time.monotonic())
            write_hooks(self._hooks)
            path = stack.enter_context(
                listening(lambda question, say: self._answer(syncer, push, question, say))
            )
            extra = {**_protocol(protocol), SOCKET: path}
            yield from self._talk(syncer, "git-receive-pack", body, extra)

    def _talk(
        self, syncer: Syncer, service: Service, body: IO[bytes], extra: dict[str, str]
    ) -> Iterator[bytes]:
        git = self._shop.git
        folder = syncer.repository.folder
        process = subprocess.Popen(
            git.command([*self._words(service), str(folder)], options=self._options(service)),
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=git.environment(extra),
            cwd="/",
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            while part := process.stdout.read1(_CHUNK):  # type: ignore[attr-defined]
                yield part
            process.wait()
        finally:
            end_group(process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            body.close()

    @staticmethod
    def _words(service: Service) -> list[str]:
        return [service.removeprefix("git-"), "--stateless-rpc"]

    def _options(self, service: Service) -> list[str]:
        if service == "git-upload-pack":
            return ["-c", "uploadpack.allowFilter=true", "-c", "transfer.hideRefs=refs/mainstem"]
        return [
            "-c", f"core.hooksPath={self._hooks}",
            "-c", f"receive.maxInputSize={self.largest}",
            "-c", "receive.fsckObjects=true",
            "-c", "receive.denyDeletes=false",
            "-c", "receive.denyCurrentBranch=ignore",
            "-c", "receive.autogc=false",
            "-c", "receive.shallowUpdate=true",
            "-c", "transfer.hideRefs=refs/mainstem",
        ]  # fmt: skip

    def _syncer(self, name: str) -> Syncer:
        source = self._agent.registry.get(name).source
        if not source.push:
            raise NotFound(f"Git source `{name}` is not pushed to: it is pulled from elsewhere")
        syncer = Syncer(self._shop, source)
        syncer.repository.create(source.branch)
        return syncer

    # the hooks

    def _answer(self, syncer: Syncer, push: _Push, question: Question, say: Say) -> bool:
        """Runs in the thread of the push's socket; what is raised must reach the pusher."""
        try:
            if question.hook == "pre-receive":
                return self._may(syncer, push, question, say)
            self._apply(syncer, push, question, say)
        except MainstemError as error:
            say(f"mainstem: {error.message}")
            return False
        except Exception:
            _log.exception("a push broke off", extra={"source": syncer.source.name})
            say("mainstem: internal error; the server's log has the details")
            return False
        return True

    def _may(self, syncer: Syncer, push: _Push, question: Question, say: Say) -> bool:
        for update in question.updates:
            if not update.ref.startswith(("refs/heads/", "refs/tags/")):
                raise Conflict(f"{update.ref}: only branches and tags are pushed here")
        live = _live(syncer, question)
        if live is None:
            say(f"mainstem: stored; only {syncer.source.branch} becomes live")
            return True
        if live.deletes:
            raise Conflict(f"{syncer.source.branch} is the live branch and cannot be deleted")
        extra = _quarantine(syncer.repository.folder, question)
        incoming = Repository(syncer.repository.folder, self._shop.git, extra)
        if live.old.strip("0") and not _follows(incoming, live):
            raise Conflict(
                f"{syncer.source.branch} would lose commits: fetch, rebase or merge, and push "
                "again (to go back, pin the source to an earlier commit)"
            )
        staged = syncer.prepare(incoming.commit(live.new), incoming)
        plan = syncer.preview(staged, incoming)
        problems = [*staged.problems, *plan.problems]
        for item in problems[:_SHOWN_PROBLEMS]:
            say(str(item) if item.is_error else f"{item} (warning)")
        errors = sum(1 for item in problems if item.is_error)
        if errors:
            more = len(problems) - _SHOWN_PROBLEMS
            say(f"mainstem: refused, {errors} problem{'s' if errors > 1 else ''}"
                + (f" ({more} not shown)" if more > 0 else "") + "; nothing changed")  # fmt: skip
            return False
        push.staged = staged
        return True

    def _apply(self, syncer: Syncer, push: _Push, question: Question, say: Say) -> None:
        if _live(syncer, question) is None or push.staged is None:
            return
        controls = self._agent.registry.controls(syncer.source.name)
        if controls.suspended_at is not None or controls.pin is not None:
            state = "suspended" if controls.suspended_at is not None else "pinned"
            say(f"mainstem: stored, not live: the source is {state}")
            return
        result = syncer.finish(push.staged, Wish("push"), push.began)
        self._agent.told(syncer.source, result)
        if result.applied:
            say(f"mainstem: {result.commit.sha[:12]} is live: {_counted(result.plan)}")
            for line in _changes(result.plan):
                say(f"  {line}")
        else:
            for item in result.problems[:_SHOWN_PROBLEMS]:
                say(str(item))
            say("mainstem: stored, not live: it met another change meanwhile")


async def received(stream: AsyncIterable[bytes], encoding: str, largest: int) -> IO[bytes]:
    """The body of a request in a file at its start; raises InvalidInput for far too much.

    It must be a real file: git reads it by its descriptor. Of a body that is somewhat too large
    the end is dropped, so that git itself refuses it, in words that reach the pusher's terminal.
    """
    kept = largest + _MARGIN
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    file = tempfile.TemporaryFile(prefix="mainstem-push-")  # noqa: SIM115 - the caller closes it
    size = 0
    try:
        async for part in stream:
            given = unzip.decompress(part, kept) if unzip else part
            size += len(given)
            if size > _READ_AT_MOST * kept or (unzip and unzip.unconsumed_tail):
                raise InvalidInput(f"the push is far larger than the {largest} bytes allowed")
            file.write(given[: max(0, kept - file.tell())])
        file.seek(0)
    except zlib.error as error:
        file.close()
        raise InvalidInput("the request's body is not gzip") from error
    except BaseException:
        file.close()
        raise
    return file


def _live(syncer: Syncer, question: Question) -> Update | None:
    return next((item for item in question.updates if item.ref == syncer.branch_ref), None)


def _follows(repository: Repository, update: Update) -> bool:
    try:
        repository.run("merge-base", "--is-ancestor", update.old, update.new)
    except MainstemError:
        return False
    return True


def _quarantine(folder: Path, question: Question) -> dict[str, str]:
    """Where the pushed objects lie; raises InvalidInput when that is outside of the repository."""
    root = folder.resolve()
    found = {}
    for name, value in question.told.items():
        # Hooks run in the repository's folder, and git's paths are seen from there.
        places = [(root / part).resolve() for part in value.split(":")]
        if not all(place.is_relative_to(root) for place in places):
            raise InvalidInput("the push names objects outside of its repository")
        found[name] = ":".join(str(place) for place in places)
    return found


def _counted(plan: SyncPlan) -> str:
    counts = plan.counts()
    words = [f"{counts[verb]} {verb}" for verb in ("create", "update", "delete") if counts[verb]]
    return ", ".join(words) or "nothing changed"


def _changes(plan: SyncPlan) -> Iterator[str]:
    lines = [
        f"{step.action.value} {step.entry.kind} {shown(step.entry)}"
        for step in plan.steps
        if step.action.value in ("create", "update", "delete")
    ]
    yield from lines[:_SHOWN_CHANGES]
    if len(lines) > _SHOWN_CHANGES:
        yield f"and {len(lines) - _SHOWN_CHANGES} more"


def _protocol(given: str) -> dict[str, str]:
    """The protocol version a client asks for, where it is one of git's own words."""
    return {"GIT_PROTOCOL": given} if given in ("version=1", "version=2") else {}
