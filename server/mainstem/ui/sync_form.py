"""The form that connects a repository: its fields to a definition and back."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData

_TEXTS: Final = (
    "url", "branch", "tag", "directory", "known_hosts", "proxy", "ca", "username",
)  # fmt: skip
_SECRETS: Final = ("token", "ssh_key", "ssh_passphrase", "webhook_secret")
_CHOICES: Final = ("on_delete", "on_drift", "tests")
_FLAGS: Final = ("editable", "allow_empty")
_APP: Final = ("app_id", "installation_id")
#: What the form itself cannot say, and therefore leaves as it is.
_UNTOUCHED: Final = ("commit", "files", "status", "protected_namespaces")


def definition_of(form: FormData, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the form says; empty secrets are left out, which keeps those of an existing source."""
    found: dict[str, Any] = {key: before[key] for key in _UNTOUCHED if before and key in before}
    found["name"] = _text(form, "name")
    if _text(form, "kind") == "push":
        found["push"] = True
        form_texts: tuple[str, ...] = ("branch", "directory")
    else:
        form_texts = _TEXTS
    for key in form_texts:
        if _text(form, key):
            found[key] = _text(form, key)
    for key in _SECRETS:
        value = str(form.get(key) or "")
        if value.strip():
            found[key] = value if key == "ssh_key" else value.strip()
    for key in _CHOICES:
        if _text(form, key):
            found[key] = _text(form, key)
    found |= {key: True for key in _FLAGS if form.get(key)}
    found["interval_seconds"] = _text(form, "interval_seconds") or 60
    folders = [part.strip() for part in _text(form, "flows").split(",") if part.strip()]
    found["flows"] = folders or ["flows"]
    found["namespaces"] = _mappings(str(form.get("namespaces") or ""))
    _app(form, found)
    _verification(form, found)
    return found


def values_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the form shows them; never a secret."""
    app = definition.get("github_app") or {}
    verify = definition.get("verify") or {}
    mappings = definition.get("namespaces") or ()
    return {
        **{key: definition.get(key) or "" for key in (*_TEXTS, *_CHOICES)},
        **{key: bool(definition.get(key)) for key in _FLAGS},
        "name": definition.get("name") or "",
        "kind": "push" if definition.get("push") else "pull",
        "flows": ", ".join(definition.get("flows") or ["flows"]),
        "interval_seconds": definition.get("interval_seconds") or 60,
        "namespaces": "\n".join(f"{m['directory']} = {m['namespace']}" for m in mappings),
        "app_id": app.get("app_id") or "",
        "installation_id": app.get("installation_id") or "",
        "allowed_signers": verify.get("allowed_signers") or "",
        "gpg_keys": verify.get("gpg_keys") or "",
        "verify_all": verify.get("commits") == "all",
    }


def _text(form: FormData, key: str) -> str:
    return str(form.get(key) or "").strip()


def _mappings(text: str) -> list[dict[str, object]]:
    """Lines of `folder = namespace`."""
    found: list[dict[str, object]] = []
    for line in text.splitlines():
        folder, mark, namespace = line.partition("=")
        if mark and folder.strip():
            found.append({"directory": folder.strip(), "namespace": namespace.strip()})
    return found


def _app(form: FormData, found: dict[str, Any]) -> None:
    given = {key: _text(form, key) for key in _APP if _text(form, key)}
    key = str(form.get("private_key") or "")
    if given or key.strip():
        found["github_app"] = {**given, **({"private_key": key} if key.strip() else {})}


def _verification(form: FormData, found: dict[str, Any]) -> None:
    given = {key: _text(form, key) for key in ("allowed_signers", "gpg_keys") if _text(form, key)}
    if given:
        found["verify"] = {**given, "commits": "all" if form.get("verify_all") else "head"}
