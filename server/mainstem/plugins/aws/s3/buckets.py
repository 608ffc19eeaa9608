"""Buckets."""

from pydantic import Field

from mainstem.plugins.aws.connection import aws_errors
from mainstem.plugins.aws.s3.common import S3Connection, given
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_HOME = "us-east-1"


class CreateBucket(S3Connection, RunnableTask):
    """Create a bucket."""

    TYPE = "io.kestra.plugin.aws.s3.CreateBucket"

    grant_full_control: Property[Text] | None = None
    grant_read: Property[Text] | None = None
    grant_read_acp: Property[Text] | None = Field(default=None, alias="grantReadACP")
    grant_write: Property[Text] | None = None
    grant_write_acp: Property[Text] | None = Field(default=None, alias="grantWriteACP")
    acl: Property[Text] | None = None
    object_lock_enabled_for_bucket: Property[bool] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        asked = given(
            ctx,
            {
                "Bucket": self.bucket,
                "ACL": self.acl,
                "GrantFullControl": self.grant_full_control,
                "GrantRead": self.grant_read,
                "GrantReadACP": self.grant_read_acp,
                "GrantWrite": self.grant_write,
                "GrantWriteACP": self.grant_write_acp,
                "ObjectLockEnabledForBucket": self.object_lock_enabled_for_bucket,
            },
        )
        name = asked["Bucket"]
        with aws_errors(f"create bucket `{name}`"):
            client = self.s3(ctx)
            region = client.meta.region_name
            if region not in (None, _HOME):
                asked["CreateBucketConfiguration"] = {"LocationConstraint": region}
            client.create_bucket(**asked)
        ctx.log.info(f"created bucket `{name}` in {region}")
        return {"bucket": name, "region": region}
