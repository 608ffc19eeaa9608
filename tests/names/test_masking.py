"""Masking as a property: whatever the secret and whatever surrounds it, its forms are starred."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from mainstem.secrets.mask import Masker

ANY = st.text(st.characters(exclude_categories=("Cs",)), min_size=3, max_size=40)
SECRETS = ANY.filter(lambda text: len(text.strip()) >= 3)
AROUND = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
ENCODERS = (
    str,
    lambda s: json.dumps(s)[1:-1],
    lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    quote,
    lambda s: quote(s, safe=""),
    quote_plus,
    lambda s: base64.b64encode(s.encode()).decode(),
    lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    lambda s: s.encode().hex(),
    lambda s: s.encode().hex().upper(),
)


@settings(max_examples=300, deadline=None)
@given(SECRETS, AROUND, AROUND, st.sampled_from(ENCODERS))
def test_every_form_of_a_secret_is_starred_at_its_place(
    secret: str, before: str, after: str, encode: object
) -> None:
    form = encode(secret)  # type: ignore[operator]
    text = before + form + after
    masked = Masker([secret]).mask(text)
    assert len(masked) == len(text)
    assert masked[len(before) : len(before) + len(form)] == "*" * len(form)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=9), st.text("abcdefghij0123456789", min_size=8, max_size=30))
def test_within_longer_base64_what_the_secret_alone_decides_is_starred(
    before: bytes, secret: str
) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(before + secret.encode() + b"-end").decode()
        first = -(-8 * len(before) // 6)
        last = 8 * (len(before) + len(secret)) // 6
        masked = Masker([secret]).mask(whole)
        assert masked[first:last] == "*" * (last - first)


@settings(max_examples=200, deadline=None)
@given(st.lists(SECRETS, min_size=1, max_size=8), AROUND)
def test_overlapping_secrets_are_all_starred(secrets: list[str], text: str) -> None:
    line = text.join(secrets)
    masked = Masker(secrets).mask(line)
    assert len(masked) == len(line)
    for secret in secrets:
        assert secret not in masked or set(secret) <= {"*"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    secret = "\u2603snow\u2603man"
    assert Masker([secret]).mask(text) == text or secret in text


def test_overlaps_leave_no_tail() -> None:
    assert Masker(["abcd", "cdefg"]).mask("xabcdefgx") == "x*******x"


def test_the_lines_and_the_body_of_a_pem_key_are_starred() -> None:
    lines = ["MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "Zz09"]
    pem = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END PRIVATE KEY-----\n"
    masker = Masker([pem])
    assert masker.mask(f"a {lines[0]} b") == f"a {'*' * 16} b"
    assert set(masker.mask("".join(lines))) == {"*"}
    assert set(masker.mask(json.dumps(pem)[1:-1])) == {"*"}


def test_values_within_structures_are_starred() -> None:
    masker = Masker(["hunter2"])
    assert masker.mask_value({"a": ["x hunter2", 1, None], "hunter2": True}) == {
        "a": ["x *******", 1, None],
        "*******": True,
    }


def test_a_thousand_secrets_do_not_slow_ten_thousand_lines() -> None:
    """Roughly: the exact figures are those of bench/masking.py."""
    masker = Masker(f"secret-{n}-{n * 7919:x}" for n in range(1_000))
    line = (
        "2026-11-28 01:02:03 INFO loaded 1234567 rows of green_tripdata_2019-01 in 3.2 s, all well"
    )
    began = time.perf_counter()
    for _ in range(2_000):
        assert masker.mask(line) == line
    assert time.perf_counter() - began < 2.0
    assert masker.mask("x secret-7-d889 y").startswith("x *")
