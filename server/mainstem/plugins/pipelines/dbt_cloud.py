"""dbt Cloud."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mainstem.plugins.pipelines.calls import Api, Refused, Retries, Waiting, api, bearer
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_DBT: Final = "https://cloud.getdbt.com"
_SUCCESS: Final = 10
_ENDED: Final = (_SUCCESS, 20, 30)
_RELATED: Final = "%5B%22run_steps%22%5D"


class DbtCloudTask(Waiting, RunnableTask):
    """Common properties of dbt Cloud tasks."""

    base_url: Property[Text] = Property(_DBT, str)
    account_id: Property[Text]
    token: Property[Text]
    parse_run_results: Property[bool] = Property(True, bool)
    options: object = None
    max_retries: Property[int] = Property(3, int)
    initial_delay_ms: Property[int] = Property(1000, int)

    @contextmanager
    def account(self, ctx: RunContext) -> Iterator[Api]:
        """The API of the account."""
        base = ctx.render(self.base_url).rstrip("/")
        address = f"{base}/api/v2/accounts/{_id(ctx, self.account_id)}"
        retries = Retries(ctx.render(self.max_retries), ctx.render(self.initial_delay_ms) / 1000)
        with api(ctx, address, bearer(ctx, self.token), retries=retries) as found:
            yield found

    def end(self, ctx: RunContext, service: Api, run: int) -> dict[str, object]:
        """Follow a run; its artefacts. Raises TaskFailed when it did not succeed."""
        steps = _Steps(ctx)

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = service.get(f"/runs/{run}/?include_related={_RELATED}")["data"]
            steps.tell(found)
            return found if found.get("status") in _ENDED else None

        found = self.follow(ctx, look, lambda: service.post(f"/runs/{run}/cancel/", {}))
        if found["status"] != _SUCCESS:
            said = found.get("status_message")
            status = found.get("status_humanized") or found["status"]
            raise TaskFailed(f"the dbt Cloud run {run} ended {status}{f': {said}' if said else ''}")
        return {
            "runResults": _artefact(ctx, service, run, "run_results.json"),
            "manifest": _artefact(ctx, service, run, "manifest.json"),
        }


class _Steps:
    """Logs what the steps of a run say, once."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._told: dict[int, int] = {}

    def tell(self, run: Mapping[str, Any]) -> None:
        for step in run.get("run_steps") or []:
            text = step.get("logs") or ""
            seen = self._told.get(step["id"], 0)
            # The last line may still grow.
            end = len(text) if run.get("status") in _ENDED else text.rfind("\n") + 1
            for line in text[seen:end].splitlines():
                self._ctx.log.info(f"[{step.get('name')}] {line}")
            self._told[step["id"]] = max(seen, end)


def _artefact(ctx: RunContext, service: Api, run: int, name: str) -> str | None:
    """An artefact as a stored file; some runs have none."""
    try:
        content = service.read("GET", f"/runs/{run}/artifacts/{name}")
    except Refused as error:
        if error.status != 404:
            raise
        return None
    return ctx.files.put_bytes(content, name)


def _id(ctx: RunContext, prop: Property[str]) -> str:
    text = ctx.render(prop).strip()
    if not text.isalnum():
        raise TaskFailed(f"`{text}` is not an id of dbt Cloud")
    return text


class TriggerRun(DbtCloudTask):
    """Run a job of dbt Cloud; its steps are logged, its artefacts are stored."""

    TYPE = "io.kestra.plugin.dbt.cloud.TriggerRun"

    job_id: Property[Text]
    cause: Property[Text] = Property("Triggered by Mainstem.", str)
    git_sha: Property[Text] | None = None
    git_branch: Property[Text] | None = None
    schema_override: Property[Text] | None = None
    dbt_version_override: Property[Text] | None = None
    threads_override: Property[Text] | None = None
    target_name_override: Property[Text] | None = None
    generate_docs_override: Property[bool] | None = None
    timeout_seconds_override: Property[int] | None = None
    steps_override: Property[list[Text]] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        named: dict[str, Property[Any] | None] = {
            "cause": self.cause,
            "git_sha": self.git_sha,
            "git_branch": self.git_branch,
            "schema_override": self.schema_override,
            "dbt_version_override": self.dbt_version_override,
            "threads_override": self.threads_override,
            "target_name_override": self.target_name_override,
            "generate_docs_override": self.generate_docs_override,
            "timeout_seconds_override": self.timeout_seconds_override,
            "steps_override": self.steps_override,
        }
        body = {name: ctx.render(prop) for name, prop in named.items() if prop is not None}
        job = _id(ctx, self.job_id)
        with self.account(ctx) as service:
            run = int(service.post(f"/jobs/{job}/run/", body)["data"]["id"])
            ctx.log.info(f"started the dbt Cloud run {run}")
            if not ctx.render(self.wait):
                return {"runId": run}
            return {"runId": run, **self.end(ctx, service, run)}


class CheckStatus(DbtCloudTask):
    """Wait for the end of a run of dbt Cloud."""

    TYPE = "io.kestra.plugin.dbt.cloud.CheckStatus"

    run_id: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        run = int(_id(ctx, self.run_id))
        with self.account(ctx) as service:
            return self.end(ctx, service, run)
