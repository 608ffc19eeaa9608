"""Anthropic: messages."""

import json
from typing import Any, ClassVar, Final

from mainstem.plugins.ai.calls import ModelTask, chat_messages, count_tokens, optional
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_ANTHROPIC: Final = "https://api.anthropic.com/v1"
_VERSION: Final = "2023-06-01"
_USAGE: Final = {"usage.input.tokens": "input_tokens", "usage.output.tokens": "output_tokens"}


class ChatCompletion(ModelTask):
    """Ask a Claude model."""

    TYPE = "io.kestra.plugin.anthropic.ChatCompletion"
    OUTPUTS: ClassVar = {
        "outputText": "The text of the answer.",
        "rawResponse": "The answer as JSON text.",
        "toolUses": "The tools that the model wants to be called, with their input.",
        "stopReason": "Why the model stopped.",
        "cacheCreationInputTokens": "Tokens written to the cache.",
        "cacheReadInputTokens": "Tokens read from the cache.",
    }

    model: Property[Text]
    messages: Property[list[dict[str, Any]]]
    system: Property[Text] | None = None
    max_tokens: Property[int] = Property(1024, int)
    temperature: Property[float] | None = None
    top_p: Property[float] | None = None
    top_k: Property[int] | None = None
    tools: Property[list[dict[str, Any]]] | None = None
    prompt_caching: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        headers = {"x-api-key": self.key(ctx), "anthropic-version": _VERSION}
        address = self.address(ctx, _ANTHROPIC, "/messages")
        answer = self.ask(ctx, address, headers, self._body(ctx))
        usage = answer.get("usage") or {}
        count_tokens(ctx, usage, _USAGE)
        blocks = answer.get("content") or []
        uses = [
            {key: block.get(key) for key in ("id", "name", "input")}
            for block in blocks
            if block.get("type") == "tool_use"
        ]
        return {
            "outputText": "".join(b.get("text", "") for b in blocks if b.get("type") == "text"),
            "rawResponse": json.dumps(answer),
            "toolUses": uses or None,
            "stopReason": answer.get("stop_reason"),
            "cacheCreationInputTokens": usage.get("cache_creation_input_tokens"),
            "cacheReadInputTokens": usage.get("cache_read_input_tokens"),
        }

    def _body(self, ctx: RunContext) -> dict[str, Any]:
        body = optional(
            ctx,
            {
                "model": self.model,
                "max_tokens": self.max_tokens,
                "system": self.system,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "top_k": self.top_k,
            },
        )
        body["messages"] = chat_messages(ctx.render(self.messages), ("user", "assistant"))
        if self.tools is not None:
            body["tools"] = [_tool(item) for item in ctx.render(self.tools)]
        if ctx.render(self.prompt_caching):
            body["cache_control"] = {"type": "ephemeral"}
        return body


def _tool(item: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", **(item.get("inputSchema") or item.get("input_schema") or {})}
    kept = {key: item[key] for key in ("name", "description") if item.get(key)}
    return {**kept, "input_schema": schema}
