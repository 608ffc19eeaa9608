"""What every attempt needs; made once for the process."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mainstem.clock import Clock
from mainstem.engine.environment import Environment
from mainstem.expr import RenderOptions
from mainstem.sdk.context import Executions, PluginSettings
from mainstem.sdk.registry import Registry
from mainstem.services.files import FileService
from mainstem.services.host import HostServices
from mainstem.services.kv import KvService
from mainstem.services.task_cache import TaskCacheService
from mainstem.storage.base import Storage


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """Shared by all attempts.

    `executions` acts on other executions for flows of a namespace, and `environment` is what the
    engine may use where a worker drives it. `flushing` is held while lines taken from attempts are
    on their way into the database, so that an attempt's last lines cannot overtake them.
    """

    storage: Storage
    kv: KvService
    files: FileService
    host: HostServices
    registry: Registry
    executions: Callable[[str], Executions]
    plugin_settings: PluginSettings
    options: RenderOptions
    clock: Clock
    work_root: Path
    environment: Callable[[datetime], Environment]
    task_cache: TaskCacheService
    flushing: AbstractContextManager[object] = field(default_factory=threading.RLock)
