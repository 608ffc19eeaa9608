"""Dates that tasks are given as text."""

from datetime import UTC, datetime

from mainstem.errors import InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text


def moment(ctx: RunContext, prop: Property[Text] | None) -> datetime | None:
    """The date-time a property renders to; one without a zone is of UTC."""
    if prop is None:
        return None
    text = ctx.render(prop).partition("[")[0]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"`{text}` is not an ISO date-time such as 2024-05-01T00:00:00Z"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def now_or(ctx: RunContext, prop: Property[Text] | None) -> datetime:
    """As `moment`, but now for none."""
    return moment(ctx, prop) or ctx.now()
