"""Data that a task takes from a file in storage, a map or a list of maps."""

from collections.abc import Iterator

from pydantic import Field

from mainstem.sdk.fields import Property
from mainstem.sdk.plugin import Fault, Properties


class Data(Properties):
    """Exactly one of the three carries the rows."""

    from_uri: Property[str] | None = Field(default=None, alias="fromURI")
    from_map: Property[dict[str, object]] | None = None
    from_list: Property[list[dict[str, object]]] | None = None

    def faults(self) -> Iterator[Fault]:
        given = [item for item in (self.from_uri, self.from_map, self.from_list) if item]
        if len(given) > 1:
            yield Fault("Only one of 'fromURI', 'fromMap' or 'fromList' can be set.")
