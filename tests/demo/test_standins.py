"""Real clients meet the stand-ins: wget, httpx, git and dbt, with nothing but an environment."""

import csv
import gzip
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.processes import DemoError
from demo.standins import COURSE_FOLDER, COURSE_URL, StandIns, course_repository, standing_in
from demo.taxi_data import YELLOW_COLUMNS

RELEASE = "https://github.com/DataTalksClub/nyc-tlc-data/releases/download"
DBT = Path(sys.executable).parent / "dbt"


def git(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course repository in small: two states of the dbt project, a year apart."""
    work = tmp_path_factory.mktemp("course")
    git(work, "init", "--quiet", "--initial-branch=main")
    project = work / COURSE_FOLDER / "taxi_rides_ny"
    project.mkdir(parents=True)
    for day, profile in (("2025-02-01", "default"), ("2026-02-01", "taxi_rides_ny")):
        (project / "dbt_project.yml").write_text(f"name: taxi_rides_ny\nprofile: {profile}\n")
        git(work, "add", ".")
        moment = f"{day}T12:00:00Z"
        dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment, "PATH": "/usr/bin:/bin"}
        git(work, "commit", "--quiet", "-m", day, env=dates)
    return work


@pytest.fixture(scope="module")
def running(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    with standing_in(tmp_path_factory.mktemp("standins"), course_repo=course, rows=500) as started:
        yield started


@pytest.fixture
def env(running: StandIns, tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), **running.env}


def client(running: StandIns) -> httpx.Client:
    trust = ssl.create_default_context(cafile=running.env["SSL_CERT_FILE"])
    return httpx.Client(proxy=running.proxy.url, verify=trust, follow_redirects=True)


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_the_command_of_the_course_downloads_a_trip_file_with_wget(
    env: dict[str, str], tmp_path: Path
) -> None:
    name = "yellow_tripdata_2019-01.csv"
    command = f"set -o pipefail; wget -qO- {RELEASE}/yellow/{name}.gz | gunzip > {name}"
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, timeout=60, check=True)
    with (tmp_path / name).open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == YELLOW_COLUMNS
    assert len(rows) == 501


def test_a_release_redirects_to_the_asset_host_like_the_real_one(running: StandIns) -> None:
    with client(running) as http:
        answer = http.get(f"{RELEASE}/green/green_tripdata_2020-02.csv.gz")
    assert [response.status_code for response in answer.history] == [302]
    assert answer.url.host == "release-assets.githubusercontent.com"
    assert len(gzip.decompress(answer.content).splitlines()) == 501


@pytest.mark.parametrize(
    "path", ["/yellow/yellow_tripdata_2018-01.csv.gz", "/fhv/fhv_tripdata_2019-01.csv.gz", "/../x"]
)
def test_a_file_that_was_never_published_is_not_found(running: StandIns, path: str) -> None:
    with client(running) as http:
        assert http.get(RELEASE + path).status_code == 404


def test_products_have_the_shape_of_the_public_api_and_page_the_same_way(running: StandIns) -> None:
    with client(running) as http:
        first = http.get("https://dummyjson.com/products").json()
        second = http.get("https://dummyjson.com/products?limit=5&skip=10").json()
    assert (len(first["products"]), first["skip"], first["limit"]) == (30, 0, 30)
    assert [product["id"] for product in second["products"]] == [11, 12, 13, 14, 15]
    assert all(isinstance(product["price"], float) for product in first["products"])
    assert any("brand" not in product for product in first["products"])
    assert any("brand" in product for product in first["products"])


def test_any_other_host_is_refused_with_a_reason_and_never_reached(running: StandIns) -> None:
    with client(running) as http:
        with pytest.raises(httpx.ProxyError, match="502"):
            http.get("https://example.org/simple/")
        plain = http.get("http://example.com/")
    assert plain.status_code == 502
    assert "example.com is not reached" in plain.text
    assert "github.com" in plain.text


def test_a_client_without_the_bundle_distrusts_the_stand_in(running: StandIns) -> None:
    with (
        httpx.Client(proxy=running.proxy.url) as http,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        http.get("https://dummyjson.com/products")


def test_a_clone_of_the_course_holds_the_project_of_that_year(
    env: dict[str, str], tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    arguments = ("clone", "--quiet", "--depth", "1", "--branch", "main", COURSE_URL, str(clone))
    git(tmp_path, *arguments, env=env)
    project = clone / COURSE_FOLDER / "taxi_rides_ny" / "dbt_project.yml"
    assert "profile: default" in project.read_text()


def test_a_day_before_the_first_commit_is_refused(course: Path, tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="no commit before 2019-01-01"):
        course_repository(course, tmp_path / "served.git", "2019-01-01")


@pytest.mark.parametrize(
    ("utils", "codegen"),
    [('"1.1.1"', '"0.12.1"'), ('[">=1.3.0", "<2.0.0"]', '[">=0.14.0", "<1.0.0"]')],
    ids=["exact versions", "ranges"],
)
def test_dbt_deps_installs_the_packages_that_the_course_names(
    env: dict[str, str], tmp_path: Path, utils: str, codegen: str
) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: small\nprofile: small\n")
    (tmp_path / "packages.yml").write_text(
        f"packages:\n"
        f"  - {{package: dbt-labs/dbt_utils, version: {utils}}}\n"
        f"  - {{package: dbt-labs/codegen, version: {codegen}}}\n"
    )
    command = [DBT, "deps"]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {path.name for path in (tmp_path / "dbt_packages").iterdir()}
    assert installed == {"dbt_utils", "codegen"}
