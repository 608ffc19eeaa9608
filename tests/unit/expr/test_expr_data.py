"""JSON, YAML, Ion, jq, and encryption."""
# ruff: noqa: E501 - a row of a table is one line

import base64
import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mainstem.expr import ENCRYPTED_TYPE, ZULU, Float32, RenderOptions, Scope, render, seal, to_json
from mainstem.expr.scope import NoHost
from tests.unit.expr.rendering import fault, show, value

MIXED = {"s": 'a"b\n', "i": 1, "f": 1.5, "n": None, "l": [None, True, {}], "d": Decimal("1.50")}


def test_json_leaves_out_null_entries_but_keeps_null_elements() -> None:
    assert value("m", m=MIXED) == '{"s":"a\\"b\\n","i":1,"f":1.5,"l":[null,true,{}],"d":1.50}'
    assert value("null | toJson") == "null"
    assert value("'x' | json") == '"x"'


JSONLIKE = st.recursive(
    st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSONLIKE)
def test_json_text_is_read_back_by_any_parser(data: object) -> None:
    assert json.loads(to_json(data)) == data


def worded(data: object) -> object:
    """Every text begins with a word, so that none looks like a number, and has plain line ends."""
    if isinstance(data, str):
        return "word " + re.sub("[\x85\u2028\u2029]", "", data)
    if isinstance(data, dict):
        return {worded(key): worded(item) for key, item in data.items()}
    return [worded(item) for item in data] if isinstance(data, list) else data


@given(JSONLIKE.map(worded))
def test_yaml_text_is_read_back_by_any_parser(data: object) -> None:
    text = render("{{ d | yaml }}", Scope({"d": data}))
    read = render("{{ yaml(t) | toJson }}", Scope({"t": text}))
    assert json.loads(read) == json.loads(to_json(data))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("x", "x\n"),
        ("", '--- ""\n'),
        ("true", '"true"\n'),
        ("12", "12\n"),
        ("012", "'012'\n"),
        ("2024-05-01", "2024-05-01\n"),
        ("a: b", '"a: b"\n'),
        ("a, b", '"a, b"\n'),
        ("a #b", '"a #b"\n'),
        ("#a", "'#a'\n"),
        ("- a", "'- a'\n"),
        ("a: b\nc #d\n", "|\n  a: b\n  c #d\n"),
        ("a\n\n", "|+\n  a\n\n"),
        ("a \nb", '"a \\nb"\n'),
        ("tab\there", '"tab\\there"\n'),
        ({"1": 1, "no": 2, "": 3, "x": "no"}, '"1": 1\n"no": 2\n? ""\n: 3\nx: "no"\n'),
        ([[1, [2]], [], {}], " -\n   - 1\n   -\n     - 2\n - []\n - {}\n"),
        ([{"a": 1}], " -\n  a: 1\n"),
        ("line\nline", "|-\n  line\n  line\n"),
        ([1, "x"], " - 1\n - x\n"),
        ({"a": [1, {"b": 2, "c": 3}]}, "a:\n - 1\n -\n  b: 2\n  c: 3\n"),
        ({"a": {"b": {}}, "c": [], "z": None}, "a:\n  b: {}\nc: []\nz: null\n"),
        (datetime(2013, 9, 8, 16, 19, tzinfo=ZULU), "2013-09-08T16:19:00Z\n"),
    ],
)
def test_yaml_is_block_style_with_few_quotes(data: object, text: str) -> None:
    assert value("d | yaml", d=data) == text


def test_null_as_yaml_has_no_line_end() -> None:
    assert value("null | yaml") == "null"


def test_yaml_reads_words_and_numbers_of_its_first_version_but_leaves_dates_text() -> None:
    text = "a: 2024-01-01\nb: yes\nc: Off\nd: 0x10\ne: 1.5\nf: ~\ng: &x [1]\nh: *x\n12: k\ni: 1e3"
    text += "\nj: 017\nk: 0b11\nl: 0o7\nm: !own 5\nn: y\no: a\tb\n--- \nz: 1"
    assert json.loads(show("{{ yaml(t) | toJson }}", t=text)) == {
        "a": "2024-01-01",
        "b": True,
        "c": False,
        "d": 16,
        "e": 1.5,
        "g": [1],
        "h": [1],
        "12": "k",
        "i": 1000.0,
        "j": 15,
        "k": 3,
        "l": "0o7",
        "m": "5",
        "n": "y",
        "o": "a\tb",
    }
    assert "no content" in fault("{{ yaml('# nothing') }}")


