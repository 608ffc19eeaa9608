"""Type names of the serdes group, with those of older versions."""

from typing import Final

_SERDES: Final = "io.kestra.plugin.serdes"
_HERE: Final = "mainstem.plugins.serdes"

# package -> (reader, older name, writer, older name)
_FORMATS: Final = {
    "csv": ("CsvToIon", "CsvReader", "IonToCsv", "CsvWriter"),
    "json": ("JsonToIon", "JsonReader", "IonToJson", "JsonWriter"),
    "parquet": ("ParquetToIon", "ParquetReader", "IonToParquet", "ParquetWriter"),
}

TYPES: Final = {
    f"{_SERDES}.{package}.{name}": f"{_HERE}.{package}_files:{name}"
    for package, names in _FORMATS.items()
    for name in (names[0], names[2])
}

ALIASES: Final = {
    f"{_SERDES}.{package}.{names[at + 1]}": f"{_SERDES}.{package}.{names[at]}"
    for package, names in _FORMATS.items()
    for at in (0, 2)
}
