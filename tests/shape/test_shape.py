"""The shape of the code: sizes, hidden imports, layers. Thresholds only ever tighten."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "mainstem"
LONGEST_FUNCTION = 60
LONGEST_MODULE = 500
MOST_METHODS = 26


def modules() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


@dataclass(frozen=True, slots=True)
class Shape:
    """What the tests ask of one module, read in one pass; the tree itself is not kept."""

    lines: int
    functions: tuple[tuple[int, str, int], ...]  # line, name, length
    hidden_imports: tuple[int, ...]  # lines
    classes: tuple[tuple[str, int], ...]  # name, public methods


@cache
def shapes() -> dict[str, Shape]:
    return {str(path.relative_to(ROOT)): shape_of(path.read_text()) for path in modules()}


def shape_of(source: str) -> Shape:
    nodes = list(ast.walk(ast.parse(source)))
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = {
        inner.lineno
        for function in functions
        for inner in ast.walk(function)
        if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith("mainstem")
    }
    return Shape(
        len(source.splitlines()),
        tuple((f.lineno, f.name, (f.end_lineno or f.lineno) - f.lineno + 1) for f in functions),
        tuple(sorted(hidden)),
        tuple(
            (node.name, public_methods(node))
            for node in nodes
            if isinstance(node, ast.ClassDef) and not is_protocol(node)
        ),
    )


def public_methods(node: ast.ClassDef) -> int:
    return sum(
        isinstance(item, ast.FunctionDef)
        and not item.name.startswith("_")
        and not item.decorator_list
        for item in node.body
    )


def is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{path}:{line} {name} has {length} lines"
        for path, shape in shapes().items()
        for line, name, length in shape.functions
        if length > LONGEST_FUNCTION
    ]
    assert found == []


def test_no_module_is_longer_than_anyone_reads() -> None:
    sizes = [shape.lines for shape in shapes().values()]
    p50, p90 = quantiles(sizes, n=10)[4], quantiles(sizes, n=10)[8]
    print(f"{len(sizes)} modules, lines p50 {p50:.0f} p90 {p90:.0f} max {max(sizes)}")
    found = [
        f"{path} has {shape.lines} lines"
        for path, shape in shapes().items()
        if shape.lines > LONGEST_MODULE
    ]
    assert found == []


def test_no_class_has_too_many_public_methods() -> None:
    found = [
        f"{path} {name}: {public}"
        for path, shape in shapes().items()
        for name, public in shape.classes
        if public > MOST_METHODS
    ]
    assert found == []


def test_no_first_party_import_hides_in_a_function() -> None:
    found = [f"{path}:{line}" for path, shape in shapes().items() for line in shape.hidden_imports]
    assert found == []


@pytest.mark.timeout(120)
def test_imports_point_downwards() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_the_code_is_clean_for_ruff(check: list[str]) -> None:
    ruff = str(Path(sys.executable).parent / "ruff")
    folders = ["server", "tests", "bench", "demo", "scripts"]
    done = subprocess.run(
        [ruff, *check, *[f for f in folders if (ROOT / f).exists()]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.timeout(600)
def test_the_types_are_sound() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_the_generated_reference_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