def test_yaml_that_cannot_be_read_or_would_explode_is_a_fault() -> None:
    assert "at its line 1, column" in fault("{{ yaml(t) }}", t="a: [1")
    bomb = "a: &a [x]\n" + "".join(f"b{n}: *a\n" for n in range(60))
    assert "more than 50 aliases" in fault("{{ yaml(t) }}", t=bomb)
    assert "can't be read" in fault("{{ yaml(t) }}", t="!!python/object/apply:os.getcwd []")
    assert yaml.safe_load(value("[1] | yaml")) == [1]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("s", '"s"'),
        (1, "1"),
        (1.5, "1.5e0"),
        (1.0, "1e0"),
        (0.0, "0e0"),
        (1e10, "1.0E10"),
        (1e-7, "1.0E-7"),
        (Float32(1.123), "1.1230000257492065e0"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (None, "null"),
        ([1, None], "[1,null]"),
        ({"a": None, "b c": 1, "null": 2, "1a": 3, "it's": 4}, "{a:null,'b c':1,'null':2,'1a':3,'it\\'s':4}"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 10, 15, tzinfo=UTC), "2024-02-29T10:15:00.000Z"),
        (datetime(2024, 2, 29, 10, 15, tzinfo=ZULU), 'ZonedDateTime::"2024-02-29T10:15:00Z"'),
        (datetime(2024, 2, 29, 10, 15), 'LocalDateTime::"2024-02-29T10:15:00"'),  # noqa: DTZ001
        (time(10, 15), 'LocalTime::"10:15:00"'),
    ],
)  # fmt: skip
def test_ion_text(data: object, text: str) -> None:
    assert value("d | toIon", d=data) == text


def test_ion_is_read_back_as_plain_values() -> None:
    ion = '{a: 1, b: 1.5e0, c: 1.5, d: "x", e: [true, null], f: sym, g: 2024-02-29T, h: 2024-02-29T10:15:00.5Z, i: ZonedDateTime::"2024-02-29T10:15:00+01:00[Europe/Paris]"}'
    assert value("fromIon(i)", i=ion) == (
        '{"a":1,"b":1.5,"c":1.5,"d":"x","e":[true,null],"f":"sym","g":"2024-02-29",'
        '"h":"2024-02-29T10:15:00.500Z","i":"2024-02-29T09:15:00Z"}'
    )
    assert value("fromIon(i).a", i="{a:1}\n{a:2}") == "1"
    assert value("fromIon(i, allRows=true)", i="{a:1}\n{a:2}") == '[{"a":1},{"a":2}]'
    assert value("fromIon(i)", i='ZonedDateTime::"2024-02-29T10:15:00+01:00[Europe/Paris]"') == (
        "2024-02-29T10:15+01:00[Europe/Paris]"
    )
    assert value("fromIon('{{aGk=}}') | toIon") == "{{aGk=}}"
    assert value("fromIon('word rest) is not read')") == "word"
    assert "no content" in fault("{{ fromIon('') }}")
    assert "not Ion" in fault("{{ fromIon('{a') }}")
    assert "`ion` must be text" in fault("{{ fromIon(1) }}")


@given(JSONLIKE)
def test_ion_text_is_read_back(data: object) -> None:
    text = render("{{ d | toIon }}", Scope({"d": data}))
    assert json.loads(render("{{ fromIon(t) | toJson }}", Scope({"t": text}))) == data


