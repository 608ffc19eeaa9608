"""Functions: those that ask the host, chance, ids, context, and rendering inside a rendering."""

from collections.abc import Mapping
from typing import Any

import pytest

from mainstem.errors import NotFound, Transient
from mainstem.expr import ExpressionError, NoHost, RenderOptions, Scope, render
from tests.unit.expr.rendering import NOW, fault, scope, show, value


class RecordingHost(NoHost):
    """Answers every question and remembers how it was asked."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.asked: list[tuple[Any, ...]] = []

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        self.asked.append(("kv", key, namespace, error_on_missing))
        if error_on_missing:
            raise NotFound(f"The key '{key}' does not exist in the namespace 'n'.")
        return {"k": [1]} if key == "json" else None

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        self.asked.append(("secret", key, namespace, subkey))
        return "s3cret"

    def read(self, path: str) -> str:
        if path == "busy":
            raise Transient("storage is busy")
        return f"content of {path}"

    def file_size(self, path: str) -> int:
        return len(path)

    def file_uri(self, path: str) -> str:
        return f"mainstem:///ns/_files/{path}"

    def file_exists(self, path: str) -> bool:
        return path == "there"

    def error_logs(self) -> list[dict[str, object]]:
        return [{"message": "boom"}]

    def http(self, options: Mapping[str, object]) -> object:
        self.asked.append(("http", options))
        return {"answer": 42}

    def app_link(self, options: Mapping[str, object]) -> str:
        return f"http://ui/{options.get('appId', 'execution')}"

    def tasks_with_state(self, state: str) -> list[dict[str, object]]:
        return [{"taskId": "a", "state": state}]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("kv('json').k[0]", "1"),
        ("kv('missing')", ""),
        ("kv('missing') ?? 'other'", "other"),
        ("secret('TOKEN')", "s3cret"),
        ("read('a.sql')", "content of a.sql"),
        ("fileSize('abc') + 1", "4"),
        ("fileURI('/a.sql')", "mainstem:///ns/_files/a.sql"),
        ("fileExists('there')", "true"),
        ("fileEmpty('x')", "false"),
        ("isFileEmpty('')", "true"),
        ("errorLogs()[0].message", "boom"),
        ("http(uri='http://x').answer", "42"),
        ("appLink()", "http://ui/execution"),
        ("appLink(appId='app')", "http://ui/app"),
        ("tasksWithState('failed')[0].state", "FAILED"),
    ],
)
def test_host_functions(expression: str, expected: str) -> None:
    assert render("{{ " + expression + " }}", Scope({}, RecordingHost())) == expected


def test_the_host_is_asked_with_what_the_expression_names() -> None:
    host = RecordingHost()
    text = (
        "{{ kv('a', 'other.ns') }}{{ kv(key='b', errorOnMissing=false) }}"
        "{{ secret('s', subkey='u', namespace='n') }}"
        "{{ http('http://x', method='post', body={'a': 1}, headers={'h': 'v'}) is map }}"
    )
    assert render(text, Scope({}, host)) == "s3crettrue"
    options = {"uri": "http://x", "method": "POST", "body": {"a": 1}, "headers": {"h": "v"}}
    assert host.asked == [
        ("kv", "a", "other.ns", False),
        ("kv", "b", None, False),
        ("secret", "s", "n", "u"),
        ("http", options),
    ]


def test_errors_of_the_host_get_the_place_of_the_expression() -> None:
    with pytest.raises(ExpressionError) as caught:
        render("{{ kv('k', errorOnMissing=true) }}", Scope({}, RecordingHost()))
    assert "The key 'k' does not exist in the namespace 'n'." in caught.value.message
    assert isinstance(caught.value.__cause__, Exception)


def test_what_may_succeed_later_stays_transient() -> None:
    with pytest.raises(Transient):
        render("{{ read('busy') }}", Scope({}, RecordingHost()))


def test_a_missing_key_is_not_an_undefined_variable() -> None:
    with pytest.raises(ExpressionError):
        render("{{ kv('k', errorOnMissing=true) ?? 'x' }}", Scope({}, RecordingHost()))


@pytest.mark.parametrize(
    "expression",
    [
        "kv('a')", "secret('a')", "read('a')", "fileSize('a')", "fileURI('a')", "fileExists('a')",
        "errorLogs()", "http('a')", "appLink()", "tasksWithState('FAILED')",
    ],
)  # fmt: skip
def test_without_a_host_effects_are_refused(expression: str) -> None:
    assert "can't be used here" in fault("{{ " + expression + " }}")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("kv()", "expects an argument `key`"),
        ("kv(1)", "`key` must be text"),
        ("secret()", "expects an argument `key`"),
        ("fileURI('../x')", "Path must not contain '../'"),
        ("http('x', headers='h')", "`headers` must be a map"),
        ("randomInt(1)", "expects an argument `upper`"),
        ("randomInt('1', '2')", "must be an integer but is text"),
        ("randomInt(5, 1)", "must not be less than"),
        ("nanoId(length=0)", "1 to 1000"),
        ("render()", "expects an argument `toRender`"),
        ("render('x', 'y')", "`recursive` must be true or false"),
        ("currentEachOutput('x')", "`outputs` must be a map"),
    ],
)
def test_misused_functions_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}")


def test_ids_and_chance() -> None:
    assert len(value("uuid()")) == 36
    assert len(value("id()")) == 22
    assert value("id()").isalnum()
    assert len(value("nanoId()")) == 21
    assert set(value("nanoId(50, 'ab')")) <= {"a", "b"}
    assert {int(value("randomInt(lower=-2, upper=1)")) for _ in range(100)} == {-2, -1, 0}
    assert value("randomInt(3, 3)") == "3"
    assert 1024 <= int(value("randomPort()")) < 65536


def test_the_context_can_be_printed() -> None:
    assert value("printContext()", a=1, b={"c": 2}) == '{"a":1,"b":{"c":2}}'
    assert show("{% set z = 3 %}{{ fetchContext().z }}") == "3"


NESTED = {
    "first": "1",
    "second": "{{first}}",
    "third": "{{second}}",
    "n": 5,
    "m": {"{{first}}": ["{{third}}", 2]},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ third }}", "{{second}}"),
        ("{{ render(third) }}", "1"),
        ("{{ render(third, recursive=false) }}", "{{first}}"),
        ("{{ renderOnce(third) }}", "{{first}}"),
        ("{{ render(m) }}", '{"1":["1",2]}'),
        ("{{ render(n) + 1 }}", "6"),
        ("{{ render(null) }}", ""),
        ("{% set first = 'shadow' %}{{ render(third) }}", "shadow"),
        ("{% for first in [7, 8] %}{{ render(second) }}{% endfor %}", "78"),
        ("{{ render('{% raw %}{{ first }}{% endraw %}') }}", "{{ first }}"),
    ],
)
def test_render_inside_a_rendering(template: str, expected: str) -> None:
    assert show(template, **NESTED) == expected


def test_recursive_rendering_repeats_until_nothing_changes() -> None:
    recursive = scope(RenderOptions(recursive=True), **NESTED)
    assert render("{{ third }}|{{ m }}", recursive) == '1|{"1":["1",2]}'
    assert render("{% raw %}{{ first }}{% endraw %}", recursive) == "{{ first }}"
    options = RenderOptions(recursive=True)
    assert "[render] does not exist" in fault("{{ render(a) }}", options=options, a="1")


def test_texts_that_render_themselves_end_in_a_fault() -> None:
    assert "Too many rendering attempts" in fault("{{ render(a) }}", a="x{{ a }}")
    assert "nested too deeply" in fault("{{ render(a) }}", a="{{ render(a) }}")
    options = RenderOptions(recursive=True)
    assert "Too many rendering attempts" in fault("{{ a }}", options=options, a="x{{ a }}")
