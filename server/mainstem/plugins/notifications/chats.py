"""Chat services with incoming webhooks: a JSON text is posted to an address."""

import json
from collections.abc import Mapping
from typing import Any

from mainstem.errors import InvalidInput
from mainstem.plugins.notifications.about import AboutExecution, Told, told
from mainstem.sdk.addresses import check_uri, hooks
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask

_SHOWN = 300


class WebhookOptions(Properties):
    """How the request is made."""

    connect_timeout: Property[Duration] | None = None
    read_timeout: Property[Duration] | None = None
    read_idle_timeout: Property[Duration] | None = None
    connection_pool_idle_timeout: Property[Duration] | None = None
    max_content_length: Property[int] | None = None
    default_charset: Property[Text] | None = None
    headers: Property[dict[str, Text]] | None = None


class Webhook(RunnableTask):
    """What posts to a webhook."""

    url: Property[Text]
    options: WebhookOptions | None = None

    def post(self, ctx: RunContext, payload: object) -> None:
        """Send it; raises TaskFailed without the address, which is a secret."""
        import httpx

        url = check_uri(ctx.render(self.url))
        ctx.mask(url)
        options = self.options or WebhookOptions()
        read = options.read_timeout or options.read_idle_timeout
        connect = options.connect_timeout
        timeout = httpx.Timeout(
            ctx.render(read).total_seconds() if read is not None else 30.0,
            connect=ctx.render(connect).total_seconds() if connect is not None else 10.0,
        )
        headers = dict(ctx.render(options.headers)) if options.headers is not None else {}
        with httpx.Client(timeout=timeout, event_hooks=hooks()) as client:
            ctx.on_kill(client.close)
            try:
                answer = client.post(url, json=payload, headers=headers)
            except httpx.HTTPError as error:
                raise TaskFailed(f"the webhook does not answer: {type(error).__name__}") from error
        if answer.status_code >= 300:
            said = answer.text[:_SHOWN].replace(url, "…")
            raise TaskFailed(f"the webhook answers {answer.status_code}: {said}")
        ctx.log.debug(f"the webhook answers {answer.status_code}")


class IncomingWebhook(Webhook):
    """Posts a payload, or a text in the form of the service."""

    payload: Property[object] | None = None
    message_text: Property[Text] | None = None

    def run(self, ctx: RunContext) -> None:
        payload = self._payload(ctx)
        if self.message_text is not None:
            text = ctx.render(self.message_text)
            payload = {**(payload if isinstance(payload, Mapping) else {}), **self.said(text)}
        if payload is None:
            raise InvalidInput("nothing to send: set `payload` or `messageText`")
        self.post(ctx, payload)

    def _payload(self, ctx: RunContext) -> Any:
        if self.payload is None:
            return None
        given = ctx.render(self.payload)
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given)
        except ValueError as error:
            raise InvalidInput(f"`payload` is not JSON: {error}") from error

    def said(self, text: str) -> dict[str, object]:
        """A plain text as the service wants it."""
        return {"text": text}


class ExecutionMessage(Webhook, AboutExecution):
    """Posts the state of an execution, with a link to it."""

    channel: Property[Text] | None = None
    username: Property[Text] | None = None
    icon_url: Property[Text] | None = None
    icon_emoji: Property[Text] | None = None
    payload: Property[object] | None = None

    def run(self, ctx: RunContext) -> None:
        message = self.form(ctx, told(self, ctx))
        for name, prop in (
            ("channel", self.channel),
            ("username", self.username),
            ("icon_url", self.icon_url),
            ("icon_emoji", self.icon_emoji),
        ):
            if prop is not None:
                message[name] = ctx.render(prop)
        self.post(ctx, message)

    def form(self, ctx: RunContext, found: Told) -> dict[str, object]:
        """The message as the service wants it."""
        return {"text": found.as_text()}


class SlackIncomingWebhook(IncomingWebhook):
    """Send a message to Slack through an incoming webhook."""

    TYPE = "io.kestra.plugin.slack.notifications.SlackIncomingWebhook"


