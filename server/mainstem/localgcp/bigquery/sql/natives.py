"""Functions that DuckDB cannot express, registered with it only when a query needs one."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

_MASK: Final = (1 << 64) - 1
_K0: Final = 0xC3A5C85C97CB3127
_K1: Final = 0xB492B66FBE98F273
_K2: Final = 0x9AE16A3B2F90404F


def _word(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _rotate(value: int, shift: int) -> int:
    value &= _MASK
    return ((value >> shift) | (value << (64 - shift))) & _MASK


def _mix(value: int) -> int:
    value &= _MASK
    return value ^ (value >> 47)


def _pair(u: int, v: int, factor: int) -> int:
    a = _mix((u ^ v) * factor)
    return (_mix((v ^ a) * factor) * factor) & _MASK


def _to_16(data: bytes) -> int:
    size = len(data)
    factor = (_K2 + size * 2) & _MASK
    if size >= 8:
        a, b = (_word(data, 0) + _K2) & _MASK, _word(data, size - 8)
        c = (_rotate(b, 37) * factor + a) & _MASK
        d = ((_rotate(a, 25) + b) * factor) & _MASK
        return _pair(c, d, factor)
    if size >= 4:
        first = (size + (_word(data, 0, 4) << 3)) & _MASK
        return _pair(first, _word(data, size - 4, 4), factor)
    if size > 0:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[size - 1] << 2)
        return (_mix((y * _K2) ^ (z * _K0)) * _K2) & _MASK
    return _K2


def _to_32(data: bytes) -> int:
    size = len(data)
    factor = _K2 + size * 2
    a, b = _word(data, 0) * _K1 & _MASK, _word(data, 8)
    c, d = _word(data, size - 8) * factor & _MASK, _word(data, size - 16) * _K2 & _MASK
    first = (_rotate(a + b, 43) + _rotate(c, 30) + d) & _MASK
    return _pair(first, (a + _rotate(b + _K2, 18) + c) & _MASK, factor & _MASK)


def _to_64(data: bytes) -> int:
    size = len(data)
    factor = (_K2 + size * 2) & _MASK
    a, b = _word(data, 0) * _K2 & _MASK, _word(data, 8)
    c, d = _word(data, size - 8) * factor & _MASK, _word(data, size - 16) * _K2 & _MASK
    y = (_rotate(a + b, 43) + _rotate(c, 30) + d) & _MASK
    z = _pair(y, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)
    e, f = _word(data, 16) * factor & _MASK, _word(data, 24)
    g = (y + _word(data, size - 32)) * factor & _MASK
    h = (z + _word(data, size - 24)) * factor & _MASK
    first = (_rotate(e + f, 43) + _rotate(g, 30) + h) & _MASK
    return _pair(first, (e + _rotate(f + a, 18) + g) & _MASK, factor)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(data, at + 8 * index) for index in range(4))
    a = (a + w) & _MASK
    b = _rotate(b + a + z, 21)
    c = a
    a = (a + x + y) & _MASK
    return (a + z) & _MASK, (b + _rotate(a, 44) + c) & _MASK


class _Long:
    """The state of the loop over blocks of 64 bytes."""

    def __init__(self, first: int) -> None:
        self.x = (81 * _K2 + first) & _MASK
        self.y = (81 * _K1 + 113) & _MASK
        self.z = (_mix(self.y * _K2 + 113) * _K2) & _MASK
        self.v = (0, 0)
        self.w = (0, 0)

    def block(self, data: bytes, at: int, factor: int, nine: int) -> None:
        (v0, v1), (w0, w1) = self.v, self.w
        x = (_rotate(self.x + self.y + v0 + _word(data, at + 8), 37) * factor) & _MASK
        y = (_rotate(self.y + v1 + _word(data, at + 48), 42) * factor) & _MASK
        x ^= (w1 * nine) & _MASK
        y = (y + v0 * nine + _word(data, at + 40)) & _MASK
        z = (_rotate(self.z + w0, 33) * factor) & _MASK
        self.v = _weak(data, at, (v1 * factor) & _MASK, (x + w0) & _MASK)
        self.w = _weak(data, at + 32, (z + w1) & _MASK, (y + _word(data, at + 16)) & _MASK)
        self.x, self.y, self.z = z, y, x

    def finish(self, data: bytes) -> int:
        size = len(data)
        factor = (_K1 + ((self.z & 0xFF) << 1)) & _MASK
        w0 = (self.w[0] + ((size - 1) & 63)) & _MASK
        v0 = (self.v[0] + w0) & _MASK
        self.v, self.w = (v0, self.v[1]), ((w0 + v0) & _MASK, self.w[1])
        self.block(data, size - 64, factor, 9)
        first = (_pair(self.v[0], self.w[0], factor) + _mix(self.y) * _K0 + self.z) & _MASK
        second = (_pair(self.v[1], self.w[1], factor) + self.x) & _MASK
        return _pair(first, second, factor)


def fingerprint(data: bytes) -> int:
    """FarmHash Fingerprint64 as the signed integer FARM_FINGERPRINT returns."""
    size = len(data)
    if size <= 16:
        unsigned = _to_16(data)
    elif size <= 32:
        unsigned = _to_32(data)
    elif size <= 64:
        unsigned = _to_64(data)
    else:
        state = _Long(_word(data, 0))
        for at in range(0, ((size - 1) // 64) * 64, 64):
            state.block(data, at, _K1, 1)
        unsigned = state.finish(data)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


NATIVES: Final[dict[str, tuple[Callable[[bytes], object], str]]] = {
    "bq_farm_fingerprint": (fingerprint, "BIGINT"),
    "bq_sha512": (sha512, "BLOB"),
}


def register(cursor: Any, name: str) -> None:  # a duckdb connection, which has no types
    """Make one of NATIVES callable in SQL on this DuckDB instance; idempotent."""
    known = cursor.execute(
        "SELECT 1 FROM duckdb_functions() WHERE function_name = ? LIMIT 1", [name]
    ).fetchone()
    if known is None:
        function, result = NATIVES[name]
        cursor.create_function(name, function, ["BLOB"], result)
