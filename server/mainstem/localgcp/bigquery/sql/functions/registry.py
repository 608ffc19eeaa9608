"""Every function by name, and the families that are refused by name."""

from typing import Final

from mainstem.localgcp.bigquery.sql.functions import (
    aggregates,
    arrays,
    dates,
    jsons,
    numbers,
    texts,
    windows,
)
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler

FUNCTIONS: Final[dict[str, Handler]] = {
    **numbers.FUNCTIONS,
    **texts.FUNCTIONS,
    **arrays.FUNCTIONS,
    **jsons.FUNCTIONS,
    **dates.FUNCTIONS,
}
AGGREGATES: Final[dict[str, Handler]] = {**aggregates.AGGREGATES, **windows.AGGREGATES}

_REFUSED_PREFIXES: Final = (
    "ST_", "S2_", "NET.", "ML.", "AI.", "KEYS.", "AEAD.", "HLL_COUNT.", "KLL_QUANTILES.",
    "DETERMINISTIC_", "BAG_OF_WORDS", "TF_IDF", "VECTOR_SEARCH", "APPENDS", "RANGE_",
    "EXTERNAL_", "DLP_", "SEARCH", "OBJ.", "VECTOR_INDEX.",
)  # fmt: skip
_REFUSED_NAMES: Final = frozenset(
    {
        "RANGE", "GENERATE_RANGE_ARRAY", "APPROX_TOP_SUM", "JSON_SET", "JSON_REMOVE",
        "JSON_STRIP_NULLS", "JSON_ARRAY_APPEND", "JSON_ARRAY_INSERT", "JUSTIFY_DAYS",
        "JUSTIFY_HOURS", "SOUNDEX", "JUSTIFY_INTERVAL", "MAKE_INTERVAL", "COLLATE", "HASH",
        "NORMALIZE_AND_CASEFOLD", "CODE_POINTS_TO_BYTES", "COSINE_DISTANCE", "EUCLIDEAN_DISTANCE",
        "NULLIFZERO", "ZEROIFNULL", "SEC", "CSC", "COT", "SECH", "CSCH", "COTH",
    }
)  # fmt: skip


def is_refused(name: str) -> bool:
    """Whether BigQuery has this function and the emulator says no to it by name."""
    if name in FUNCTIONS or name in AGGREGATES:
        return False
    return name in _REFUSED_NAMES or name.startswith(_REFUSED_PREFIXES)