class SlackExecution(ExecutionMessage):
    """Tell a Slack channel how an execution stands."""

    TYPE = "io.kestra.plugin.slack.notifications.SlackExecution"

    def form(self, ctx: RunContext, found: Told) -> dict[str, object]:
        fields = [
            {"title": name, "value": value, "short": True} for name, value in found.facts.items()
        ]
        attachment: dict[str, object] = {"fallback": found.as_text(), "fields": fields}
        if found.message:
            attachment["text"] = found.message
        return {"text": f"*{found.title}* <{found.link}|open>", "attachments": [attachment]}


class DiscordIncomingWebhook(IncomingWebhook):
    """Send a message to Discord through a webhook."""

    TYPE = "io.kestra.plugin.discord.DiscordIncomingWebhook"

    def said(self, text: str) -> dict[str, object]:
        return {"content": text}


class DiscordExecution(ExecutionMessage):
    """Tell a Discord channel how an execution stands."""

    TYPE = "io.kestra.plugin.discord.DiscordExecution"

    avatar_url: Property[Text] | None = None
    content: Property[Text] | None = None
    embed_list: Property[list[dict[str, object]]] | None = None

    def form(self, ctx: RunContext, found: Told) -> dict[str, object]:
        fields = [
            {"name": name, "value": value, "inline": True} for name, value in found.facts.items()
        ]
        embed: dict[str, object] = {"title": found.title, "url": found.link, "fields": fields}
        if found.message:
            embed["description"] = found.message
        given = ctx.render(self.embed_list) if self.embed_list is not None else []
        message: dict[str, object] = {"embeds": [*given, embed]}
        if self.content is not None:
            message["content"] = ctx.render(self.content)
        if self.avatar_url is not None:
            message["avatar_url"] = ctx.render(self.avatar_url)
        return message


class TeamsIncomingWebhook(IncomingWebhook):
    """Send a message to Microsoft Teams through an incoming webhook."""

    TYPE = "io.kestra.plugin.microsoft365.teams.TeamsIncomingWebhook"


class TeamsExecution(ExecutionMessage):
    """Tell a Teams channel how an execution stands."""

    TYPE = "io.kestra.plugin.microsoft365.teams.TeamsExecution"

    activity_title: Property[Text] | None = None
    activity_subtitle: Property[Text] | None = None
    theme_color: Property[Text] | None = None

    def form(self, ctx: RunContext, found: Told) -> dict[str, object]:
        facts = [{"name": name, "value": value} for name, value in found.facts.items()]
        section: dict[str, object] = {"facts": facts, "text": found.message or ""}
        titles = (
            ("activityTitle", self.activity_title),
            ("activitySubtitle", self.activity_subtitle),
        )
        for name, prop in titles:
            if prop is not None:
                section[name] = ctx.render(prop)
        colour = ctx.render(self.theme_color) if self.theme_color is not None else "0076D7"
        return {
            "@type": "MessageCard",
            "@context": "http://schema.org/extensions",
            "summary": found.title,
            "title": found.title,
            "themeColor": colour,
            "sections": [section],
            "potentialAction": [
                {
                    "@type": "OpenUri",
                    "name": "Open",
                    "targets": [{"os": "default", "uri": found.link}],
                }
            ],
        }


class ZulipIncomingWebhook(IncomingWebhook):
    """Send a message to Zulip through an incoming webhook."""

    TYPE = "io.kestra.plugin.zulip.ZulipIncomingWebhook"


class ZulipExecution(ExecutionMessage):
    """Tell a Zulip stream how an execution stands."""

    TYPE = "io.kestra.plugin.zulip.ZulipExecution"


class GoogleChatIncomingWebhook(IncomingWebhook):
    """Send a message to Google Chat through an incoming webhook."""

    TYPE = "io.kestra.plugin.googleworkspace.chat.GoogleChatIncomingWebhook"


class GoogleChatExecution(ExecutionMessage):
    """Tell a Google Chat space how an execution stands."""

    TYPE = "io.kestra.plugin.googleworkspace.chat.GoogleChatExecution"

    text: Property[Text] | None = None
