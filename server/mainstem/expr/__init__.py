"""The expression language: `{{ inputs.taxi ~ '.csv' }}`, a dialect of Pebble, strict and typed.

Templates are parsed by a Pratt parser and compiled to closures over plain values (see
docs/adr/0002-expression-engine.md). An expression sees maps, lists, text, numbers, booleans,
dates and durations, and asks a `Host` for everything else.

Law: pure. No I/O but through the Host, no attribute of a Python object is ever reachable, and
one rendering is bounded in steps, time, depth and output.
Must not import anything of mainstem but errors and model.
"""

from mainstem.expr.encrypted import ENCRYPTED_TYPE, Keys, seal, unseal
from mainstem.expr.errors import ExpressionError, UndefinedVariable
from mainstem.expr.isodates import ZULU
from mainstem.expr.numbers import BigInteger, Float32, Long
from mainstem.expr.printing import text_of, to_json
from mainstem.expr.render import (
    compile_template,
    is_dynamic,
    parse_problems,
    render,
    render_typed,
    render_value,
    truthy,
)
from mainstem.expr.scope import Host, NoHost, RenderOptions, Scope

__all__ = [
    "ENCRYPTED_TYPE",
    "ZULU",
    "BigInteger",
    "ExpressionError",
    "Float32",
    "Host",
    "Keys",
    "Long",
    "NoHost",
    "RenderOptions",
    "Scope",
    "UndefinedVariable",
    "compile_template",
    "is_dynamic",
    "parse_problems",
    "render",
    "render_typed",
    "render_value",
    "seal",
    "text_of",
    "to_json",
    "truthy",
    "unseal",
]
