"""Mail over SMTP."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape
from typing import Final, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.notifications.about import AboutExecution, told
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask

_LARGEST: Final = 25_000_000


class Attachment(Properties):
    """A file of internal storage."""

    uri: Property[Text]
    name: Property[Text] | None = None
    content_type: Property[Text] = Property("application/octet-stream", str)


class Mail(RunnableTask):
    """How mail is sent."""

    host: Property[Text]
    port: Property[int] = Property(587, int)
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    transport_strategy: Property[Literal["SMTP", "SMTPS", "SMTP_TLS"]] = Property("SMTP_TLS", str)
    session_timeout: Property[int] = Property(10_000, int)
    from_: Property[Text] | None = None
    to: Property[Text]
    cc: Property[Text] | None = None
    reply_to: Property[Text] | None = None
    subject: Property[Text] | None = None
    attachments: tuple[Attachment, ...] = ()
    embedded_images: tuple[Attachment, ...] = ()

    def send(self, ctx: RunContext, plain: str | None, html: str | None, subject: str) -> None:
        """Build the message and hand it to the server; raises TaskFailed."""
        message = self._message(ctx, subject)
        message.set_content(plain or "This message is HTML.")
        if html is not None:
            message.add_alternative(html, subtype="html")
            self._embed(ctx, message)
        total = 0
        for item in self.attachments:
            total += _attach(ctx, message, item, _LARGEST - total)
        try:
            self._deliver(ctx, message)
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise TaskFailed(f"the mail server answers {error.smtp_code}: {text}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TaskFailed(f"the mail was not sent: {type(error).__name__}: {error}") from error

    def _message(self, ctx: RunContext, subject: str) -> EmailMessage:
        message = EmailMessage()
        sender = self.from_ or self.username
        if sender is None:
            raise InvalidInput("`from` is missing")
        message["From"] = _one_line(ctx.render(sender))
        message["To"] = _addresses(ctx.render(self.to))
        if self.cc is not None:
            message["Cc"] = _addresses(ctx.render(self.cc))
        if self.reply_to is not None:
            message["Reply-To"] = _addresses(ctx.render(self.reply_to))
        message["Subject"] = _one_line(subject)
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="mainstem.local")
        return message

    def _embed(self, ctx: RunContext, message: EmailMessage) -> None:
        html = message.get_payload()[-1]  # type: ignore[index]  # what add_alternative added
        for image in self.embedded_images:
            content, name, kind = _content(ctx, image, _LARGEST)
            main, _, sub = kind.partition("/")
            html.add_related(  # type: ignore[union-attr]
                content, maintype=main, subtype=sub or "png", cid=f"<{name}>", filename=name
            )

    def _deliver(self, ctx: RunContext, message: EmailMessage) -> None:
        host, port = ctx.render(self.host), ctx.render(self.port)
        seconds = ctx.render(self.session_timeout) / 1000
        strategy = ctx.render(self.transport_strategy)
        context = ssl.create_default_context()
        if strategy == "SMTPS":
            client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
        else:
            client = smtplib.SMTP(host, port, timeout=seconds)
        with client:
            ctx.on_kill(client.close)
            if strategy == "SMTP_TLS":
                client.starttls(context=context)
            if self.username is not None and self.password is not None:
                password = ctx.render(self.password)
                ctx.mask(password)
                client.login(ctx.render(self.username), password)
            client.send_message(message)


def _one_line(text: str) -> str:
    """A header of one line: a line break in it could add headers."""
    if "\n" in text or "\r" in text:
        raise InvalidInput("addresses and subjects must not hold line breaks")
    return text.strip()


def _addresses(text: str) -> str:
    return ", ".join(part.strip() for part in _one_line(text).replace(";", ",").split(",") if part)


def _content(ctx: RunContext, item: Attachment, most: int) -> tuple[bytes, str, str]:
    uri = ctx.render(item.uri)
    if ctx.files.size(uri) > most:
        raise InvalidInput(f"attachments may hold {_LARGEST} bytes together")
    with ctx.files.open(uri) as file:
        content = file.read()
    name = ctx.render(item.name) if item.name is not None else uri.rpartition("/")[2]
    return content, _one_line(name), ctx.render(item.content_type)


def _attach(ctx: RunContext, message: EmailMessage, item: Attachment, most: int) -> int:
    content, name, kind = _content(ctx, item, most)
    main, _, sub = kind.partition("/")
    message.add_attachment(
        content, maintype=main or "application", subtype=sub or "octet-stream", filename=name
    )
    return len(content)


class MailSend(Mail):
    """Send a mail."""

    TYPE = "io.kestra.plugin.email.MailSend"

    html_text_content: Property[Text] | None = None
    plain_text_content: Property[Text] | None = None

    def run(self, ctx: RunContext) -> None:
        plain = self.plain_text_content
        html = self.html_text_content
        subject = ctx.render(self.subject) if self.subject is not None else ""
        self.send(
            ctx,
            ctx.render(plain) if plain is not None else None,
            ctx.render(html) if html is not None else None,
            subject,
        )


class MailExecution(Mail, AboutExecution):
    """Mail how an execution stands."""

    TYPE = "io.kestra.plugin.email.MailExecution"

    def run(self, ctx: RunContext) -> None:
        found = told(self, ctx)
        rows = "".join(
            f"<tr><th align=left>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in found.facts.items()
        )
        message = f"<p>{escape(found.message)}</p>" if found.message else ""
        html = (
            f"<h2>{escape(found.title)}</h2>{message}<table>{rows}</table>"
            f'<p><a href="{escape(found.link)}">Open</a></p>'
        )
        subject = ctx.render(self.subject) if self.subject is not None else found.title
        self.send(ctx, found.as_text(), html, subject)
