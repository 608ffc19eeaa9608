"""Filters of lists: what each comparison means, and what is refused."""

import pytest

from tests.api.conftest import Api, Flow
from tests.api.flows import FAILS, HELLO


@pytest.fixture
def ids(api: Api, ns: str, flow: Flow) -> list[str]:
    """A success of `f`, a failure of `g`, and a success of `f` one namespace below."""
    flow(HELLO)
    flow(FAILS, "g")
    below = f"id: f\nnamespace: {ns}.below\ntasks:\n{HELLO}\n"
    api("POST", "/flows", content=below)
    made = [
        api("POST", f"/executions/{ns}/f?wait=true&labels=team:a"),
        api("POST", f"/executions/{ns}/g?wait=true&labels=team:b"),
        api("POST", f"/executions/{ns}.below/f?wait=true"),
    ]
    return [item["id"] for item in made]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("filters[namespace][EQUALS]={ns}", {0, 1}),
        ("filters[namespace][PREFIX]={ns}", {0, 1, 2}),
        ("filters[namespace][STARTS_WITH]={ns}.", {2}),
        ("namespace={ns}&filters[namespace][NOT_EQUALS]={ns}", {2}),
        ("namespace={ns}", {0, 1, 2}),
        ("namespace={ns}&filters[flowId][EQUALS]=g", {1}),
        ("namespace={ns}&filters[flowId][IN]=g,f", {0, 1, 2}),
        ("namespace={ns}&filters[flowId][NOT_IN]=g", {0, 2}),
        ("namespace={ns}&filters[state][IN]=FAILED,KILLED", {1}),
        ("namespace={ns}&filters[state][NOT_IN]=FAILED", {0, 2}),
        ("namespace={ns}&state=FAILED&state=SUCCESS", {0, 1, 2}),
        ("namespace={ns}&state=FAILED,KILLED", {1}),
        ("namespace={ns}&filters[labels][EQUALS][team]=a", {0}),
        ("namespace={ns}&filters[labels][NOT_EQUALS][team]=a", {1, 2}),
        ("namespace={ns}&filters[labels][CONTAINS]=team:", {0, 1}),
        ("namespace={ns}&labels=team:b", {1}),
        ("namespace={ns}&filters[q][EQUALS]=below", {2}),
        ("namespace={ns}&filters[timeRange][EQUALS]=PT1H", {0, 1, 2}),
        ("namespace={ns}&filters[startDate][LESS_THAN]=2020-01-01T00:00:00Z", set()),
        ("namespace={ns}&filters[startDate][GREATER_THAN_OR_EQUAL_TO]=2020-01-01T00:00Z",
         {0, 1, 2}),
        ("namespace={ns}&filters[flowRevision][GREATER_THAN]=1", set()),
        ("namespace={ns}&filters[scope][EQUALS]=USER", {0, 1, 2}),
        ("namespace={ns}&filters[scope][EQUALS]=SYSTEM", set()),
        ("namespace={ns}&filters[childFilter][EQUALS]=MAIN", {0, 1, 2}),
        ("namespace={ns}&filters[triggerId][IS_NULL]=", {0, 1, 2}),
        ("namespace={ns}&filters[or][0][flowId][EQUALS]=g"
         "&filters[or][1][namespace][ENDS_WITH]=.below", {1, 2}),
        ("namespace={ns}&filters[and][0][or][0][flowId][EQUALS]=g"
         "&filters[and][0][or][1][flowId][EQUALS]=f&filters[and][1][state][EQUALS]=SUCCESS",
         {0, 2}),
    ],
)  # fmt: skip
def test_executions_are_found_by_filters_of_both_generations(
    api: Api, ns: str, ids: list[str], query: str, wanted: set[int]
) -> None:
    found = api("GET", f"/executions/search?{query.format(ns=ns)}")
    assert {ids.index(item["id"]) for item in found["results"]} == wanted
    assert found["total"] == len(wanted)


@pytest.mark.parametrize("path", ["executions", "logs", "triggers", "flows"])
@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("filters[nothing][EQUALS]=x", "nothing"),
        ("filters[namespace][LIKE]=x", "LIKE"),
        ("filters[namespace]=x", "filters[namespace]"),
        ("filters[namespace][REGEX]=x", "REGEX"),
        ("filters[startDate][EQUALS]=soon", "soon"),
        ("filters[timeRange][EQUALS]=long", "long"),
        ("filters[or][0][or][0][or][0][or][0][namespace][EQUALS]=x", "or"),
        ("sort=nothing:asc", "nothing"),
        ("sort=namespace:up", "up"),
        ("size=0", "size"),
        ("size=100000", "size"),
    ],
)
def test_what_a_list_does_not_have_is_refused_by_name(
    api: Api, path: str, query: str, word: str
) -> None:
    assert word in api.refused("GET", f"/{path}/search?{query}", 422)


def test_lists_are_sorted_by_the_columns_they_have(api: Api, ns: str, ids: list[str]) -> None:
    def listed(sort: str) -> list[int]:
        found = api("GET", f"/executions/search?namespace={ns}&{sort}")
        return [ids.index(item["id"]) for item in found["results"]]

    assert listed("sort=state.startDate:asc") == [0, 1, 2]
    assert listed("sort=state.current:asc&sort=namespace:desc") == [1, 2, 0]
    assert listed("") == [2, 1, 0]
    for sort in ("state.duration", "state.endDate", "flowRevision", "triggerId", "scheduleDate"):
        assert sorted(listed(f"sort={sort}:desc")) == [0, 1, 2]


def test_logs_are_found_by_filters(api: Api, ns: str, ids: list[str]) -> None:
    def found(query: str) -> set[str]:
        page = api("GET", f"/logs/search?namespace={ns}&{query}")
        return {line["executionId"] for line in page["results"]}

    assert found("filters[level][GREATER_THAN_OR_EQUAL_TO]=ERROR") == {ids[1]}
    assert found("filters[taskId][EQUALS]=hi") == {ids[0], ids[2]}
    assert found(f"filters[executionId][EQUALS]={ids[0]}") == {ids[0]}
    assert found("filters[q][EQUALS]=boom") == {ids[1]}
    assert found("filters[flowId][EQUALS]=g&sort=level:desc") == {ids[1]}


def test_a_label_is_compared_letter_by_letter(api: Api, ns: str) -> None:
    source = f"id: f\nnamespace: {ns}\nlabels: {{Team: 'A \"b\"'}}\ntasks:\n{HELLO}\n"
    api("POST", "/flows", content=source)
    query = f"/flows/search?namespace={ns}"
    assert api("GET", query, params={"filters[labels][EQUALS][Team]": 'A "b"'})["total"] == 1
    for key, value in (("team", 'A "b"'), ("Team", 'a "b"'), ("Team", "A")):
        wanted = {"namespace": ns, f"filters[labels][EQUALS][{key}]": value}
        assert api("GET", "/flows/search", params=wanted)["total"] == 0


def test_a_table_cannot_hold_formulas(api: Api, ns: str) -> None:
    source = f"id: f\nnamespace: {ns}\ndescription: '=cmd()'\ntasks:\n{HELLO}\n"
    api("POST", "/flows", content=source)
    table = api("GET", f"/flows/export/by-query/csv?namespace={ns}").decode()
    assert ",'=cmd()," in table
