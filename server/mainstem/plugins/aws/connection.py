"""Credentials, regions and clients, made in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from mainstem.errors import MainstemError, Stalled
from mainstem.sdk.addresses import check_uri
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties

_CONNECT_SECONDS: Final = 15
_READ_SECONDS: Final = 120


class AwsConnection(Properties):
    """Common properties of everything that asks Amazon.

    Without `accessKeyId` the usual places are looked at: the worker's environment, its profile,
    the role of its machine.
    """

    region: Property[Text] | None = None
    endpoint_override: Property[Text] | None = None
    compatibility_mode: Property[bool] = Property(False, bool)
    force_path_style: Property[bool] = Property(False, bool)
    access_key_id: Property[Text] | None = None
    secret_key_id: Property[Text] | None = None
    session_token: Property[Text] | None = None
    sts_role_arn: Property[Text] | None = None
    sts_role_external_id: Property[Text] | None = None
    sts_role_session_name: Property[Text] | None = None
    sts_role_session_duration: Property[Duration] = Property(timedelta(minutes=15), timedelta)
    sts_endpoint_override: Property[Text] | None = None

    def client(self, ctx: RunContext, service: str) -> Any:
        """A client of one service; raises Stalled without boto3, TaskFailed without a region."""
        options: dict[str, Any] = {}
        if self._is_elsewhere(ctx):
            # Others than Amazon may know neither hosts of buckets nor checksums nobody asked for.
            options = {
                "s3": {"addressing_style": "path"},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            }
        config = _library("botocore.config").Config(
            connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, **options
        )
        endpoint = self._given(ctx, self.endpoint_override)
        with aws_errors(f"connect to {service}"):
            return self._session(ctx).client(
                service, endpoint_url=check_uri(endpoint) if endpoint else None, config=config
            )

    def variables(self, ctx: RunContext) -> dict[str, str]:
        """The same credentials for a program of Amazon's."""
        found = self._keys(ctx)
        if self.sts_role_arn is not None:
            found = self._assumed(ctx, self._plain_session(ctx, found))
        named = {
            "AWS_ACCESS_KEY_ID": found.get("aws_access_key_id"),
            "AWS_SECRET_ACCESS_KEY": found.get("aws_secret_access_key"),
            "AWS_SESSION_TOKEN": found.get("aws_session_token"),
            "AWS_DEFAULT_REGION": self._given(ctx, self.region),
            "AWS_ENDPOINT_URL": self._given(ctx, self.endpoint_override),
        }
        return {key: value for key, value in named.items() if value}

    def _is_elsewhere(self, ctx: RunContext) -> bool:
        given = ctx.render(self.force_path_style) or ctx.render(self.compatibility_mode)
        return given or self.endpoint_override is not None

    def _session(self, ctx: RunContext) -> Any:
        keys = self._keys(ctx)
        plain = self._plain_session(ctx, keys)
        if self.sts_role_arn is None:
            return plain
        return self._plain_session(ctx, self._assumed(ctx, plain))

    def _plain_session(self, ctx: RunContext, keys: dict[str, str]) -> Any:
        region = self._given(ctx, self.region)
        return _library("boto3").Session(region_name=region or None, **keys)

    def _keys(self, ctx: RunContext) -> dict[str, str]:
        found = {
            "aws_access_key_id": self._given(ctx, self.access_key_id),
            "aws_secret_access_key": self._given(ctx, self.secret_key_id),
            "aws_session_token": self._given(ctx, self.session_token),
        }
        for name in ("aws_secret_access_key", "aws_session_token"):
            if found[name]:
                ctx.mask(found[name])
        if bool(found["aws_access_key_id"]) != bool(found["aws_secret_access_key"]):
            raise TaskFailed("set both `accessKeyId` and `secretKeyId`, or neither")
        return {key: value for key, value in found.items() if value}

    def _assumed(self, ctx: RunContext, session: Any) -> dict[str, str]:
        """Credentials of the role, for as long as the task needs them."""
        assert self.sts_role_arn is not None
        role = ctx.render(self.sts_role_arn)
        asked = {
            "RoleArn": role,
            "RoleSessionName": self._given(ctx, self.sts_role_session_name) or "mainstem",
            "DurationSeconds": int(ctx.render(self.sts_role_session_duration).total_seconds()),
        }
        if external := self._given(ctx, self.sts_role_external_id):
            asked["ExternalId"] = external
        endpoint = self._given(ctx, self.sts_endpoint_override)
        with aws_errors(f"assume the role {role}"):
            client = session.client("sts", endpoint_url=check_uri(endpoint) if endpoint else None)
            found = client.assume_role(**asked)["Credentials"]
        for name in ("SecretAccessKey", "SessionToken"):
            ctx.mask(found[name])
        return {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    def _given(self, ctx: RunContext, prop: Property[str] | None) -> str:
        return ctx.render(prop).strip() if prop is not None else ""


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Stalled(
            "tasks of Amazon Web Services need the library boto3: pip install 'mainstem[aws]'"
        ) from error


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Errors of boto3 as task failures that say what was being done and what to do."""
    exceptions = _library("botocore.exceptions")
    transfer = _library("boto3.exceptions")
    try:
        yield
    except MainstemError:
        raise
    except exceptions.ClientError as error:
        found = error.response.get("Error", {})
        code, said = str(found.get("Code", "")), str(found.get("Message", ""))
        raise TaskFailed(f"{doing}: {code}: {said or error}{_HINTS.get(code, '')}") from error
    except exceptions.NoCredentialsError as error:
        raise TaskFailed(
            f"{doing}: no credentials: set `accessKeyId` and `secretKeyId` (for example "
            "`{{ secret('AWS_ACCESS_KEY_ID') }}`), or give the worker a role"
        ) from error
    except exceptions.NoRegionError as error:
        raise TaskFailed(f"{doing}: no region: set `region`, for example eu-west-1") from error
    except (exceptions.BotoCoreError, transfer.Boto3Error) as error:
        raise TaskFailed(f"{doing}: {error}") from error


_HINTS: Final = {
    "AccessDenied": " (the user or role lacks a permission: allow it in its policy)",
    "InvalidAccessKeyId": " (check `accessKeyId`)",
    "SignatureDoesNotMatch": " (check `secretKeyId`)",
    "ExpiredToken": " (the session token is over: make a new one)",
    "PermanentRedirect": " (the bucket is in another region: set `region`)",
}
