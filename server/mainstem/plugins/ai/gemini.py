"""Google Gemini."""

from typing import Any, ClassVar, Final
from urllib.parse import quote

from mainstem.plugins.ai.calls import (
    ModelTask,
    chat_messages,
    count_tokens,
    json_schema,
)
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_GEMINI: Final = "https://generativelanguage.googleapis.com/v1beta"
_USAGE: Final = {
    "prompt.token.count": "promptTokenCount",
    "candidate.token.count": "candidatesTokenCount",
    "total.token.count": "totalTokenCount",
}


class GeminiTask(ModelTask):
    """Common properties of Gemini tasks."""

    model: Property[Text]

    def generate(self, ctx: RunContext, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The candidates; raises TaskFailed when the model gave none."""
        model = quote(ctx.render(self.model).removeprefix("models/"), safe="")
        address = self.address(ctx, _GEMINI, f"/models/{model}:generateContent")
        answer = self.ask(ctx, address, {"x-goog-api-key": self.key(ctx)}, body)
        count_tokens(ctx, answer.get("usageMetadata"), _USAGE)
        found = answer.get("candidates")
        if not found:
            reason = (answer.get("promptFeedback") or {}).get("blockReason")
            raise TaskFailed(f"the model gave no answer{f': {reason}' if reason else ''}")
        return list(found)


class ChatCompletion(GeminiTask):
    """Ask a Gemini model; `predictions` are its answers."""

    TYPE = "io.kestra.plugin.gemini.ChatCompletion"
    OUTPUTS: ClassVar = {"predictions": "The answers, each with its `content`."}

    messages: Property[list[dict[str, Any]]]

    def run(self, ctx: RunContext) -> Outputs:
        messages = chat_messages(ctx.render(self.messages), ("system", "user", "assistant"))
        body: dict[str, Any] = {
            "contents": [
                {"role": _ROLES[one["role"]], "parts": [{"text": one["content"]}]}
                for one in messages
                if one["role"] != "system"
            ]
        }
        system = [{"text": one["content"]} for one in messages if one["role"] == "system"]
        if system:
            body["systemInstruction"] = {"parts": system}
        found = self.generate(ctx, body)
        return {"predictions": [{**item, "content": text_of(item)} for item in found]}


_ROLES: Final = {"user": "user", "assistant": "model"}


class StructuredOutputCompletion(GeminiTask):
    """Ask a Gemini model for JSON of a schema."""

    TYPE = "io.kestra.plugin.gemini.StructuredOutputCompletion"
    OUTPUTS: ClassVar = {"predictions": "The answers as JSON text."}

    prompt: Property[Text]
    json_response_schema: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        wanted = {
            "responseMimeType": "application/json",
            "responseJsonSchema": json_schema(ctx.render(self.json_response_schema)),
        }
        prompt = {"role": "user", "parts": [{"text": ctx.render(self.prompt)}]}
        found = self.generate(ctx, {"contents": [prompt], "generationConfig": wanted})
        return {"predictions": [text_of(item) for item in found]}


def text_of(candidate: dict[str, Any]) -> str:
    parts = (candidate.get("content") or {}).get("parts") or []
    return "".join(str(part.get("text", "")) for part in parts)
