"""Writing the outcome of a sync back to the commit on the forge."""

import logging
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from mainstem.errors import MainstemError, Stalled, Transient
from mainstem.gitsync.access import TokenSource
from mainstem.gitsync.address import repository_name
from mainstem.settings_git import CommitStatus, GitSource

_log = logging.getLogger("mainstem.gitsync")
_TRIES: Final = 3
_SECONDS: Final = 10.0
_APIS: Final = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com/api/v4",
    "gitea": "https://gitea.com/api/v1",
}
_GITLAB_STATES: Final = {"success": "success", "failure": "failed", "pending": "running"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a commit: `success`, `failure` or `pending`."""

    commit: str
    state: str
    description: str
    link: str


def write(source: GitSource, outcome: Outcome, tokens: TokenSource) -> None:
    """Tell the forge, trying a few times. Raises Transient or Stalled when it does not listen."""
    wanted = source.status
    if wanted is None:
        return
    token = wanted.token.get_secret_value() if wanted.token else tokens(source)
    if token is None:
        raise Stalled(f"source `{source.name}`: no token to write commit statuses with")
    url, headers, body = _request(source, wanted, outcome, token)
    for attempt in range(_TRIES):
        try:
            _post(url, headers, body)
            return
        except Transient:
            if attempt == _TRIES - 1:
                raise


def _post(url: str, headers: dict[str, str], body: dict[str, str]) -> None:
    import httpx

    try:
        answer = httpx.post(url, headers=headers, json=body, timeout=_SECONDS)
    except httpx.HTTPError as error:
        raise Transient(f"the commit status was not written: {type(error).__name__}") from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Transient(f"the commit status was not written: {answer.status_code}")
    if answer.status_code >= 300:
        raise Stalled(
            f"the commit status was refused ({answer.status_code}): check the token's rights and "
            "the repository's name"
        )


def _request(
    source: GitSource, wanted: CommitStatus, outcome: Outcome, token: str
) -> tuple[str, dict[str, str], dict[str, str]]:
    api = (wanted.api_url or _APIS[wanted.kind]).rstrip("/")
    name = wanted.repository or repository_name(source.url)
    context = f"mainstem/{source.name}"
    text = outcome.description[:140]
    if wanted.kind == "gitlab":
        url = f"{api}/projects/{quote(name, safe='')}/statuses/{outcome.commit}"
        body = {
            "state": _GITLAB_STATES[outcome.state],
            "name": context,
            "target_url": outcome.link,
            "description": text,
        }
        return url, {"PRIVATE-TOKEN": token}, body
    url = f"{api}/repos/{quote(name)}/statuses/{outcome.commit}"
    body = {
        "state": outcome.state,
        "context": context,
        "target_url": outcome.link,
        "description": text,
    }
    scheme = "Bearer" if wanted.kind == "github" else "token"
    return url, {"Authorization": f"{scheme} {token}"}, body


def write_quietly(source: GitSource, outcome: Outcome, tokens: TokenSource) -> str | None:
    """As `write`; returns what went wrong, for the events of the source."""
    try:
        write(source, outcome, tokens)
    except MainstemError as error:
        _log.warning(
            "a commit status was not written",
            extra={"source": source.name, "reason": error.message},
        )
        return error.message
    return None
