"""Request and Download."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from mainstem.plugins.core.http.common import LARGEST_BODY, HttpTask
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property
from mainstem.sdk.task import Outputs

_CHUNK: Final = 1 << 20
_SHOWN: Final = 500


class Request(HttpTask):
    """Send an HTTP request; the body of the answer is an output."""

    TYPE = "io.kestra.plugin.core.http.Request"
    ALIASES = ("io.kestra.plugin.fs.http.Request",)

    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The address that answered, after redirects.",
        "code": "The HTTP status.",
        "headers": "Header names with their values.",
        "body": "The body as text, unless `encryptBody`.",
        "encryptedBody": "The sealed body with `encryptBody`.",
    }

    encrypt_body: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        with self.response(ctx) as answer:
            body = body_of(answer, self.largest(ctx))
            if not self.accepts(ctx, answer.status_code):
                raise TaskFailed(_refusal(answer, body))
            ctx.log.debug(f"{answer.url} answered {answer.status_code}")
            ctx.metric("response.length", len(body))
            return answered(ctx, answer, body, encrypt=ctx.render(self.encrypt_body))


class Download(HttpTask):
    """Download to internal storage."""

    TYPE = "io.kestra.plugin.core.http.Download"
    ALIASES = ("io.kestra.plugin.fs.http.Download",)

    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The stored file.",
        "code": "The HTTP status.",
        "length": "The size in bytes.",
        "headers": "Header names with their values.",
    }

    fail_on_empty_response: Property[bool] = Property(True, bool)
    save_as: Property[str] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        with self.response(ctx) as answer:
            if not self.accepts(ctx, answer.status_code):
                raise TaskFailed(_refusal(answer, body_of(answer)))
            accepted = self.allow_failed is not None and ctx.render(self.allow_failed)
            name = ctx.render(self.save_as) if self.save_as is not None else _name(answer)
            size = 0
            with ctx.files.writer(name) as file:
                for chunk in answer.iter_bytes(_CHUNK):
                    size += file.write(chunk)
                if size == 0 and not accepted and ctx.render(self.fail_on_empty_response):
                    raise TaskFailed(
                        f"No response from server: {answer.url} answered with nothing; "
                        "`failOnEmptyResponse: false` accepts that"
                    )
        if size == 0:
            ctx.log.warn(f"File '{answer.url}' is empty")
        ctx.log.info(f"downloaded {answer.url} ({size} bytes)")
        ctx.metric("response.length", size)
        return {
            "uri": file.uri,
            "code": answer.status_code,
            "length": size,
            "headers": _headers(answer.headers),
        }


def answered(ctx: RunContext, answer: Any, body: bytes, *, encrypt: bool) -> Outputs:
    """The outputs of a request: the body as text, sealed if asked."""
    text = body.decode(answer.encoding or "utf-8", "replace") if body else None
    sealed = encrypt and text is not None
    return {
        "uri": str(answer.url),
        "code": answer.status_code,
        "headers": _headers(answer.headers),
        "body": None if sealed else text,
        "encryptedBody": ctx.encrypt(text) if sealed and text is not None else None,
    }


def body_of(answer: Any, largest: int = LARGEST_BODY) -> bytes:
    """The whole body; raises TaskFailed when it is too large to be an output."""
    parts, size = [], 0
    for chunk in answer.iter_bytes(_CHUNK):
        size += len(chunk)
        if size > largest:
            raise TaskFailed(
                f"the answer is larger than {largest} bytes: use the Download task, or raise "
                "`options.maxContentLength`"
            )
        parts.append(chunk)
    return b"".join(parts)


def _refusal(answer: Any, body: bytes) -> str:
    text = body.decode(answer.encoding or "utf-8", "replace").strip()
    shown = f": {text[:_SHOWN]}" if text else ""
    return f"{answer.url} answered {answer.status_code} {answer.reason_phrase}{shown}"


def _headers(headers: Any) -> Mapping[str, list[str]]:
    return {name: headers.get_list(name) for name in headers}


def _name(answer: Any) -> str:
    """The file name that the server suggests, else the end of the path."""
    header = answer.headers.get("content-disposition", "")
    if told := re.search(r"filename\*=[\w-]*'[\w-]*'([^\s;]+)", header):
        path = unquote(told[1])
    elif told := re.search(r'filename="?([^";]+)"?', header):
        path = told[1]
    else:
        path = unquote(urlsplit(str(answer.url)).path)
    return PurePosixPath(path).name or "download"
