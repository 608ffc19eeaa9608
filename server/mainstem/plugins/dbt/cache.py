"""dbt's partial parse, kept between runs of a task: the next start saves most of the parsing."""

import contextlib
import hashlib
import shutil
from pathlib import Path

from mainstem.ids import random_id
from mainstem.sdk.context import RunContext

_NAME = "partial_parse.msgpack"


class PartialParse:
    """Restores and keeps the file; dbt itself decides whether it still fits."""

    def __init__(self, ctx: RunContext, project: Path) -> None:
        self._file = project / "target" / _NAME
        self._kept: Path | None = None
        if ctx.settings.cache is not None:
            about = f"{ctx.flow.id}\x1f{ctx.task_id}".encode()
            self._kept = ctx.settings.cache / "dbt" / hashlib.sha256(about).hexdigest()[:24]

    def restore(self) -> None:
        if self._kept is not None and self._kept.is_file() and not self._file.exists():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._kept, self._file)

    def keep(self) -> None:
        """Losing it costs time only, so a full disk is no reason to fail."""
        if self._kept is None or not self._file.is_file():
            return
        with contextlib.suppress(OSError):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._kept.with_name(f"{self._kept.name}-{random_id()}")
            shutil.copyfile(self._file, temporary)
            temporary.replace(self._kept)
