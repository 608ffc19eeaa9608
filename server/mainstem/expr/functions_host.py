"""Functions that ask the host for something outside the expression."""

from collections.abc import Callable, Mapping
from typing import Final

from mainstem.expr.arguments import a_boolean, a_text, an_optional_text
from mainstem.expr.errors import Fault
from mainstem.expr.numbers import type_name
from mainstem.expr.runtime import Evaluation


def kv(
    ev: Evaluation, key: object, namespace: object = None, error_on_missing: object = None
) -> object:
    strict = error_on_missing is not None and a_boolean(error_on_missing, "errorOnMissing")
    return ev.host.kv(a_text(key, "key"), an_optional_text(namespace, "namespace"), strict)


def secret(ev: Evaluation, key: object, namespace: object = None, subkey: object = None) -> object:
    where = an_optional_text(namespace, "namespace")
    return ev.host.secret(a_text(key, "key"), where, an_optional_text(subkey, "subkey"))


def read(ev: Evaluation, path: object) -> object:
    text = ev.host.read(a_text(path, "path"))
    if len(text) > ev.options.max_output:
        raise Fault(f"The file has more than {ev.options.max_output} characters")
    return text


def file_size(ev: Evaluation, path: object) -> object:
    return ev.host.file_size(a_text(path, "path"))


def file_uri(ev: Evaluation, path: object) -> object:
    name = a_text(path, "path").removeprefix("/")
    if "../" in name:
        raise Fault("Path must not contain '../'")
    return ev.host.file_uri(name)


def file_exists(ev: Evaluation, path: object) -> object:
    return ev.host.file_exists(a_text(path, "path"))


def file_empty(ev: Evaluation, path: object) -> object:
    return ev.host.file_size(a_text(path, "path")) == 0


def error_logs(ev: Evaluation) -> object:
    return ev.host.error_logs()


def tasks_with_state(ev: Evaluation, state: object) -> object:
    return ev.host.tasks_with_state(a_text(state, "state").upper())


def http(  # noqa: PLR0913 - the named arguments of the language
    ev: Evaluation,
    uri: object,
    method: object = None,
    query: object = None,
    body: object = None,
    content_type: object = None,
    headers: object = None,
    options: object = None,
    accept: object = None,
) -> object:
    """Ask the host for a web resource; what is absent is left out of its options."""
    for name, value in (("query", query), ("headers", headers), ("options", options)):
        if value is not None and not isinstance(value, Mapping):
            raise Fault(f"`{name}` must be a map but is {type_name(value)}")
    given = {
        "uri": a_text(uri, "uri"),
        "method": (an_optional_text(method, "method") or "GET").upper(),
        "query": query,
        "body": body,
        "contentType": an_optional_text(content_type, "contentType"),
        "headers": headers,
        "options": options,
        "accept": an_optional_text(accept, "accept"),
    }
    return ev.host.http({name: value for name, value in given.items() if value is not None})


def app_link(ev: Evaluation, app_id: object = None, base_url: object = None) -> object:
    given = {
        "appId": an_optional_text(app_id, "appId"),
        "baseUrl": an_optional_text(base_url, "baseUrl"),
    }
    return ev.host.app_link({name: value for name, value in given.items() if value is not None})


FUNCTIONS_HOST: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "appLink": (app_link, "appId baseUrl"),
    "errorLogs": (error_logs, ""),
    "fileEmpty": (file_empty, "path"),
    "fileExists": (file_exists, "path"),
    "fileSize": (file_size, "path"),
    "fileURI": (file_uri, "path"),
    "http": (http, "uri method query body contentType headers options accept"),
    "isFileEmpty": (file_empty, "path"),
    "kv": (kv, "key namespace errorOnMissing"),
    "read": (read, "path"),
    "secret": (secret, "key namespace subkey"),
    "tasksWithState": (tasks_with_state, "state"),
}
