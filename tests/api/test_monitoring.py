"""Figures for monitoring, read by the parser of those who collect them."""

from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Api, Flow
from tests.api.flows import HELLO


def figures(api: Api) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    text = api("GET", "/metrics", base="").decode()
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_the_figures_are_read_by_those_who_collect_them(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    before = figures(api)["mainstem_executions"][(("state", "SUCCESS"),)]
    api("POST", f"/executions/{ns}/f?wait=true")
    found = figures(api)
    assert found["mainstem_executions"][(("state", "SUCCESS"),)] == before + 1
    assert found["mainstem_worker_slots"][()] > 0
    assert found["mainstem_queue_depth"][()] >= 0
    assert found["mainstem_scheduler_lag_seconds"][()] >= 0
    assert found["process_resident_memory_bytes"][()] > 1_000_000
    assert (("loop", "executor"),) in found["mainstem_loop_age_seconds"]


def test_requests_are_timed_by_route_and_never_by_address(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    for number in range(3):
        api.client.get(f"/api/v1/flows/{ns}/nobody{number}")
    text = api("GET", "/metrics", base="").decode()
    assert "nobody" not in text
    route = "/api/v1/flows/{namespace}/{flow_id}"
    labels = (("method", "GET"), ("route", route), ("status", "4xx"))
    found = figures(api)
    assert found["mainstem_http_request_duration_seconds_count"][labels] >= 3
    buckets = [
        value
        for key, value in found["mainstem_http_request_duration_seconds_bucket"].items()
        if set(labels) <= set(key)
    ]
    assert buckets == sorted(buckets)


def test_workers_loops_and_counts_are_told(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    api("POST", f"/executions/{ns}/f?wait=true")
    (worker,) = api("GET", "/cluster/workers")
    assert worker["slots"] > 0
    assert "executor" in [loop["name"] for loop in api("GET", "/cluster/services")]
    assert api("GET", f"/stats/executions?namespace={ns}")["byState"]["SUCCESS"] == 1
    days = api("GET", f"/stats/executions/daily?namespace={ns}&days=3")
    assert [day["total"] for day in days] == [0, 0, 1]
    assert api("GET", f"/stats/flows/slowest?namespace={ns}")[0]["flowId"] == "f"
