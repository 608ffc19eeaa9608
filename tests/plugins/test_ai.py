"""Language models, asked at a server of the test that speaks the providers' documented protocols.

The server refuses what the real ones refuse: a wrong key, a body without the required members.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, Outcome, task

KEY = "sk-very-secret-key"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    said = body["messages"][-1]["content"]
    text = json.dumps({"echo": said}) if "response_format" in body else f"echo: {said}"
    message = {"role": "assistant", "content": text}
    if body.get("tools"):
        named = body["tools"][0]["function"]["name"]
        call = {"id": "c1", "type": "function", "function": {"name": named, "arguments": "{}"}}
        message |= {"content": None, "tool_calls": [call]}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}] * body.get("n", 1)
    return {"id": "chat-1", "object": "chat.completion", "model": body["model"],
            "choices": choices, "usage": USAGE}  # fmt: skip


def _messages(body: dict[str, Any]) -> dict[str, Any]:
    assert body["max_tokens"] > 0
    said = body["messages"][-1]["content"]
    content: list[dict[str, Any]] = [{"type": "text", "text": f"echo: {said}"}]
    content += [
        {"type": "tool_use", "id": "u1", "name": tool["name"], "input": {"a": 1}}
        for tool in body.get("tools", [])
    ]
    usage = {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": 2}
    return {"id": "m", "role": "assistant", "content": content, "stop_reason": "end_turn",
            "usage": usage}  # fmt: skip


def _responses(body: dict[str, Any]) -> dict[str, Any]:
    said = body["input"] if isinstance(body["input"], str) else body["input"][-1]["content"]
    notes = [{"type": "url_citation", "url": "https://example.test/a"}] if body.get("tools") else []
    part = {"type": "output_text", "text": f"echo: {said}", "annotations": notes}
    output = [{"type": "reasoning"}, {"type": "message", "content": [part]}]
    return {"id": "resp_1", "output": output,
            "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}  # fmt: skip


def _gemini(body: dict[str, Any]) -> dict[str, Any]:
    said = body["contents"][-1]["parts"][0]["text"]
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    text = json.dumps({"echo": said}) if schema else f"echo: {said}"
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 5}}  # fmt: skip


def _images(body: dict[str, Any]) -> dict[str, Any]:
    assert body["size"] in ("256x256", "512x512", "1024x1024")
    return {"data": [{"b64_json": "UE5H"}]}


ANSWERS = {
    "/v1/chat/completions": _chat,
    "/v1/messages": _messages,
    "/v1/responses": _responses,
    "/v1/images/generations": _images,
    "/v1/models/gemini-2.5-flash:generateContent": _gemini,
}


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or (
            self.headers.get("x-api-key") or self.headers.get("x-goog-api-key")
        )
        answer = ANSWERS.get(self.path)
        if given != KEY:
            self._send(401, {"error": {"message": "Incorrect API key provided"}})
        elif answer is None:
            self._send(404, {"error": {"message": f"no such path {self.path}"}})
        elif body.get("model") == "busy":
            self._send(429, {"error": {"message": "Rate limit reached"}})
        else:
            self.asked.append({"headers": dict(self.headers), **body})
            self._send(200, answer(body))

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def provider(bench: Bench) -> Iterator[ThreadingHTTPServer]:
    bench.set_kv(API_KEY=KEY)
    Provider.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def ask(bench: Bench, provider: ThreadingHTTPServer) -> Any:
    def run(type_: str, **properties: Any) -> Outcome:
        base = f"http://127.0.0.1:{provider.server_address[1]}/v1/"
        given = {"baseUrl": base, "apiKey": "{{ kv('API_KEY') }}", **properties}
        found = bench.run(task(type_, **given))
        assert KEY not in "\n".join(found.logs)
        return found

    return run


def last() -> dict[str, Any]:
    return Provider.asked[-1]


def test_openai_answers_with_choices_and_counts_tokens(ask: Any) -> None:
    found = ask(
        "openai.ChatCompletion", model="gpt-4o", maxTokens=50, temperature=0.5, n=2, stop=["END"],
        messages=[{"role": "system", "content": "short"},
                  {"role": "user", "content": "hello {{ flow.namespace }}"}],
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs["t"]
    assert [c["message"]["content"] for c in outputs["choices"]] == ["echo: hello plugins.test"] * 2
    assert (outputs["id"], outputs["model"]) == ("chat-1", "gpt-4o")
    asked = last()
    wanted = {"max_completion_tokens": 50, "temperature": 0.5, "n": 2, "stop": ["END"]}
    assert {key: asked[key] for key in wanted} == wanted
    assert {m.metric.name: m.metric.value for m in found.metrics} == {
        "usage.prompt.tokens": 11, "usage.completion.tokens": 7, "usage.total.tokens": 18,
    }  # fmt: skip


def test_openai_takes_a_prompt_and_a_schema_of_the_answer(ask: Any) -> None:
    schema = {"title": "answer", "type": "object"}
    found = ask("openai.ChatCompletion", model="m", prompt="x",
                jsonResponseSchema=json.dumps(schema))  # fmt: skip
    assert found.outputs["t"]["choices"][0]["message"]["content"] == '{"echo": "x"}'
    assert last()["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


def test_openai_is_told_the_functions_it_may_call(ask: Any) -> None:
    city = {"name": "city", "description": "where", "type": "string", "required": True}
    function = {"name": "weather", "description": "of a city", "parameters": [city]}
    found = ask("openai.ChatCompletion", model="m", prompt="x", functions=[function],
                functionCall="weather")  # fmt: skip
    calls = found.outputs["t"]["choices"][0]["message"]["tool_calls"]
    assert calls[0]["function"]["name"] == "weather"
    asked = last()
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert asked["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "where"}},
        "required": ["city"],
    }
    wrong = ask("openai.ChatCompletion", model="m", prompt="x", functionCall="other")
    assert "`other`, which is not among `functions`" in wrong.errors


def test_openai_responses_give_text_and_sources(ask: Any) -> None:
    found = ask("openai.Responses", model="m", input="what is new",
                tools=[{"type": "web_search"}], toolChoice="REQUIRED")  # fmt: skip
    outputs = found.outputs["t"]
    assert (outputs["outputText"], outputs["responseId"]) == ("echo: what is new", "resp_1")
    assert outputs["sources"] == ["https://example.test/a"]
    assert (last()["tool_choice"], last()["store"]) == ("required", True)
    listed = ask("openai.Responses", model="m", input=[{"role": "user", "content": "in a list"}])
    assert listed.outputs["t"]["outputText"] == "echo: in a list"


def test_an_image_becomes_a_stored_file(ask: Any) -> None:
    found = ask("openai.CreateImage", prompt="a cat", size="SMALL", quality="LOW")
    assert found.read(found.outputs["t"]["images"][0]) == b"PNG"
    assert (last()["size"], last()["quality"]) == ("256x256", "low")


def test_anthropic_answers_with_text_and_tool_uses(ask: Any) -> None:
    tool = {"name": "look", "description": "d", "inputSchema": {"properties": {"a": {}}}}
    found = ask("anthropic.ChatCompletion", model="claude", system="be brief", tools=[tool],
                messages=[{"type": "USER", "content": "hi"}])  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs["t"]
    assert (outputs["outputText"], outputs["stopReason"]) == ("echo: hi", "end_turn")
    assert outputs["toolUses"] == [{"id": "u1", "name": "look", "input": {"a": 1}}]
    assert outputs["cacheReadInputTokens"] == 2
    asked = last()
    assert (asked["system"], asked["max_tokens"]) == ("be brief", 1024)
    assert asked["headers"]["anthropic-version"] == "2023-06-01"
    assert asked["tools"][0]["input_schema"] == {"type": "object", "properties": {"a": {}}}


@pytest.mark.parametrize(
    ("type_", "model", "output"),
    [
        ("deepseek.ChatCompletion", "modelName", "response"),
        ("perplexity.ChatCompletion", "model", "outputText"),
    ],
)
def test_the_others_answer_with_text(ask: Any, type_: str, model: str, output: str) -> None:
    messages = [{"type": "SYSTEM", "content": "s"}, {"type": "USER", "content": "hi"}]
    found = ask(type_, **{model: "m"}, messages=messages)
    assert found.outputs["t"][output] == "echo: hi"
    formed = ask(type_, **{model: "m"}, messages=messages, jsonResponseSchema='{"type": "object"}')
    assert json.loads(formed.outputs["t"][output]) == {"echo": "hi"}


def test_gemini_answers_in_text_and_in_json(ask: Any) -> None:
    model = "gemini-2.5-flash"
    found = ask("gemini.ChatCompletion", model=model,
                messages=[{"type": "USER", "content": "hi"}])  # fmt: skip
    assert found.outputs["t"]["predictions"][0]["content"] == "echo: hi"
    formed = ask("gemini.StructuredOutputCompletion", model=model, prompt="p",
                 jsonResponseSchema='{"type": "object"}')  # fmt: skip
    assert [json.loads(text) for text in formed.outputs["t"]["predictions"]] == [{"echo": "p"}]


def test_what_goes_wrong_is_told_with_what_to_do(ask: Any) -> None:
    hello = [{"role": "user", "content": "hi"}]
    for properties, said in (
        ({"apiKey": "sk-wrong"}, "401 Unauthorized: Incorrect API key provided (check `apiKey`"),
        ({"model": "busy"}, "429 Too Many Requests: Rate limit reached"),
        ({"apiKey": " "}, "`apiKey` is empty"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "`wizard` is not a role"),
        ({"messages": None}, "set `messages` or `prompt`"),
        ({"jsonResponseSchema": "{"}, "`jsonResponseSchema` is not JSON"),
        ({"baseUrl": "http://127.0.0.1:1"}, "does not answer"),
        ({"baseUrl": "http://169.254.169.254/v1"}, "metadata service"),
    ):
        found = ask("openai.ChatCompletion", **{"model": "m", "messages": hello, **properties})
        assert found.state is State.FAILED
        assert said in found.errors, found.errors
        assert "sk-wrong" not in found.errors
