"""Starting, holding and stopping everything: one process for the services, one child for GCS."""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

import uvicorn
from starlette.applications import Starlette

from mainstem.errors import Conflict
from mainstem.localgcp import gcs, ports
from mainstem.localgcp.config import LocalGcpConfig
from mainstem.localgcp.ports import Endpoints
from mainstem.localgcp.state import StateFolder

GRACE_SECONDS = 5
PARENT_POLL_SECONDS = 1.0


class Server(uvicorn.Server):
    """Leaves signals to us, because the storage child must be stopped after the services."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(config: LocalGcpConfig) -> None:
    """Run until a signal, or until the process we serve is gone."""
    state = StateFolder(config.state.resolve())
    with state.hold():
        stop = _stop_event(config.parent_pid)
        chosen = ports.choose(state, config.port_base)
        _say_what_moved(state, chosen)
        endpoints = Endpoints.of(chosen)
        listener = _listen(chosen.services)
        async with _storage(state, chosen.storage) as storage:
            app = _load_services(config, state, endpoints)
            async with _serving(app, listener):
                await storage.wait_ready()
                storage.watch()
                ports.remember(state, chosen)
                _announce(config, endpoints)
                await stop.wait()


def _load_services(config: LocalGcpConfig, state: StateFolder, endpoints: Endpoints) -> Starlette:
    """Import and build what answers; most of our start, while the storage child comes up."""
    # Nothing made here is ever garbage, so looking for garbage meanwhile is time lost.
    gc.disable()
    try:
        services = importlib.import_module("mainstem.localgcp.services")
        app: Starlette = services.build(config, state, endpoints)
    finally:
        gc.enable()
    return app


@contextlib.asynccontextmanager
async def _storage(state: StateFolder, port: int) -> AsyncIterator[gcs.GcsSupervisor]:
    command = gcs.GcsCommand(gcs.find_binary(), state.storage, port)
    supervisor = gcs.GcsSupervisor(command, report=_complain)
    await supervisor.spawn()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


@contextlib.asynccontextmanager
async def _serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            loop="asyncio",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise Conflict("The services ended while starting; see the message above.")
            await asyncio.sleep(0.002)
        yield
    finally:
        server.should_exit = True
        await task


def _listen(port: int) -> socket.socket:
    # Named as TCP, because asyncio switches Nagle's 40 ms off only where it sees the protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ports.LOOPBACK, port))
    except OSError:
        listener.close()
        raise Conflict(f"Port {port} was taken while starting; start again.") from None
    listener.listen(2048)
    return listener


def _stop_event(parent_pid: int | None) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if parent_pid is not None:
        _watch_parent(parent_pid, stop, loop)
    return stop


def _watch_parent(pid: int, stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """Stop when the process ends; a file descriptor says so at once where the kernel has one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.set()
        return
    except (AttributeError, OSError):
        _poll_parent(pid, stop, loop)
        return
    loop.add_reader(descriptor, stop.set)


def _poll_parent(pid: int, stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        stop.set()
    except PermissionError:
        pass
    if not stop.is_set():
        loop.call_later(PARENT_POLL_SECONDS, _poll_parent, pid, stop, loop)


def _say_what_moved(state: StateFolder, chosen: ports.Ports) -> None:
    last = ports.remembered(state)
    if last is not None and last.services != chosen.services:
        _complain(
            f"port {last.services} of the last start is not used any more: key files issued for "
            f"it name a token endpoint that moved to port {chosen.services}; issue them anew"
        )
    if last is not None and last.storage != chosen.storage:
        _complain(f"storage moved from port {last.storage} to {chosen.storage}")


def _announce(config: LocalGcpConfig, endpoints: Endpoints) -> None:
    if config.as_json:
        text = json.dumps({**asdict(endpoints), "project": config.project, "pid": os.getpid()})
    else:
        lines = [f"  {name:<14}{url}" for name, url in asdict(endpoints).items()]
        text = "\n".join(
            [
                f"Local Google Cloud is ready (project {config.project}, state {config.state}).",
                *lines,
                "Stop it with Ctrl+C.",
            ]
        )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(message: str) -> None:
    sys.stderr.write(f"local-gcp: {message}\n")
    sys.stderr.flush()
