"""The `cache` of a WorkingDirectory: files kept between executions of a flow."""

import io
import json
import tarfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from mainstem.sdk.context import RunContext

_STAMP: Final = ".cached-at.json"


def restore_cached(ctx: RunContext, ttl: timedelta | None) -> None:
    """Unpack the kept files unless they are older than `ttl`."""
    content = ctx.files.get_state(_key(ctx))
    if content is None:
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        stamp = archive.extractfile(_STAMP)
        kept_at = datetime.fromisoformat(json.load(stamp)["at"]) if stamp else None
        if kept_at is None or (ttl is not None and kept_at + ttl < ctx.now()):
            ctx.log.debug("the cache is too old and was left out")
            return
        members = [m for m in archive.getmembers() if m.name != _STAMP]
        archive.extractall(ctx.workdir, members, filter="data")
    ctx.log.debug(f"restored {len(members)} cached files")


def keep_cached(ctx: RunContext, patterns: Sequence[str]) -> None:
    """Pack the files that match; a cache that is still valid is replaced too."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        stamp = json.dumps({"at": ctx.now().isoformat()}).encode()
        info = tarfile.TarInfo(_STAMP)
        info.size = len(stamp)
        archive.addfile(info, io.BytesIO(stamp))
        for pattern in patterns:
            for path in sorted(ctx.workdir.glob(pattern.lstrip("/"))):
                if path.is_file() and not path.is_symlink():
                    archive.add(path, arcname=str(path.relative_to(ctx.workdir)))
    ctx.files.put_state(_key(ctx), buffer.getvalue())


def _key(ctx: RunContext) -> str:
    return f"cache/{ctx.task_id}.tar.gz"
