"""OpenAI: chat completions and images."""

import base64
from typing import Any, ClassVar, Final, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.ai.calls import (
    OPENAI_USAGE,
    ModelTask,
    chat_messages,
    count_tokens,
    json_schema,
    optional,
)
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs

OPENAI: Final = "https://api.openai.com/v1"
_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_LARGEST_IMAGE: Final = 40_000_000


class OpenAiTask(ModelTask):
    """Common properties of OpenAI tasks."""

    user: Property[Text] | None = None

    def call(self, ctx: RunContext, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key(ctx)}"}
        body = {**body, **optional(ctx, {"user": self.user})}
        return self.ask(ctx, self.address(ctx, OPENAI, path), headers, body)


class FunctionParameter(Properties):
    """A parameter of a function that the model may call."""

    name: Property[Text]
    description: Property[Text]
    type: Property[Text]
    enum_values: Property[list[Text]] | None = None
    required: Property[bool] = Property(False, bool)


class ChatFunction(Properties):
    """A function that the model may call."""

    name: Property[Text]
    description: Property[Text] | None = None
    parameters: tuple[FunctionParameter, ...] = ()

    def tool(self, ctx: RunContext) -> dict[str, Any]:
        """The function in the API's form."""
        members, required = {}, []
        for item in self.parameters:
            name = ctx.render(item.name)
            members[name] = {
                "type": ctx.render(item.type),
                "description": ctx.render(item.description),
                **optional(ctx, {"enum": item.enum_values}),
            }
            if ctx.render(item.required):
                required.append(name)
        schema = {"type": "object", "properties": members, "required": required}
        own = optional(ctx, {"name": self.name, "description": self.description})
        return {"type": "function", "function": {**own, "parameters": schema}}


class ChatCompletion(OpenAiTask):
    """Ask a chat model; `choices` are the answers as the API gives them."""

    TYPE = "io.kestra.plugin.openai.ChatCompletion"
    OUTPUTS: ClassVar = {
        "id": "The id of the completion.",
        "object": "Always `chat.completion`.",
        "model": "The model that answered.",
        "choices": "The answers, each with `message.content`.",
        "usage": "Token counts.",
    }

    model: Property[Text]
    messages: Property[list[dict[str, Any]]] | None = None
    prompt: Property[Text] | None = None
    functions: tuple[ChatFunction, ...] = ()
    function_call: Property[Text] = Property("auto", str)
    temperature: Property[float] | None = None
    top_p: Property[float] | None = None
    n: Property[int] | None = None
    stop: Property[list[Text]] | None = None
    max_tokens: Property[int] | None = None
    presence_penalty: Property[float] | None = None
    frequency_penalty: Property[float] | None = None
    logit_bias: Property[dict[str, int]] | None = None
    json_response_schema: Property[Text] | None = None
    prompt_caching: Property[bool] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        answer = self.call(ctx, "/chat/completions", self._body(ctx))
        count_tokens(ctx, answer.get("usage"), OPENAI_USAGE)
        if not answer.get("choices"):
            raise TaskFailed("the answer holds no choice")
        return {name: answer.get(name) for name in self.OUTPUTS}

    def _body(self, ctx: RunContext) -> dict[str, Any]:
        body = {
            "messages": chat_messages(self._messages(ctx), _ROLES),
            **optional(
                ctx,
                {
                    "model": self.model,
                    "temperature": self.temperature,
                    "top_p": self.top_p,
                    "n": self.n,
                    "stop": self.stop,
                    "max_completion_tokens": self.max_tokens,
                    "presence_penalty": self.presence_penalty,
                    "frequency_penalty": self.frequency_penalty,
                    "logit_bias": self.logit_bias,
                },
            ),
            **self._tools(ctx),
        }
        if self.json_response_schema is not None:
            schema = json_schema(ctx.render(self.json_response_schema))
            wanted = {"name": str(schema.get("title") or "response"), "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        if self.prompt_caching is not None and ctx.render(self.prompt_caching):
            body["prompt_cache_retention"] = "24h"
        return body

    def _messages(self, ctx: RunContext) -> list[dict[str, Any]]:
        found = list(ctx.render(self.messages)) if self.messages is not None else []
        if self.prompt is not None:
            found.append({"role": "user", "content": ctx.render(self.prompt)})
        if not found:
            raise InvalidInput("set `messages` or `prompt`")
        return found

    def _tools(self, ctx: RunContext) -> dict[str, Any]:
        tools = [item.tool(ctx) for item in self.functions]
        choice = ctx.render(self.function_call)
        if choice.lower() in ("auto", "none"):
            return {"tools": tools, "tool_choice": choice.lower()} if tools else {}
        if choice not in [item["function"]["name"] for item in tools]:
            raise InvalidInput(f"`functionCall` names `{choice}`, which is not among `functions`")
        named = {"type": "function", "function": {"name": choice}}
        return {"tools": tools, "tool_choice": named}


_SIZES: Final = {"SMALL": "256x256", "MEDIUM": "512x512", "LARGE": "1024x1024"}


class CreateImage(OpenAiTask):
    """Make images from a description; they are stored files, or addresses of the provider."""

    TYPE = "io.kestra.plugin.openai.CreateImage"

    prompt: Property[Text]
    model: Property[Text] = Property("gpt-image-1", str)
    n: Property[int] | None = None
    size: Property[Literal["SMALL", "MEDIUM", "LARGE"]] = Property("LARGE", str)
    quality: Property[Literal["AUTO", "LOW", "MEDIUM", "HIGH"]] | None = None
    download: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        body = optional(ctx, {"prompt": self.prompt, "model": self.model, "n": self.n})
        body["size"] = _SIZES[ctx.render(self.size)]
        if self.quality is not None:
            body["quality"] = ctx.render(self.quality).lower()
        images = []
        for number, image in enumerate(self.call(ctx, "/images/generations", body)["data"], 1):
            coded = image.get("b64_json")
            if coded:
                content = base64.b64decode(coded)
                images.append(ctx.files.put_bytes(content, f"image-{number}.png"))
            else:
                images.append(image["url"])
        return {"images": images}
