"""Flows and tests of flows as text, run through the gate."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mainstem.flowspec.parse import parse_flow
from mainstem.flowtests.gate import CaseResult, RunOptions, TestFile, check, run_tests
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import Registry
from mainstem.settings import Settings

Cases = Callable[..., dict[str, CaseResult]]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.installed()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", runners={"default": "process"})


@pytest.fixture
def flow(registry: Registry) -> Callable[[str], Flow]:
    def parsed(text: str) -> Flow:
        found = parse_flow(text, registry)
        assert found.flow is not None, found.problems
        return found.flow

    return parsed


@pytest.fixture
def run(registry: Registry, settings: Settings, flow: Callable[[str], Flow]) -> Cases:
    """Cases by id; the tests themselves must be free of problems."""

    def cases(test: str, *flows: str, seconds: float = 20) -> dict[str, CaseResult]:
        (result,) = run_tests(
            [flow(text) for text in flows],
            [TestFile("a.test.yaml", test)],
            registry,
            settings,
            options=RunOptions(seconds=seconds),
        )
        assert result.problems == ()
        return {item.case.id: item for item in result.cases}

    return cases


@pytest.fixture
def problems(
    registry: Registry, settings: Settings, flow: Callable[[str], Flow]
) -> Callable[..., list[str]]:
    """Every problem of the gate, printed."""

    def told(test: str, *flows: str) -> list[str]:
        tests = [TestFile("a.test.yaml", test)]
        parsed = [flow(text) for text in flows]
        return [str(item) for item in check(parsed, tests, registry, settings)]

    return told
