"""Parquet, by way of pyarrow."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.serdes.rows import Conversion, ion_rows, write_ion
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property
from mainstem.sdk.task import Outputs

_OUTPUTS = {"uri": "The file that was written.", "size": "The number of rows."}
_BATCH = 10_000


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidInput(
            "Parquet files need the library pyarrow: pip install 'mainstem[local-gcp]'"
        ) from error
    return pyarrow.parquet


class ParquetToIon(Conversion):
    """Read a Parquet file into Ion rows."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.parquet.ParquetToIon"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    def run(self, ctx: RunContext) -> Outputs:
        file = ctx.workdir / "source.parquet"
        ctx.files.fetch(ctx.render(self.from_), file)
        return write_ion(ctx, _rows(file), "rows.ion")


def _rows(file: Path) -> Iterator[object]:
    with _parquet().ParquetFile(file) as source:
        for batch in source.iter_batches(_BATCH):
            yield from batch.to_pylist()


class IonToParquet(Conversion):
    """Write Ion rows as a Parquet file; the first rows decide the types of the columns."""

    TYPE: ClassVar[str] = "io.kestra.plugin.serdes.parquet.IonToParquet"
    OUTPUTS: ClassVar[Mapping[str, str]] = _OUTPUTS

    compression_codec: Property[Literal["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"]] = Property(
        "GZIP", str
    )

    def run(self, ctx: RunContext) -> Outputs:
        import pyarrow

        parquet = _parquet()
        codec = ctx.render(self.compression_codec)
        rows = ion_rows(ctx, ctx.render(self.from_))
        file = ctx.workdir / "rows.parquet"
        count, writer = 0, None
        try:
            while part := list(islice(rows, _BATCH)):
                table = pyarrow.Table.from_pylist(part, schema=writer.schema if writer else None)
                if writer is None:
                    kind = "NONE" if codec == "UNCOMPRESSED" else codec
                    writer = parquet.ParquetWriter(file, table.schema, compression=kind)
                writer.write_table(table)
                count += len(part)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise InvalidInput(f"the rows do not fit into columns of one type: {error}") from error
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            parquet.write_table(pyarrow.table({}), file)
        return {"uri": ctx.files.put(file), "size": count}
