"""Talks to a running server."""

import argparse
from typing import Any, Self

import httpx

from mainstem.cli.keyring import token_for
from mainstem.errors import Conflict, Denied, Gone, InvalidInput, NotFound, Stalled, Transient


class Remote:
    """Calls of the API, with its errors as ours."""

    def __init__(self, server: str, token: str | None = None) -> None:
        self._server = server.rstrip("/")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(
            base_url=f"{self._server}/api/v1", timeout=600, trust_env=False, headers=headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.client.close()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The parsed answer; raises the error that the status means."""
        try:
            answer = self.client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Transient(
                f"no server answers at {self._server} ({error}): start one with `mainstem up`, or "
                "name it with --server"
            ) from error
        if answer.is_success:
            is_json = "json" in answer.headers.get("content-type", "")
            return answer.json() if is_json and answer.content else answer.text
        if answer.status_code == 401:
            raise Denied(
                f"{self._server} wants to know who you are: run `mainstem login`, set "
                "MAINSTEM_TOKEN, or give --state DIR for a server of yours on this machine"
            )
        raise _error(answer)


def connect(args: argparse.Namespace) -> Remote:
    """The server of the options, with the best credentials at hand; raises InvalidInput."""
    server = str(args.server).rstrip("/")
    return Remote(server, token_for(server, args.token_file, args.state))


def _error(answer: httpx.Response) -> Exception:
    try:
        message = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {answer.status_code}"
    kinds = {
        403: Denied,
        429: Denied,
        404: NotFound,
        409: Conflict,
        410: Gone,
        422: InvalidInput,
        502: Stalled,
    }
    return kinds.get(answer.status_code, Transient)(message)
