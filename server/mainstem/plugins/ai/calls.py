"""One call of a provider's API: bounded, guarded, its key never shown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mainstem.errors import InvalidInput
from mainstem.sdk.addresses import check_uri, hooks
from mainstem.sdk.answers import json_object, read_bounded, said
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask

_LARGEST: Final = 50_000_000
_CONNECT_SECONDS: Final = 15.0
_ROLES: Final = {"ai": "assistant", "human": "user", "developer": "system"}


class ModelTask(RunnableTask):
    """Common properties of tasks that ask a language model.

    `baseUrl` sends the request to another server that speaks the provider's protocol.
    """

    api_key: Property[Text]
    base_url: Property[Text] | None = None
    client_timeout: Property[int] = Property(300, int)

    def address(self, ctx: RunContext, default: str, path: str) -> str:
        base = ctx.render(self.base_url) if self.base_url is not None else default
        return f"{base.rstrip('/')}{path}"

    def key(self, ctx: RunContext) -> str:
        """The key of the account; raises InvalidInput when there is none."""
        key = ctx.render(self.api_key).strip()
        if not key:
            raise InvalidInput("`apiKey` is empty: set it, usually to `{{ secret('…') }}`")
        ctx.mask(key)
        return key

    def ask(
        self, ctx: RunContext, uri: str, headers: Mapping[str, str], body: Mapping[str, object]
    ) -> dict[str, Any]:
        """Send JSON, get JSON; raises TaskFailed with the provider's words."""
        import httpx

        seconds = ctx.render(self.client_timeout)
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
        with httpx.Client(timeout=timeout, event_hooks=hooks()) as client:
            ctx.on_kill(client.close)
            try:
                with client.stream(
                    "POST", check_uri(uri), headers=dict(headers), json=dict(body)
                ) as answer:
                    content = read_bounded(answer, _LARGEST)
                    status, reason = answer.status_code, answer.reason_phrase
            except httpx.TimeoutException as error:
                raise TaskFailed(
                    f"{uri} did not answer within {seconds} s (clientTimeout)"
                ) from error
            except (httpx.HTTPError, RuntimeError) as error:
                if ctx.is_killed:
                    raise TaskKilled from error
                raise TaskFailed(
                    f"{uri} does not answer: {str(error) or type(error).__name__}"
                ) from error
        if status >= 400:
            raise TaskFailed(f"{uri} answered {status} {reason}: {said(content)}{_hint(status)}")
        found = json_object(content)
        if found is None:
            raise TaskFailed(f"{uri} did not answer with a JSON object: is `baseUrl` right?")
        return found


def _hint(status: int) -> str:
    if status in (401, 403):
        return " (check `apiKey`, and that its account may use the model)"
    return " (too many requests or no credit: add a `retry` to the task)" if status == 429 else ""


def chat_messages(given: Sequence[Mapping[str, Any]], roles: Sequence[str]) -> list[dict[str, Any]]:
    """Messages with the API's names of roles; `type: USER` and `role: user` say the same."""
    found = []
    for message in given:
        named = str(message.get("role") or message.get("type") or "user").lower()
        role = named if named in roles else _ROLES.get(named, named)
        if role not in roles:
            raise InvalidInput(
                f"`{named}` is not a role of messages here: write one of {', '.join(roles)}"
            )
        content = message.get("content")
        one = {"role": role, "content": content if isinstance(content, list) else _text(content)}
        extra = ("name", "tool_calls", "tool_call_id")
        found.append({**one, **{name: message[name] for name in extra if message.get(name)}})
    if not found:
        raise InvalidInput("`messages` is empty: at least one message of the user is needed")
    return found


def _text(content: object) -> str:
    if isinstance(content, dict):
        return json.dumps(content, default=str)
    return "" if content is None else str(content)


def json_schema(text: str) -> dict[str, Any]:
    """The schema that `jsonResponseSchema` holds; raises InvalidInput."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"`jsonResponseSchema` is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInput("`jsonResponseSchema` must be a JSON object")
    return found


def optional(ctx: RunContext, props: Mapping[str, Property[Any] | None]) -> dict[str, Any]:
    """The rendered values of what was written, by the name that the API has."""
    return {name: ctx.render(prop) for name, prop in props.items() if prop is not None}


def count_tokens(ctx: RunContext, usage: object, names: Mapping[str, str]) -> None:
    """Token counts as metrics."""
    if not isinstance(usage, dict):
        return
    for metric, key in names.items():
        value = usage.get(key)
        if isinstance(value, (int, float)):
            ctx.metric(metric, value)


OPENAI_USAGE: Final = {
    "usage.prompt.tokens": "prompt_tokens",
    "usage.completion.tokens": "completion_tokens",
    "usage.total.tokens": "total_tokens",
}


def first_text(answer: Mapping[str, Any]) -> str:
    """The text of the first choice of a chat completion; raises TaskFailed."""
    try:
        return str(answer["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError) as error:
        raise TaskFailed("the answer holds no choice with a message") from error
