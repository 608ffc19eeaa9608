"""Splitting SQL text and binding named parameters."""

import pytest

from mainstem.plugins.jdbc.statements import bind_named, split_statements


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("select 1", ["select 1"]),
        ("select 1; select 2;", ["select 1", "select 2"]),
        ("select ';'; select 2", ["select ';'", "select 2"]),
        ("select 'it''s;'; select 2", ["select 'it''s;'", "select 2"]),
        ('select ";" from t; select 2', ['select ";" from t', "select 2"]),
        ("select 1 -- a; b\n; select 2", ["select 1 -- a; b", "select 2"]),
        ("select 1 /* ; */; select 2", ["select 1 /* ; */", "select 2"]),
        ("do $$ begin a; b; end $$; select 2", ["do $$ begin a; b; end $$", "select 2"]),
        ("do $x$ a; $$ b; $x$; select 2", ["do $x$ a; $$ b; $x$", "select 2"]),
        ("do $t1$ a; $t1$; select 2", ["do $t1$ a; $t1$", "select 2"]),
        (r"select E'it\'s; x'; select 2", [r"select E'it\'s; x'", "select 2"]),
        ("select 'a\\'; select 2", ["select 'a\\'", "select 2"]),
        ("select 1 /* a /* ; */ ; */; select 2", ["select 1 /* a /* ; */ ; */", "select 2"]),
        (";;  ;", []),
        ("-- only words", []),
        ("select 'https://x'; select 2", ["select 'https://x'", "select 2"]),
    ],
)
def test_semicolons_split_only_between_statements(sql: str, statements: list[str]) -> None:
    assert split_statements(sql) == statements


@pytest.mark.parametrize(
    ("sql", "bound", "values"),
    [
        ("select :a", "select %s", [1]),
        ("select :b, :a, :b", "select %s, %s, %s", ["x", 1, "x"]),
        ("select ':a', \":a\" -- :a\n", "select ':a', \":a\" -- :a\n", []),
        ("select now()::date, :a::int", "select now()::date, %s::int", [1]),
        ("select a[1:b], :unknown", "select a[1:b], :unknown", []),
        ("select $$ :a $$", "select $$ :a $$", []),
        ("select '%s%some', :a % 2", "select '%%s%%some', %s %% 2", [1]),
        ("select '%s' % 2", "select '%s' % 2", []),
        ("select '12:30', :a", "select '12:30', %s", [1]),
    ],
)
def test_named_parameters_become_placeholders(sql: str, bound: str, values: list[object]) -> None:
    assert bind_named(sql, {"a": 1, "b": "x"}, "%s") == (bound, values)
