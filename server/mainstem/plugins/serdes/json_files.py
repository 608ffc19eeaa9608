"""JSON: one value a line, or one array."""

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar

from mainstem.errors import InvalidInput
from mainstem.plugins.serdes.rows import Conversion, ion_rows, json_value, write_ion, write_text
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property
from mainstem.sdk.task import Outputs

_OUTPUTS = {"uri": "The file that was written.", "size": "The number of rows."}
_LARGEST_ARRAY = 200_000_000


class JsonToIon(Conversion):
    """Read a JSON file into Ion rows; with `newLine: false` it is one array or one value."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.json.JsonToIon"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    new_line: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        return write_ion(ctx, self._rows(ctx), "rows.ion")

    def _rows(self, ctx: RunContext) -> Iterator[object]:
        with self.source(ctx) as text:
            if ctx.render(self.new_line):
                for number, line in enumerate(text, 1):
                    if line.strip():
                        yield _parsed(line, f"line {number}")
                return
            whole = text.read(_LARGEST_ARRAY + 1)
        if len(whole) > _LARGEST_ARRAY:
            raise InvalidInput(
                f"the file has more than {_LARGEST_ARRAY} characters: write one value a line"
            )
        found = _parsed(whole, "the file")
        yield from found if isinstance(found, list) else [found]


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {error}") from error


class IonToJson(Conversion):
    """Write Ion rows as JSON: one value a line, or with `newLine: false` one array."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.json.IonToJson"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    new_line: Property[bool] = Property(True, bool)
    time_zone_id: Property[str] | None = None
    should_keep_annotations: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        charset = ctx.render(self.charset)
        rows = (
            json.dumps(row, default=json_value, ensure_ascii=False)
            for row in ion_rows(ctx, ctx.render(self.from_))
        )
        if ctx.render(self.new_line):
            return write_text(ctx, (f"{row}\n" for row in rows), "rows.jsonl", charset)
        written = write_text(ctx, _array(rows), "rows.json", charset)
        return {**written, "size": int(str(written["size"])) - 1}


def _array(rows: Iterator[str]) -> Iterator[str]:
    """The pieces of an array; the last one closes it."""
    start = "["
    for row in rows:
        yield f"{start}{row}"
        start = ",\n"
    yield "[]" if start == "[" else "]"
