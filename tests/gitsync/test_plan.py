"""The plan: every wanted and every lost thing gets exactly one step, whatever the state."""

from hypothesis import given
from hypothesis import strategies as st

from mainstem.gitsync.plan import Action, Asked, SyncPlan, make_plan
from mainstem.settings_git import GitSource
from mainstem.store.sync_entries import Entry, Key, Live

NAMES = st.sampled_from(["a", "b", "c", "d"])
SPACES = st.sampled_from(["demo", "system", "system.inner"])
KINDS = st.sampled_from(["flow", "file", "kv"])
KEYS = st.tuples(KINDS, SPACES, NAMES)
DIGESTS = st.sampled_from(["1", "2", "3"])
TABLES = st.dictionaries(KEYS, DIGESTS, max_size=6)
SOURCES = st.builds(
    lambda on_delete, on_drift, allow_empty: GitSource(
        name="team", push=True, on_delete=on_delete, on_drift=on_drift, allow_empty=allow_empty
    ),
    st.sampled_from(["delete", "keep", "fail"]),
    st.sampled_from(["heal", "keep"]),
    st.booleans(),
)


def entries(table: dict[Key, str]) -> dict[Key, Entry]:
    return {key: Entry(*key, f"{key[0]}/{key[2]}", "blob", digest) for key, digest in table.items()}


def asked(wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str]) -> Asked:
    """A whole commit against everything that is owned and live."""
    known = entries(owned)
    return Asked(
        entries(wanted),
        [entry for key, entry in known.items() if key not in wanted],
        {key: entry for key, entry in known.items() if key in wanted},
        {key: Live(digest, None) for key, digest in live.items()},
        {},
        len(wanted),
    )


def after(plan: SyncPlan, live: dict[Key, str]) -> dict[Key, str]:
    """What is live once the plan is applied."""
    found = dict(live)
    for step in plan.steps:
        if step.action in (Action.CREATE, Action.UPDATE):
            found[step.entry.key] = step.entry.digest
        if step.action is Action.DELETE:
            found.pop(step.entry.key)
    return found


def owned_after(plan: SyncPlan, owned: dict[Key, str]) -> dict[Key, str]:
    found = dict(owned)
    for step in plan.steps:
        if step.action in (Action.DELETE, Action.RELEASE):
            found.pop(step.entry.key, None)
        else:
            found[step.entry.key] = step.entry.digest
    return found


@given(TABLES, TABLES, TABLES, SOURCES)
def test_everything_touched_gets_one_step(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    plan = make_plan(asked(wanted, owned, live), source)
    keys = [step.entry.key for step in plan.steps]
    assert len(keys) == len(set(keys))
    assert set(wanted) <= set(keys)
    assert set(keys) <= set(wanted) | set(owned)


@given(TABLES, TABLES, TABLES, SOURCES)
def test_what_nobody_owns_and_nobody_wants_is_left_alone(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    result = after(make_plan(asked(wanted, owned, live), source), live)
    for key in set(live) - set(wanted) - set(owned):
        assert result[key] == live[key]


@given(TABLES, TABLES, TABLES, SOURCES)
def test_protected_namespaces_lose_nothing(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    result = after(make_plan(asked(wanted, owned, live), source), live)
    assert all(key in result for key in live if key[1].startswith("system"))


@given(TABLES, TABLES, TABLES, SOURCES)
def test_only_the_policy_delete_removes_anything_unasked(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    plan = make_plan(asked(wanted, owned, live), source)
    removed = list(plan.having(Action.DELETE))
    if source.on_delete == "keep":
        assert removed == []
    if source.on_delete == "fail" and removed:
        assert any(problem.code == "removal" for problem in plan.problems)
    if not wanted and not source.allow_empty:
        assert removed == []


@given(TABLES, TABLES, TABLES, SOURCES)
def test_healing_makes_live_what_the_commit_says(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    healing = source.model_copy(update={"on_drift": "heal"})
    result = after(make_plan(asked(wanted, owned, live), healing), live)
    assert all(result[key] == digest for key, digest in wanted.items())


@given(TABLES, TABLES, TABLES, SOURCES)
def test_edits_made_here_stay_while_git_does_not_change_them(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    keeping = source.model_copy(update={"on_drift": "keep"})
    result = after(make_plan(asked(wanted, owned, live), keeping), live)
    for key in set(wanted) & set(owned):
        if wanted[key] == owned[key] and live.get(key) != owned[key]:
            assert result.get(key) == live.get(key)


@given(TABLES, TABLES, TABLES, SOURCES)
def test_a_plan_applied_twice_changes_nothing_the_second_time(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    first = make_plan(asked(wanted, owned, live), source)
    second = make_plan(asked(wanted, owned_after(first, owned), after(first, live)), source)
    assert second.is_empty


@given(TABLES, TABLES, TABLES, SOURCES)
def test_looking_at_the_change_alone_plans_the_same_as_looking_at_everything(
    wanted: dict[Key, str], owned: dict[Key, str], live: dict[Key, str], source: GitSource
) -> None:
    whole = asked(wanted, owned, live)
    same = {key for key in wanted if owned.get(key) == wanted[key] == live.get(key)}
    part = Asked(
        {key: entry for key, entry in whole.wanted.items() if key not in same},
        whole.gone,
        {key: entry for key, entry in whole.previous.items() if key not in same},
        {key: there for key, there in whole.live.items() if key not in same},
        {},
        whole.total,
    )
    full, cut = make_plan(whole, source), make_plan(part, source, untouched=len(same))
    assert [s for s in full.steps if s.entry.key not in same] == list(cut.steps)
    assert full.counts() == cut.counts()


def test_a_thing_of_another_source_is_a_problem_that_names_both() -> None:
    key: Key = ("flow", "demo", "a")
    wanted = entries({key: "1"})
    plan = make_plan(
        Asked(wanted, others={key: ("other", "flows/x.yaml")}), GitSource(name="t", push=True)
    )
    assert plan.steps == []
    assert str(plan.problems[0]) == (
        "flow/a:1:1: flow `demo.a` belongs to Git source `other` (`flows/x.yaml`)"
    )
