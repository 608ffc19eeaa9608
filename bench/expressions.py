"""Renders per processor second of typical templates, beside Jinja2 plain and sandboxed.

python -m bench.expressions [seconds per measurement]
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mainstem.expr import Scope, render
from mainstem.expr.template import Template

VARIABLES: Mapping[str, object] = {
    "inputs": {"x": "green", "taxi": "green"},
    "trigger": {"date": "2024-03-01T00:00:00Z"},
    "rows": [{"id": n, "name": f"row {n}"} for n in range(20)],
    "trips": {"rows": [{"name": "a", "miles": 2.0}]},
}


class Case(NamedTuple):
    """One template in this dialect and in Jinja2's."""

    name: str
    ours: str
    jinja: str


_FILE = "{{inputs.taxi ~ '_tripdata_' ~ (trigger.date | date('yyyy-MM')) ~ '.csv'}}"
_LOOP = "{% for row in rows %}{{ loop.index }}: {{ row.name }}\n{% endfor %}"
CASES = (
    Case("plain string", "gs://bucket/file.csv", "gs://bucket/file.csv"),
    Case("{{ inputs.x }}", "{{ inputs.x }}", "{{ inputs.x }}"),
    Case("text around", "gs://b/{{ inputs.x }}/f.csv", "gs://b/{{ inputs.x }}/f.csv"),
    Case(
        "course's file name", _FILE, _FILE.replace("(trigger.date | date(", "(trigger.date|date(")
    ),
    Case("?? and filter", "{{ inputs.y ?? 'a' | upper }}", "{{ inputs.y|default('a')|upper }}"),
    Case("jq path", "{{ trips | jq('.rows[0].name') | first }}", "{{ trips.rows[0].name }}"),
    Case(
        "if",
        "{% if rows is empty %}a{% else %}b{% endif %}",
        "{% if not rows %}a{% else %}b{% endif %}",
    ),
    Case("for over 20 rows", _LOOP, _LOOP),
)


def _jinja_date(value: str, _: str) -> str:
    """The least a `date` filter can do, so that Jinja2 is measured at its best."""
    return value[:7]


def rate(run: Callable[[], object], seconds: float) -> float:
    """Calls per second of processor time, so that a busy machine changes little."""
    run()
    count, batch, start = 0, 64, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(batch):
            run()
        count += batch
    return count / spent


def _environment(kind: type[Environment]) -> Environment:
    environment = kind(undefined=StrictUndefined)
    environment.filters["date"] = _jinja_date
    return environment


def main(seconds: float) -> None:
    """Print one row per template: warm renders, then compilations."""
    plain, sandboxed = _environment(Environment), _environment(ImmutableSandboxedEnvironment)
    scope = Scope(VARIABLES)
    print(f"{'renders/s':22}{'ours':>12}{'jinja2':>12}{'sandboxed':>12}{'ours/jinja2':>12}")
    for case in CASES:
        templates = [env.from_string(case.jinja) for env in (plain, sandboxed)]
        ours = rate(lambda text=case.ours: render(text, scope), seconds)  # type: ignore[misc]
        theirs = [
            rate(lambda t=template: t.render(VARIABLES), seconds)  # type: ignore[misc]
            for template in templates
        ]
        row = "".join(f"{value:12,.0f}" for value in (ours, *theirs))
        print(f"{case.name:22}{row}{ours / theirs[0]:12.1f}")
    print(f"\n{'compilations/s':22}{'ours':>12}{'jinja2':>12}")
    for case in CASES[1:]:
        ours = rate(lambda text=case.ours: Template(text), seconds)  # type: ignore[misc]
        theirs_cold = rate(lambda text=case.jinja: plain.from_string(text), seconds)  # type: ignore[misc]
        print(f"{case.name:22}{ours:12,.0f}{theirs_cold:12,.0f}{ours / theirs_cold:24.1f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.5)
