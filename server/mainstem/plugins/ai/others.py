"""DeepSeek and Perplexity, whose APIs have the form of OpenAI's chat completions."""

import json
from typing import Any, ClassVar, Final

from mainstem.plugins.ai.calls import (
    OPENAI_USAGE,
    ModelTask,
    chat_messages,
    count_tokens,
    first_text,
    json_schema,
    optional,
)
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_ROLES: Final = ("system", "user", "assistant")


class ChatTask(ModelTask):
    """Common properties of both."""

    HOME: ClassVar[str]

    messages: Property[list[dict[str, Any]]]
    json_response_schema: Property[Text] | None = None

    def complete(self, ctx: RunContext, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key(ctx)}"}
        answer = self.ask(ctx, self.address(ctx, self.HOME, "/chat/completions"), headers, body)
        count_tokens(ctx, answer.get("usage"), OPENAI_USAGE)
        return answer


class DeepSeekChat(ChatTask):
    """Ask a DeepSeek model; with `jsonResponseSchema` it answers in JSON."""

    TYPE = "io.kestra.plugin.deepseek.ChatCompletion"
    HOME = "https://api.deepseek.com/v1"
    OUTPUTS: ClassVar = {
        "response": "The text of the answer.",
        "raw": "The answer as JSON text.",
    }

    model_name: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        messages = chat_messages(ctx.render(self.messages), _ROLES)
        body: dict[str, Any] = {"model": ctx.render(self.model_name)}
        if self.json_response_schema is not None:
            schema = json.dumps(json_schema(ctx.render(self.json_response_schema)))
            told = f"Answer with JSON only, which must satisfy this JSON Schema:\n{schema}"
            messages.insert(0, {"role": "system", "content": told})
            body["response_format"] = {"type": "json_object"}
        answer = self.complete(ctx, {**body, "messages": messages})
        return {"response": first_text(answer), "raw": json.dumps(answer)}


class PerplexityChat(ChatTask):
    """Ask a Perplexity model, which looks on the web."""

    TYPE = "io.kestra.plugin.perplexity.ChatCompletion"
    HOME = "https://api.perplexity.ai"
    OUTPUTS: ClassVar = {
        "outputText": "The text of the answer.",
        "rawResponse": "The answer as JSON text.",
    }

    model: Property[Text]
    temperature: Property[float] = Property(0.2, float)
    top_p: Property[float] = Property(0.9, float)
    top_k: Property[int] = Property(0, int)
    stream: Property[bool] = Property(False, bool)
    presence_penalty: Property[float] = Property(0.0, float)
    frequency_penalty: Property[float] = Property(0.0, float)
    max_tokens: Property[int] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        body = optional(
            ctx,
            {
                "model": self.model,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "top_k": self.top_k,
                "presence_penalty": self.presence_penalty,
                "frequency_penalty": self.frequency_penalty,
                "max_tokens": self.max_tokens,
            },
        )
        # The whole answer is an output: there is nobody to stream it to.
        body["stream"] = False
        if self.json_response_schema is not None:
            schema = json_schema(ctx.render(self.json_response_schema))
            body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
        body["messages"] = chat_messages(ctx.render(self.messages), _ROLES)
        answer = self.complete(ctx, body)
        return {"outputText": first_text(answer), "rawResponse": json.dumps(answer)}
