"""Stand-ins at the network's edge, so that the course's own flow files run without a network.

    python demo/standins.py --course-repo MIRROR

starts them and prints the environment that a server must be started with. The flow files stay as
they are: `wget https://…`, `git clone https://…` and `dbt deps` go to a proxy on
127.0.0.1 that answers for those hosts and refuses all others.
"""

import argparse
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from demo.authority import Authority
from demo.processes import DemoError
from demo.proxy import Proxy, Site
from demo.sites import Trips, course_sites
from demo.taxi_data import DEFAULT_ROWS

COURSE_URL = "https://github.com/DataTalksClub/data-engineering-zoomcamp"
# When the 2025 cohort worked on these flows. Later the dbt project changed its profile's name and
# uses statements that PostgreSQL does not know, so the flows of 2025 go with the project of 2025.
COURSE_DAY = "2025-03-01"
COURSE_FOLDER = "04-analytics-engineering"
LOCAL = "127.0.0.1,localhost,host.docker.internal,::1"


@dataclass(frozen=True)
class StandIns:
    """What runs, and the environment that leads to it."""

    proxy: Proxy
    env: Mapping[str, str]


@contextmanager
def standing_in(
    folder: Path,
    *,
    course_repo: Path | None,
    rows: int = DEFAULT_ROWS,
    data: Path | None = None,
    course_day: str = COURSE_DAY,
) -> Iterator[StandIns]:
    """Serve until the block ends; `folder` receives certificates and settings."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder / "certificates")
    sites: dict[str, Site] = {}
    proxy = Proxy(authority, sites)
    sites.update(course_sites(Trips(data or folder / "data", rows), proxy.url))
    with proxy:
        yield StandIns(proxy, _environment(folder, proxy, authority, course_repo, course_day))


def _environment(
    folder: Path, proxy: Proxy, authority: Authority, course_repo: Path | None, day: str
) -> dict[str, str]:
    bundle = str(authority.bundle)
    wgetrc = folder / "wgetrc"
    wgetrc.write_text(
        f"use_proxy = on\nhttp_proxy = {proxy.url}\nhttps_proxy = {proxy.url}\n"
        f"no_proxy = {LOCAL}\nca_certificate = {bundle}\n"
    )
    gitconfig = folder / "gitconfig"
    gitconfig.write_text(f'[http]\n\tproxy = {proxy.url}\n\tsslCAInfo = "{bundle}"\n')
    if course_repo is not None:
        served = course_repository(course_repo, folder / "course.git", day)
        with gitconfig.open("a") as file:
            file.write(f'[safe]\n\tdirectory = *\n[url "{served.as_uri()}"]\n')
            file.write(f"\tinsteadOf = {COURSE_URL}\n")
    env = {name: bundle for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    for name in ("http_proxy", "https_proxy"):
        env[name] = env[name.upper()] = proxy.url
    env["no_proxy"] = env["NO_PROXY"] = LOCAL
    env["WGETRC"] = str(wgetrc)
    env["GIT_SSL_CAINFO"] = bundle
    env["GIT_CONFIG_GLOBAL"] = str(gitconfig)
    env["DBT_PACKAGE_HUB_URL"] = f"{proxy.url}/hub/"
    return env


def course_repository(mirror: Path, target: Path, day: str = COURSE_DAY) -> Path:
    """A bare repository whose `main` holds the course's dbt project as it was on that day.

    It borrows the mirror's objects and contains one commit with one folder, so that a mirror that
    lacks some large files elsewhere serves as well.
    """
    objects = _git(mirror, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    commit = _git(mirror, "rev-list", "-1", "--first-parent", f"--before={day}T00:00:00Z", "HEAD")
    if not commit:
        raise DemoError(f"{mirror} has no commit before {day}; is it a mirror of {COURSE_URL}?")
    try:
        tree = _git(mirror, "rev-parse", "--verify", f"{commit}:{COURSE_FOLDER}")
    except DemoError:
        raise DemoError(f"{mirror} has no folder {COURSE_FOLDER} at {commit[:8]}.") from None
    if not target.exists():
        _git(target.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(target))
    (target / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (target / "objects" / "info" / "alternates").write_text(f"{objects}\n")
    root = _git(target, "mktree", text=f"040000 tree {tree}\t{COURSE_FOLDER}\n")
    words = ("-c", "user.name=course", "-c", "user.email=course@localhost")
    made = _git(target, *words, "commit-tree", root, "-m", f"{COURSE_FOLDER} at {commit[:12]}")
    _git(target, "update-ref", "refs/heads/main", made)
    return target


def _git(folder: Path, *arguments: str, text: str = "") -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode:
        raise DemoError(f"git {arguments[0]} failed in {folder}: {result.stderr.strip()}")
    return result.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Stand in for the hosts of the course's flows.")
    parser.add_argument("--course-repo", type=Path, help="a clone or mirror of the course")
    parser.add_argument("--course-day", default=COURSE_DAY, help="serve the state of this day")
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help="rows in each trip file")
    parser.add_argument("--folder", type=Path, help="where to keep data and settings")
    options = parser.parse_args(arguments)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="mainstem-standins-") as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        try:
            with standing_in(
                folder,
                course_repo=options.course_repo,
                rows=options.rows,
                course_day=options.course_day,
            ) as running:
                for name, value in running.env.items():
                    print(f"export {name}={shlex.quote(value)}")
                print("# Ctrl-C stops the stand-ins.", flush=True)
                stop.wait()
        except DemoError as problem:
            print(f"standins: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
