"""OpenAI: the Responses API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from mainstem.plugins.ai.calls import count_tokens, optional
from mainstem.plugins.ai.openai import OpenAiTask
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_USAGE = {
    "usage.prompt.tokens": "input_tokens",
    "usage.completion.tokens": "output_tokens",
    "usage.total.tokens": "total_tokens",
}


class Responses(OpenAiTask):
    """Ask a model with tools of the provider, such as a web search."""

    TYPE = "io.kestra.plugin.openai.Responses"
    OUTPUTS: ClassVar = {
        "responseId": "The id, for `previousResponseId` of a later task.",
        "outputText": "All text of the answer.",
        "sources": "Addresses that the text cites.",
        "rawResponse": "The answer as the API gives it.",
    }

    model: Property[Text]
    input: object = Field(description="Text, or a list of messages.")
    text: Property[dict[str, Any]] | None = None
    tools: Property[list[dict[str, Any]]] | None = None
    tool_choice: Property[Literal["NONE", "AUTO", "REQUIRED"]] | None = None
    store: Property[bool] = Property(True, bool)
    previous_response_id: Property[Text] | None = None
    prompt_id: Property[Text] | None = None
    prompt_variables: Property[dict[str, Text]] | None = None
    reasoning: Property[dict[str, Text]] | None = None
    max_output_tokens: Property[int] | None = None
    temperature: Property[float] | None = None
    top_p: Property[float] | None = None
    parallel_tool_calls: Property[bool] | None = None
    prompt_caching: Property[bool] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        answer = self.call(ctx, "/responses", self._body(ctx))
        count_tokens(ctx, answer.get("usage"), _USAGE)
        parts = list(_texts(answer))
        notes = [note for part in parts for note in part.get("annotations") or []]
        return {
            "responseId": answer.get("id"),
            "outputText": "".join(str(part.get("text", "")) for part in parts),
            "sources": [note["url"] for note in notes if note.get("url")],
            "rawResponse": answer,
        }

    def _body(self, ctx: RunContext) -> dict[str, Any]:
        body = optional(
            ctx,
            {
                "model": self.model,
                "text": self.text,
                "tools": self.tools,
                "store": self.store,
                "previous_response_id": self.previous_response_id,
                "reasoning": self.reasoning,
                "max_output_tokens": self.max_output_tokens,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "parallel_tool_calls": self.parallel_tool_calls,
            },
        )
        if self.tool_choice is not None:
            body["tool_choice"] = ctx.render(self.tool_choice).lower()
        if self.prompt_id is not None:
            named = {"id": self.prompt_id, "variables": self.prompt_variables}
            body["prompt"] = optional(ctx, named)
        if self.prompt_caching is not None and ctx.render(self.prompt_caching):
            body["prompt_cache_retention"] = "24h"
        return {**body, "input": _input(ctx.render_value(self.input))}


def _input(value: object) -> object:
    """Text as it is; a list, or text that is a JSON list, as messages."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return value if isinstance(value, (str, list)) else json.dumps(value, default=str)


def _texts(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in answer.get("output") or []:
        for part in item.get("content") or []:
            if part.get("type") == "output_text":
                yield part
