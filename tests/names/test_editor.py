"""The flow editor without JavaScript: checked, saved against the revision seen, conflicts shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstem.errors import Denied
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Grant, Principal, PrincipalKind, Role
from mainstem.services import access
from tests.ui import seed
from tests.ui.site import Site, make_site

FLOW = "id: f\nnamespace: ed\ntasks:\n  - {id: a, type: core.log.Log, message: one}\n"
BASE = "/ui/flows/edit/ed/f"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = seed.make_app(tmp_path)
    made = make_site(app)
    app.flows.save(FLOW)
    yield made
    made.browser.close()
    app.stop()


def post(site: Site, source: str, seen: int) -> tuple[int, str]:
    answer = site.post(f"{BASE}/edit", {"source": source, "seen": str(seen)})
    return answer.status_code, answer.text


def test_a_text_is_saved_as_a_new_revision(site: Site) -> None:
    page = site.get(f"{BASE}/edit")
    assert "message: one" in page
    assert "No problems" in page
    assert post(site, FLOW.replace("one", "two").replace("\n", "\r\n"), 1)[0] == 303
    head = site.app.flows.head(FlowId("ed", "f"))
    assert (head.revision, head.source) == (2, FLOW.replace("one", "two"))


def test_faults_come_back_with_the_text_and_their_line(site: Site) -> None:
    status, page = post(site, FLOW.replace("core.log.Log", "core.log.Lgo"), 1)
    assert status == 422
    assert "core.log.Lgo" in page
    assert 'data-line="4"' in page
    status, page = post(site, FLOW.replace("id: f", "id: g"), 1)
    assert (status, "id and namespace cannot change" in page) == (422, True)
    assert site.app.flows.head(FlowId("ed", "f")).revision == 1


def test_a_conflict_shows_theirs_and_yours_and_can_be_saved_over(site: Site) -> None:
    site.app.flows.save(FLOW.replace("one", "theirs"))
    mine = FLOW.replace("one", "yours")
    status, page = post(site, mine, 1)
    assert status == 409
    assert "Revision 2 was saved while you edited revision 1" in page
    assert "message: theirs" in page
    assert "message: yours" in page
    assert 'name="seen" value="2"' in page
    assert post(site, mine, 2)[0] == 303
    assert site.app.flows.head(FlowId("ed", "f")).source == mine


def test_the_check_tells_problems_and_draws_what_can_be_read(site: Site) -> None:
    form: dict[str, object] = {"source": FLOW + "nonsense: 1\n", "namespace": "ed", "flow": "f"}
    part = site.post("/ui/flows/_check", form)
    assert part.status_code == 200
    assert "nonsense" in part.text
    assert "<svg" in part.text
    assert "<html" not in part.text
    broken = site.post("/ui/flows/_check", {"source": "a: [", "namespace": "", "flow": ""})
    assert (broken.status_code, "data-line" in broken.text) == (200, True)
    good = site.post("/ui/flows/_check", {**form, "source": FLOW})
    assert "No problems" in good.text
    assert "io.kestra.plugin.core.log.Log" in good.text


def test_a_new_flow_starts_from_a_text_that_runs(site: Site) -> None:
    page = site.get("/ui/flows/new?namespace=ed&id=fresh")
    assert "No problems" in page
    source = page.partition("data-editor")[2].partition(">")[2].partition("</textarea>")[0]
    made = site.post("/ui/flows/new", {"source": source.replace("&#39;", "'")})
    assert made.headers["location"] == "/ui/flows/edit/ed/fresh"
    again = site.post("/ui/flows/new", {"source": source})
    assert (again.status_code, "is at revision 1, not 0" in again.text) == (409, True)


def test_an_earlier_revision_is_restored_as_a_new_one(site: Site) -> None:
    site.app.flows.save(FLOW.replace("one", "two"))
    assert "Restore revision 1" in site.get(f"{BASE}/revisions")
    site.post(f"{BASE}/_restore", {"revision": "1"})
    head = site.app.flows.head(FlowId("ed", "f"))
    assert (head.revision, head.source) == (3, FLOW)


def test_an_editor_of_one_namespace_writes_no_flow_of_another(site: Site) -> None:
    grants = (Grant(Role.EDITOR, "mine"), Grant(Role.VIEWER))
    with access.acting_as(Principal("e", "ed", PrincipalKind.USER, grants)):
        for change in (
            lambda: site.app.flows.save(FLOW.replace("one", "x")),
            lambda: site.app.flows.save_all([FLOW.replace("one", "x")]),
            lambda: site.app.flows.delete(FlowId("ed", "f")),
        ):
            with pytest.raises(Denied):
                change()
        assert '">Edit<' not in site.get(BASE)
        refused = site.post("/ui/flows/new", {"source": FLOW.replace("id: f", "id: g")})
        assert refused.status_code == 403
