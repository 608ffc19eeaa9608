"""Type names of the notifications group; each service has the names of two eras."""

from typing import Final

_IO: Final = "io.kestra.plugin"
_HERE: Final = "mainstem.plugins.notifications"

# current package -> (package of older versions, prefix of the class names)
_CHATS: Final = {
    "slack.notifications": ("slack", "Slack"),
    "discord": ("discord", "Discord"),
    "microsoft365.teams": ("teams", "Teams"),
    "zulip": ("zulip", "Zulip"),
    "googleworkspace.chat": ("google", "GoogleChat"),
}

TYPES: Final = {
    **{
        f"{_IO}.{package}.{prefix}{kind}": f"{_HERE}.chats:{prefix}{kind}"
        for package, (_, prefix) in _CHATS.items()
        for kind in ("IncomingWebhook", "Execution")
    },
    f"{_IO}.email.MailSend": f"{_HERE}.mail:MailSend",
    f"{_IO}.email.MailExecution": f"{_HERE}.mail:MailExecution",
}

ALIASES: Final = {
    **{
        f"{_IO}.notifications.{old}.{prefix}{kind}": f"{_IO}.{package}.{prefix}{kind}"
        for package, (old, prefix) in _CHATS.items()
        for kind in ("IncomingWebhook", "Execution")
    },
    f"{_IO}.slack.SlackIncomingWebhook": f"{_IO}.slack.notifications.SlackIncomingWebhook",
    f"{_IO}.slack.SlackExecution": f"{_IO}.slack.notifications.SlackExecution",
    f"{_IO}.notifications.mail.MailSend": f"{_IO}.email.MailSend",
    f"{_IO}.notifications.mail.MailExecution": f"{_IO}.email.MailExecution",
}
