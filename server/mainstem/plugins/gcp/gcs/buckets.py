"""Buckets."""

from typing import Any, Literal

from mainstem.errors import InvalidInput
from mainstem.plugins.gcp.connection import google_errors
from mainstem.plugins.gcp.gcs.common import GcsTask
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs


class LifecycleAction(Properties):
    """What a lifecycle rule does."""

    type: Literal["DELETE", "SET_STORAGE_CLASS"] | None = None
    storage_class: Text | None = None


class LifecycleCondition(Properties):
    """When a lifecycle rule applies; `age` in days."""

    age: Property[int]


class LifecycleRule(Properties):
    condition: LifecycleCondition
    action: dict[str, LifecycleAction | None] | LifecycleAction


class BucketTask(GcsTask):
    """Common properties of bucket tasks."""

    name: Property[Text]
    location: Property[Text] | None = None
    storage_class: Property[Text] | None = None
    labels: Property[dict[str, Text]] | None = None
    versioning_enabled: Property[bool] | None = None
    requester_pays: Property[bool] | None = None
    index_page: Property[Text] | None = None
    not_found_page: Property[Text] | None = None
    default_event_based_hold: Property[bool] | None = None
    retention_period: Property[int] | None = None
    default_kms_key_name: Property[Text] | None = None
    lifecycle_rules: tuple[LifecycleRule, ...] = ()

    def configure(self, ctx: RunContext, bucket: Any) -> None:
        """Put the given properties on a bucket object."""
        plain = (
            ("storage_class", self.storage_class),
            ("versioning_enabled", self.versioning_enabled),
            ("requester_pays", self.requester_pays),
            ("default_event_based_hold", self.default_event_based_hold),
            ("retention_period", self.retention_period),
            ("default_kms_key_name", self.default_kms_key_name),
            ("labels", self.labels),
        )
        for attribute, prop in plain:
            if prop is not None:
                setattr(bucket, attribute, ctx.render(prop))
        if self.index_page is not None or self.not_found_page is not None:
            bucket.configure_website(
                ctx.render(self.index_page) if self.index_page else None,
                ctx.render(self.not_found_page) if self.not_found_page else None,
            )
        for rule in self.lifecycle_rules:
            _add_rule(ctx, bucket, rule)


def _add_rule(ctx: RunContext, bucket: Any, rule: LifecycleRule) -> None:
    age = ctx.render(rule.condition.age)
    action = rule.action
    if isinstance(action, LifecycleAction):
        kind, storage_class = action.type, action.storage_class
    else:
        kind = "SET_STORAGE_CLASS" if "setStorageClassAction" in action else "DELETE"
        inner = action.get("setStorageClassAction")
        storage_class = inner.storage_class if inner else None
    if kind == "DELETE":
        bucket.add_lifecycle_delete_rule(age=age)
    elif storage_class is not None:
        bucket.add_lifecycle_set_storage_class_rule(ctx.render_text(storage_class), age=age)
    else:
        raise InvalidInput("a lifecycle rule that sets the storage class must name the class")


class CreateBucket(BucketTask):
    """Create a bucket."""

    TYPE = "io.kestra.plugin.gcp.gcs.CreateBucket"

    if_exists: Property[Literal["ERROR", "UPDATE", "SKIP"]] = Property("ERROR", str)

    def run(self, ctx: RunContext) -> Outputs:
        name, policy = ctx.render(self.name), ctx.render(self.if_exists)
        with google_errors(f"create bucket `{name}`"):
            client = self.client(ctx)
            found = client.lookup_bucket(name)
            if found is None:
                return self._create(ctx, client, name)
            if policy == "ERROR":
                raise TaskFailed(f"bucket `{name}` exists already (ifExists: ERROR)")
            if policy == "UPDATE":
                self.configure(ctx, found)
                found.patch()
            ctx.log.info(f"bucket `{name}` exists: {'updated' if policy == 'UPDATE' else 'kept'}")
            return _outputs(found, created=False, updated=policy == "UPDATE")

    def _create(self, ctx: RunContext, client: Any, name: str) -> Outputs:
        bucket = client.bucket(name)
        self.configure(ctx, bucket)
        location = ctx.render(self.location) if self.location is not None else None
        created = client.create_bucket(bucket, location=location)
        ctx.log.info(f"created bucket `{name}`")
        return _outputs(created, created=True, updated=False)


class UpdateBucket(BucketTask):
    """Change the properties of a bucket."""

    TYPE = "io.kestra.plugin.gcp.gcs.UpdateBucket"

    def run(self, ctx: RunContext) -> Outputs:
        name = ctx.render(self.name)
        with google_errors(f"update bucket `{name}`"):
            bucket = self.client(ctx).get_bucket(name)
            self.configure(ctx, bucket)
            bucket.patch()
            return _outputs(bucket, created=False, updated=True)


class DeleteBucket(GcsTask):
    """Delete a bucket; with `force` its objects are deleted first."""

    TYPE = "io.kestra.plugin.gcp.gcs.DeleteBucket"

    name: Property[Text]
    force: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> None:
        name = ctx.render(self.name)
        with google_errors(f"delete bucket `{name}`"):
            self.client(ctx).get_bucket(name).delete(force=ctx.render(self.force))


class CreateBucketIamPolicy(GcsTask):
    """Grant a role on a bucket to a member."""

    TYPE = "io.kestra.plugin.gcp.gcs.CreateBucketIamPolicy"

    name: Property[Text]
    member: Property[Text]
    role: Property[Text]
    if_exists: Property[Literal["ERROR", "SKIP"]] = Property("SKIP", str)

    def run(self, ctx: RunContext) -> Outputs:
        name, member, role = map(ctx.render, (self.name, self.member, self.role))
        with google_errors(f"grant {role} on bucket `{name}` to {member}"):
            bucket = self.client(ctx).get_bucket(name)
            policy = bucket.get_iam_policy(requested_policy_version=3)
            has_it = any(
                binding["role"] == role and member in binding["members"]
                for binding in policy.bindings
                if not binding.get("condition")
            )
            if has_it and ctx.render(self.if_exists) == "ERROR":
                raise TaskFailed(
                    f"{member} has {role} on bucket `{name}` already (ifExists: ERROR)"
                )
            if not has_it:
                policy.bindings.append({"role": role, "members": {member}})
                bucket.set_iam_policy(policy)
        return {"bucket": name, "member": member, "role": role, "created": not has_it}


def _outputs(bucket: Any, *, created: bool, updated: bool) -> Outputs:
    return {
        "bucket": bucket.name,
        "bucketUri": f"gs://{bucket.name}",
        "location": bucket.location,
        "created": created,
        "updated": updated,
    }
