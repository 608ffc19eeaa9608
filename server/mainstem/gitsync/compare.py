"""Where a pushed branch is looked at and merged: the forge's page, else a command (pure)."""

from typing import Final
from urllib.parse import quote, urlsplit

from mainstem.errors import InvalidInput
from mainstem.gitsync.address import repository_name
from mainstem.settings_git import GitSource

_PAGES: Final = {
    "github": "{site}/{name}/compare/{base}...{branch}?expand=1",
    "gitlab": "{site}/{name}/-/compare/{base}...{branch}",
    "gitea": "{site}/{name}/compare/{base}...{branch}",
    "bitbucket": "{site}/{name}/branches/compare/{branch}..{base}",
}


def compare_page(source: GitSource, branch: str) -> str:
    """The page of the forge that compares the branch to the synced one; empty for other hosts."""
    try:
        name = repository_name(source.url)
    except InvalidInput:
        return ""
    site = _site(source.url)
    pattern = _PAGES.get(_kind(source, site))
    if pattern is None or not site:
        return ""
    parts = {"base": source.branch, "branch": branch, "name": name}
    return pattern.format(site=site, **{key: quote(text, safe="/") for key, text in parts.items()})


def compare_command(source: GitSource, branch: str) -> str:
    """What shows the difference in a clone."""
    return f"git fetch origin {branch} && git diff origin/{source.branch}...FETCH_HEAD"


def _site(url: str) -> str:
    if "://" not in url:
        return f"https://{url.partition(':')[0].rpartition('@')[2]}" if "@" in url else ""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http"):
        return f"https://{parts.hostname}" if parts.scheme == "ssh" else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _kind(source: GitSource, site: str) -> str:
    """By the host's name; by the kind of its commit statuses for own installations."""
    if source.github_app is not None:
        return "github"
    if source.status is not None:
        return source.status.kind
    host = site.rpartition("/")[2]
    for kind in _PAGES:
        if kind in host:
            return kind
    return "gitea" if host == "codeberg.org" else ""
