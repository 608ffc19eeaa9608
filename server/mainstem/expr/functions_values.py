"""Functions that compute from their arguments, the variables, the clock or chance."""

import random
import secrets
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from mainstem.expr import encrypted
from mainstem.expr.arguments import a_boolean, a_text, an_integer
from mainstem.expr.errors import Fault
from mainstem.expr.filters_dates import print_date
from mainstem.expr.ion import from_ion
from mainstem.expr.jsonreading import read_json
from mainstem.expr.operators import char_or_int_range, compare
from mainstem.expr.runtime import Evaluation
from mainstem.expr.yamltext import from_yaml

_ID_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ID_LENGTH: Final = 22
_NANO_ALPHABET: Final = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KSUID_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH: Final = 1_400_000_000
_KSUID_LENGTH: Final = 27
_MAX_NANO_ID: Final = 1000


def largest(_: Evaluation, *values: object) -> object:
    """`max`."""
    found: object = None
    for value in values:
        if found is None or compare(">", value, found):
            found = value
    return found


def smallest(_: Evaluation, *values: object) -> object:
    """`min`."""
    found: object = None
    for value in values:
        if found is None or compare("<", value, found):
            found = value
    return found


def make_range(ev: Evaluation, start: object, end: object, increment: object = None) -> object:
    stride = 1 if increment is None else increment
    return char_or_int_range(start, end, stride, ev.options.max_range)


def now(
    ev: Evaluation,
    pattern: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    return print_date(ev, ev.host.now(), pattern, time_zone, existing_format, locale)


def from_json(_: Evaluation, text: object) -> object:
    return None if text is None else read_json(a_text(text, "json"))


def read_ion(_: Evaluation, text: object, all_rows: object = None) -> object:
    if text is None:
        return None
    every = all_rows is not None and a_boolean(all_rows, "allRows")
    return from_ion(a_text(text, "ion"), all_rows=every)


def read_yaml(_: Evaluation, text: object) -> object:
    return from_yaml(a_text(text, "yaml"))


def encrypt(_: Evaluation, key: object, plaintext: object) -> object:
    if plaintext is None:
        return None
    return encrypted.encrypt(a_text(key, "key"), a_text(plaintext, "plaintext"))


def decrypt(_: Evaluation, key: object, cipher: object) -> object:
    if cipher is None:
        return None
    return encrypted.decrypt(a_text(key, "key"), a_text(cipher, "encrypted"))


def make_uuid(_: Evaluation) -> object:
    return str(uuid.uuid4())


def make_id(_: Evaluation) -> object:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


def nano_id(_: Evaluation, length: object = None, alphabet: object = None) -> object:
    size = 21 if length is None else an_integer(length, "length")
    letters = _NANO_ALPHABET if alphabet is None else a_text(alphabet, "alphabet")
    if not 1 <= size <= _MAX_NANO_ID or not letters:
        raise Fault(f"`length` must be 1 to {_MAX_NANO_ID} and `alphabet` not empty")
    return "".join(secrets.choice(letters) for _ in range(size))


def make_ksuid(ev: Evaluation) -> object:
    """An id that sorts by its second: a time and 128 random bits, in 27 letters and digits."""
    seconds = max(int(ev.host.now().timestamp()) - _KSUID_EPOCH, 0)
    number = (seconds << 128) | secrets.randbits(128)
    letters = ""
    for _ in range(_KSUID_LENGTH):
        number, digit = divmod(number, 62)
        letters = _KSUID_ALPHABET[digit] + letters
    return letters


def random_int(_: Evaluation, lower: object, upper: object) -> object:
    least, beyond = an_integer(lower, "lower"), an_integer(upper, "upper")
    if isinstance(lower, (float, Decimal)) or isinstance(upper, (float, Decimal)):
        raise Fault("`lower` and `upper` must be integers")
    if beyond < least:
        raise Fault("`upper` must not be less than `lower`")
    return least if beyond == least else random.randrange(least, beyond)  # noqa: S311 - no secret


def random_port(_: Evaluation) -> object:
    return random.randrange(1024, 65536)  # noqa: S311 - no secret


def env(ev: Evaluation, name: object, default: object = None) -> object:
    """A process variable that flows may see, or the default when it is missing or empty."""
    known = ev.variable("envs")
    value = known.get(a_text(name, "name")) if isinstance(known, Mapping) else None
    return default if value in (None, "") else value


def context(ev: Evaluation) -> object:
    return ev.visible()


FUNCTIONS_VALUES: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "decrypt": (decrypt, "key encrypted"),
    "env": (env, "name default"),
    "encrypt": (encrypt, "key plaintext"),
    "fetchContext": (context, ""),
    "fromIon": (read_ion, "ion allRows"),
    "fromJson": (from_json, "json"),
    "id": (make_id, ""),
    "json": (from_json, "json"),
    "ionDecode": (read_ion, "ion allRows"),
    "jsonDecode": (from_json, "json"),
    "ksuid": (make_ksuid, ""),
    "max": (largest, "*"),
    "min": (smallest, "*"),
    "nanoId": (nano_id, "length alphabet"),
    "now": (now, "format timeZone existingFormat locale"),
    "printContext": (context, ""),
    "randomInt": (random_int, "lower upper"),
    "randomPort": (random_port, ""),
    "range": (make_range, "start end increment"),
    "uuid": (make_uuid, ""),
    "yaml": (read_yaml, "yaml"),
}
