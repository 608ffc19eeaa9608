"""Bodies of requests, bounded."""

from typing import Final

from fastapi import Request, UploadFile

from mainstem.errors import InvalidInput, TooLarge

LARGEST_SOURCE: Final = 20_000_000


async def text_body(request: Request, most: int = LARGEST_SOURCE) -> str:
    """The body as text; raises TooLarge, or InvalidInput for what is not UTF-8."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooLarge(f"the body is larger than {most} bytes")
        chunks.append(chunk)
    try:
        return b"".join(chunks).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("the body is not UTF-8 text") from error


def uploaded(file: UploadFile, most: int = LARGEST_SOURCE) -> bytes:
    """The content of an upload; raises TooLarge."""
    content = file.file.read(most + 1)
    if len(content) > most:
        raise TooLarge(f"the upload is larger than {most} bytes")
    return content
