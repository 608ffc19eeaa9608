"""Messages to chat services and mail, against servers on this machine."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, task, written

SECRET_PATH = "/services/T000/B000/s3cr3t"


class _Hook(BaseHTTPRequestHandler):
    told: ClassVar[list[tuple[str, Any]]] = []

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.told.append((self.path, json.loads(body)))
        self.send_response(410 if "gone" in self.path else 200)
        self.end_headers()
        self.wfile.write(f"no hook at {self.path}".encode() if "gone" in self.path else b"ok")


@pytest.fixture(scope="module")
def hook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def told() -> list[tuple[str, Any]]:
    _Hook.told.clear()
    return _Hook.told


@pytest.mark.parametrize(
    "name", ["slack.notifications.SlackIncomingWebhook", "notifications.slack.SlackIncomingWebhook"]
)
def test_a_payload_is_posted_as_it_is_written(
    bench: Bench, hook: str, told: list[tuple[str, Any]], name: str
) -> None:
    payload = '{"channel": "#alerts", "text": "{{ flow.namespace }} says hello"}'
    found = bench.run(task(name, url=f"{hook}{SECRET_PATH}", payload=payload))
    assert found.state is State.SUCCESS, found.errors
    assert told == [(SECRET_PATH, {"channel": "#alerts", "text": "plugins.test says hello"})]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("slack.notifications.SlackIncomingWebhook", "text"),
        ("discord.DiscordIncomingWebhook", "content"),
        ("microsoft365.teams.TeamsIncomingWebhook", "text"),
        ("notifications.google.GoogleChatIncomingWebhook", "text"),
    ],
)
def test_a_text_has_the_form_of_the_service(
    bench: Bench, hook: str, told: list[tuple[str, Any]], name: str, key: str
) -> None:
    found = bench.run(task(name, url=f"{hook}/x", messageText='"quoted" {{ flow.id }}'))
    assert found.state is State.SUCCESS, found.errors
    assert told[0][1][key].startswith('"quoted" flow-')


def test_a_refusal_fails_the_task_and_never_shows_the_address(bench: Bench, hook: str) -> None:
    url = f"{hook}/gone/s3cr3t-path"
    found = bench.run(task("slack.notifications.SlackIncomingWebhook", url=url, messageText="x"))
    assert found.state is State.FAILED
    assert "the webhook answers 410" in found.errors
    assert url not in "\n".join(found.logs)
    nobody = bench.run(
        task("discord.DiscordIncomingWebhook", url="http://127.0.0.1:9/s3cr3t", messageText="x")
    )
    assert nobody.state is State.FAILED
    assert "does not answer" in nobody.errors
    assert "s3cr3t" not in "\n".join(nobody.logs)


def test_a_message_without_content_and_the_metadata_service_are_refused(
    bench: Bench, hook: str
) -> None:
    empty = bench.run(task("slack.notifications.SlackIncomingWebhook", url=hook))
    assert "nothing to send" in empty.errors
    metadata = "http://169.254.169.254/computeMetadata"
    refused = bench.run(task("zulip.ZulipIncomingWebhook", url=metadata, messageText="x"))
    assert "metadata service" in refused.errors


def test_an_errors_branch_tells_what_failed(
    bench: Bench, hook: str, told: list[tuple[str, Any]]
) -> None:
    tell = [
        task("slack.notifications.SlackExecution", "slack", url=f"{hook}/slack", channel="#ops"),
        task("discord.DiscordExecution", "discord", url=f"{hook}/discord", customMessage="oh no"),
        task("microsoft365.teams.TeamsExecution", "teams", url=f"{hook}/teams"),
    ]
    found = bench.run(task("core.execution.Fail", "broken"), errors=tell)
    assert found.states["teams"] is State.SUCCESS, found.errors
    slack, discord, teams = (message for _, message in told)
    assert slack["channel"] == "#ops"
    assert f"{found.execution.flow} is FAILED" in slack["text"]
    assert (
        f"/ui/executions/plugins.test/{found.execution.flow.id}/{found.execution.id}"
        in (slack["text"])
    )
    facts = {item["title"]: item["value"] for item in slack["attachments"][0]["fields"]}
    assert facts["Failed task"] == "broken"
    assert discord["embeds"][0]["description"] == "oh no"
    assert teams["sections"][0]["facts"][0]["value"] == found.execution.id


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    mails: ClassVar[list[tuple[list[str], bytes]]] = []

    def handle(self) -> None:
        self._say("220 test")
        to: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].upper()
            if verb in ("EHLO", "HELO"):
                self._say("250-test\r\n250 AUTH PLAIN LOGIN")
            elif verb == "AUTH":
                self._say("235 ok" if "AGFubgBnb29k" in line else "535 wrong")  # \0ann\0good
            elif verb == "RCPT":
                to.append(line.partition(":")[2].strip("<>"))
                self._say("550 nobody" if "nobody" in line else "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self.mails.append((to, self._data()))
                self._say("250 ok")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self) -> bytes:
        found = b""
        while (line := self.rfile.readline()) != b".\r\n":
            found += line
        return found

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture(scope="module")
def smtp() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def mail(port: int, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "host": "127.0.0.1", "port": port, "transportStrategy": "SMTP",
        "from_": "Flow <flow@example.com>", "to": "a@example.com; b@example.com",
        "subject": "Rows: {{ 1 + 1 }}",
    }  # fmt: skip
    return task("email.MailSend", "mail", **{**given, **more})


def test_a_mail_has_both_texts_and_its_attachments(bench: Bench, smtp: int) -> None:
    _Smtp.mails.clear()
    attached = [{"uri": "{{ outputs.file.uri }}", "name": "rows.csv", "contentType": "text/csv"}]
    found = bench.run(
        written("a,b\n"),
        mail(
            smtp, htmlTextContent="<b>hi</b>", plainTextContent="hi", attachments=attached,
            username="ann", password="good",
        ),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    ((to, raw),) = _Smtp.mails
    assert to == ["a@example.com", "b@example.com"]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == "Rows: 2"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "hi"
    assert html.get_content().strip() == "<b>hi</b>"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("rows.csv", "a,b\n")


def test_what_the_mail_server_refuses_fails_without_the_password(bench: Bench, smtp: int) -> None:
    wrong = bench.run(mail(smtp, plainTextContent="x", username="ann", password="wr0ng-pass"))
    assert "535" in wrong.errors
    assert "wr0ng-pass" not in "\n".join(wrong.logs)
    nobody = bench.run(mail(smtp, plainTextContent="x", to="nobody@example.com"))
    assert nobody.state is State.FAILED
    broken = bench.run(mail(smtp, plainTextContent="x", subject="a\nBcc: all@example.com"))
    assert "line breaks" in broken.errors


def test_a_mail_about_an_execution(bench: Bench, smtp: int) -> None:
    _Smtp.mails.clear()
    about = {**mail(smtp, customMessage="look <here>"), "type": "notifications.mail.MailExecution"}
    about.pop("subject")
    found = bench.run(task("core.execution.Fail", "broken"), errors=[about])
    assert found.states["mail"] is State.SUCCESS, found.errors
    message = email.message_from_bytes(_Smtp.mails[0][1], policy=email.policy.default)
    assert message["Subject"] == f"{found.execution.flow} is FAILED"
    html = message.get_body(("html",))
    assert html is not None
    assert "look &lt;here&gt;" in html.get_content()