def test_json_is_parsed_strictly() -> None:
    assert value('fromJson(\'{"a": [1, 2.5, "x", null]}\').a[1]') == "2.5"
    assert value("json('[1]')[0]") == "1"
    assert value("fromJson('3000000000') | className") == "java.lang.Long"
    assert "at its line 1, column 2" in fault("{{ fromJson('{a}') }}")
    assert "not JSON" in fault("{{ fromJson('NaN') }}")
    assert "`json` must be text" in fault("{{ fromJson([1]) }}")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (".a", '["x"]'),
        (".missing", "[null]"),
        (".l[]", "[1,2,3]"),
        (".l | map(. * 2)", "[[2,4,6]]"),
        ("[.l[] | select(. > 1)] | length", "[2]"),
        (".l | add", "[6]"),
        ("empty", "[]"),
        ("[.l[]]", "[[1,2,3]]"),
        (" [ .l[], .a ] ", '[[1,2,3,"x"]]'),
        ("[.l[] | .x?]", "[[]]"),
        ("[.l[]] | length", "[3]"),
        ("[.l[]] | [.[0]]", "[[1]]"),
        ("[.a], [.l[1]]", '[["x"],[2]]'),
        ("[[.l[]]]", "[[[1,2,3]]]"),
        ("[]", "[[]]"),
        ("[range(3)]", "[[0,1,2]]"),
        ("[range(0; 6; 2)]", "[[0,2,4]]"),
        ("[limit(3; 1 | repeat(. * 2))]", "[[1,2,4]]"),
        ("[.l[0] | until(. > 100; . * 2)]", "[[128]]"),
        ("def twice: . * 2; .l | map(twice)", "[[2,4,6]]"),
        (".big", "[12345678901234567]"),
        (".d", '["2024-02-29T10:15:00Z"]'),
        ("env", "[{}]"),
        ("$ENV", "[{}]"),
        ("input_filename", "[null]"),
        ('.a | test("^x$")', "[true]"),
        ("..|numbers", "[1,2,3,12345678901234567]"),
    ],
)
def test_jq_gives_the_list_of_results(program: str, expected: str) -> None:
    data = {
        "a": "x",
        "l": [1, 2, 3],
        "big": 12345678901234567,
        "d": datetime(2024, 2, 29, 10, 15, tzinfo=UTC),
    }
    assert value("d | jq(p)", d=data, p=program) == expected


def test_jq_reads_json_text_and_keeps_32_bits() -> None:
    assert value("t | jq('.a') | first", t='{"a": {"b": 1}}') == '{"b":1}'
    assert value("m | jq('.f') | first | className", m={"f": Float32(1.1)}) == "java.lang.Float"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (".[", "can't read its expression"),
        ('.a | error("own words")', "own words"),
        ("input", "input is not available"),
        ('import "m" as m; .', "can't read"),
        ('"m" | modulemeta', "modules are not available"),
        ("halt", "halt"),
    ],
)
def test_jq_programs_cannot_leave(program: str, words: str) -> None:
    assert words in fault("{{ d | jq(p) }}", d={"a": 1}, p=program)


def test_jq_on_text_that_is_not_json_is_a_fault() -> None:
    assert "not JSON" in fault("{{ 'x' | jq('.') }}")


KEY = base64.b64encode(b"k" * 32).decode()


def test_encryption_is_reversible_and_never_the_same_twice() -> None:
    assert value("decrypt(k, encrypt(k, 'secret ü'))", k=KEY) == "secret ü"
    assert value("encrypt(k, 'x') == encrypt(k, 'x')", k=KEY) == "false"
    assert value("encrypt(key=k, plaintext='')", k=KEY) == ""


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("encrypt(k)", "expects an argument `plaintext`"),
        ("decrypt(k, 'AAAA')", "can't be decrypted"),
        ("encrypt('short', 'x')", "base64"),
        ("decrypt(k, '***')", "can't be decrypted"),
    ],
)
def test_encryption_that_fails_never_shows_the_text(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}", k=KEY)


class KeyedHost(NoHost):
    def encryption_key(self) -> bytes | None:
        return b"k" * 32


def test_encrypted_variables_are_read_through_the_key_of_the_host() -> None:
    sealed = {"type": ENCRYPTED_TYPE, "value": seal(b"k" * 32, "pass word")}
    variables = {"secret": sealed, "inputs": {"password": sealed}, "l": [sealed]}
    readable = Scope(variables, KeyedHost(), RenderOptions())
    assert render("{{ secret }}|{{ inputs.password }}|{{ l[0] }}", readable) == (
        "pass word|pass word|pass word"
    )


def test_without_a_key_an_encrypted_variable_stays_sealed() -> None:
    sealed = {"type": ENCRYPTED_TYPE, "value": seal(b"k" * 32, "pass word")}
    assert show("{{ secret }}", secret=sealed) == sealed["value"]
