"""Log colours, source highlighting and differences."""

import pytest

from mainstem.ui import ansi, diff, highlight


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[31mred\x1b[0m", '<span class="ansi-fg-red">red</span>'),
        ("\x1b[1;92mx\x1b[22my", '<span class="ansi-bold ansi-fg-green">x</span>'
         '<span class="ansi-fg-green">y</span>'),
        ("\x1b[38;5;208mo\x1b[39m.", '<span class="ansi-fg-red">o</span>.'),
        ("\x1b[38;2;0;0;255mb\x1b[m", '<span class="ansi-fg-blue">b</span>'),
        ("\x1b[44m<\x1b[49m", '<span class="ansi-bg-blue">&lt;</span>'),
        ("a\x1b[2Kb\x1b]0;title\x07c\x00d", "abcd"),
        ("\x1b[99999mx", "x"),
        ("\x1b[38mx", "x"),
    ],
)  # fmt: skip
def test_terminal_colours_become_classes_and_all_else_is_escaped(text: str, html: str) -> None:
    assert ansi.to_html(text) == html


def test_plain_text_has_no_control_sequence() -> None:
    assert ansi.plain("\x1b[31mred\x1b[0m \x1b[2Kline") == "red line"


def test_yaml_marks_keys_strings_comments_and_expressions() -> None:
    (line,) = highlight.lines("format: \"{{ outputs['a'].x }} <rows>\"  # why")
    assert '<span class="hl-key">format</span>' in line.html
    assert '<span class="hl-expr">{{ outputs[&#39;a&#39;].x }}</span>' in line.html
    assert "&lt;rows&gt;" in line.html
    assert '<span class="hl-comment"># why</span>' in line.html


def test_an_unknown_language_is_escaped_and_plain() -> None:
    (line,) = highlight.lines("<x> = 1", "brainfuck")
    assert line.html == "&lt;x&gt; = 1"


def test_highlighting_keeps_every_character() -> None:
    source = "a: 1\n- b: 'x: y' # {{ z }}\n\n  c: {d: true, e: -2.5}\n"
    shown = highlight.lines(source)
    assert [line.html.striptags() for line in shown if line.html.strip()] == [
        " ".join(text.split()) for text in source.splitlines() if text.strip()
    ]


def test_a_difference_numbers_both_sides_and_leaves_out_what_is_equal() -> None:
    old = "\n".join(f"line {i}" for i in range(30))
    new = old.replace("line 20", "line twenty") + "\nend"
    compared = diff.compare(old, new, context=2)
    assert (compared.added, compared.removed) == (2, 1)
    assert compared.lines[0].kind == "gap"
    removed = next(line for line in compared.lines if line.kind == "remove")
    assert (removed.old, removed.new, removed.text) == (21, None, "line 20")
    assert diff.compare(old, old).lines == ()
