"""Filters on text."""

import pytest

from tests.unit.expr.rendering import fault, value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'abcdefgh' | abbreviate(6)", "abc..."),
        ("'abc' | abbreviate(2)", "abc"),
        ("'abcdef' | abbreviate(3)", "abc"),
        ("'abcdef' | abbreviate(7)", "abcdef"),
        ("'né' | base64encode", "bsOp"),
        ("'bsOp' | base64decode", "né"),
        ("'  hello World' | capitalize", "  Hello World"),
        ("'the quick fox' | title", "The Quick Fox"),
        ("'ÄB' | lower", "äb"),
        ("12 | upper", "12"),
        ("' \t x \n' | trim", "x"),
        ("'hello' | endsWith('llo')", "true"),
        ("'hello' | startsWith(value='x')", "false"),
        ("'it\\'s' | escapeChar('single')", "it\\'s"),
        ("'say \"x\"' | escapeChar('DOUBLE')", 'say \\"x\\"'),
        ("'it\\'s' | escapeChar(type='Shell')", "it'\\''s"),
        ("{'k': ['\\'', 1]} | escapeChar('single')", '{"k":["\\\\\'","1"]}'),
        ("'abab' | replace({'a': 'x', 'b': ''})", "xx"),
        ("'a1b22' | replace({'[0-9]+': '<$0>'}, regexp=true)", "a<1>b<22>"),
        ("'john doe' | replace({'(?<f>\\w+) (\\w+)': '${f}-$2'}, true)", "john-doe"),
        ("['a', {'k': 'a'}] | replace({'a': 'b'})", '["b",{"k":"b"}]'),
        ("'a.b' | replace({'\\.': '\\$'}, regexp=true)", "a$b"),
        ("'a,b,,c,,' | split(',')", '["a","b","","c"]'),
        ("'a,b,c' | split(',', 2)", '["a","b,c"]'),
        ("'a1b2c' | split('[0-9]')", '["a","b","c"]'),
        ("'a|b' | split('\\|')", '["a","b"]'),
        ("'abc' | split('')", '["a","b","c"]'),
        ("'a,,' | split(',', -1)", '["a","",""]'),
        ("'Crème  Brûlée_9!' | slugify", "creme-brulee-9"),
        ("'MyFlow Name' | slugify", "myflow-name"),
        ("'a.b.c' | substringBefore('.')", "a"),
        ("'a.b.c' | substringBefore('x')", "a.b.c"),
        ("'a.b.c' | substringBeforeLast('.')", "a.b"),
        ("'a.b.c' | substringBeforeLast('x')", "a.b.c"),
        ("'a.b.c' | substringAfter('.')", "b.c"),
        ("'a.b.c' | substringAfter('x')", ""),
        ("'a.b.c' | substringAfterLast('.')", "c"),
        ("'a.b.c' | substringAfterLast(separator='x')", ""),
        ("'a b&c/é~*' | urlencode", "a+b%26c%2F%C3%A9%7E*"),
        ("'a+b%26c' | urldecode", "a b&c"),
        ("'hello' | md5", "5d41402abc4b2a76b9719d911017c592"),
        ("'hello' | sha1", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
        ("'hello' | sha256 | abbreviate(11)", "2cf24dba..."),
        ("'hello' | sha512 | length", "128"),
        ("1.5 | string | className", "java.lang.String"),
        ("'a\r\nb' | indent(1)", "a\r\n b"),
        ("'a\nb' | indent(amount=2, prefix='-')", "a\n--b"),
        ("'a\nb' | nindent(1)", "\n a\n b"),
        ("'ab' | slice(1)", "b"),
        ("'hello' | slice(1, 3)", "el"),
        ("'ab' | reverse", "ba"),
        ("'ab' | first ~ ('ab' | last)", "ab"),
    ],
)
def test_text_filters(expression: str, expected: str) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    "name",
    [
        "abbreviate(1)", "base64encode", "base64decode", "capitalize", "title", "lower", "upper",
        "trim", "escapeChar('single')", "replace({'a': 'b'})", "split(',')", "slugify", "urlencode",
        "substringBefore('x')", "substringAfterLast('x')", "urldecode", "md5", "indent(1)",
        "startsWith('x')", "first", "last", "join(',')", "keys", "values", "reverse", "sort",
        "rsort", "slice(1)", "chunk(2)", "flatten", "distinct", "jq('.')", "number", "date",
        "dateAdd(1, 'DAYS')", "timestamp", "timestampMicro", "timestampNano", "numberFormat('#')",
        "className",
    ],
)  # fmt: skip
def test_null_passes_through(name: str) -> None:
    assert value(f"null | {name}") == ""


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'x' | escapeChar('html')", "single, double and shell"),
        ("'x' | escapeChar", "expects an argument `type`"),
        ("'%zz' | urldecode", "two hexadecimal digits"),
        ("'x' | replace", "expects an argument `replace_pairs`"),
        ("'x' | replace('y')", "`replace_pairs` must be a map"),
        ("'x' | replace({'(': ''}, regexp=true)", "regular expression can't be read"),
        ("'x' | replace({'x': '$3'}, regexp=true)", "names a group"),
        ("'x' | replace({'x': 'y'}, regexp='yes')", "`regexp` must be true or false"),
        ("'x' | indent", "expects an argument `amount`"),
        ("'x' | indent(-1)", "0 or more"),
        ("'x' | indent('2')", "`amount` must be an integer but is text"),
        ("'x' | nindent(amount=1, sep='')", "has no argument `sep`; it has amount, prefix"),
        ("1 | md5", "needs text but got a number"),
        ("'?' | base64decode", "text in base64"),
        ("'' | first", "can't be applied to empty text"),
        ("'abc' | slice(0, 9)", "within the 3 elements"),
        ("'abc' | slice(-1)", "0 or more"),
        ("'abc' | slice(2, 2)", "greater than `fromIndex`"),
    ],
)
def test_misused_text_filters_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}")
