"""The shape of the code: sizes, hidden imports, layers. Thresholds only ever tighten."""

import ast
import subprocess
import sys
from collections.abc import Iterator
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


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length(node)} lines"
        for path in modules()
        for node in functions(parsed(path))
        if length(node) > LONGEST_FUNCTION
    ]
    assert found == []


def test_no_module_is_longer_than_anyone_reads() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules()}
    p50, p90 = quantiles(sizes.values(), n=10)[4], quantiles(sizes.values(), n=10)[8]
    print(f"{len(sizes)} modules, lines p50 {p50:.0f} p90 {p90:.0f} max {max(sizes.values())}")
    found = [f"{path.relative_to(ROOT)} has {n} lines" for path, n in sizes.items()
             if n > LONGEST_MODULE]  # fmt: skip
    assert found == []


def test_no_class_has_too_many_public_methods() -> None:
    found = []
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef) and not _is_protocol(node):
                public = [
                    item.name
                    for item in node.body
                    if isinstance(item, ast.FunctionDef)
                    and not item.name.startswith("_")
                    and not item.decorator_list
                ]
                if len(public) > MOST_METHODS:
                    found.append(f"{path.relative_to(ROOT)} {node.name}: {len(public)}")
    assert found == []


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def test_no_first_party_import_hides_in_a_function() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in modules()
        for node in functions(parsed(path))
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith("mainstem")
    ]
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
