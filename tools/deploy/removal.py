"""Remove a stack and all that it would keep: only for one whose orders nobody needs."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders_console.operations.catalogue_stack import SUFFIX

SAM_STACK = "aws-sam-cli-managed-default"
_TABLE, _SECRET, _BUCKET = "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::S3::Bucket"
_KEPT = (_TABLE, _SECRET, _BUCKET)
_GONE = {"ResourceNotFoundException", "NoSuchBucket"}
_POLL_SECONDS = 2
_TABLE_WAIT_SECONDS = 120.0

type Clients = Callable[[str], Any]


def remove(client: Clients, stack_name: str) -> list[str]:
    """Delete the stack, the table, secrets and bucket that it keeps, and what sam uploaded for it; before it the
    catalogue beside it, if there is one.

    Returns a sentence for each thing that could not be deleted: none if all is gone. Each is tried, whatever fails
    before it. Raises botocore's errors if even the stack's resources cannot be listed.
    """
    beside = stack_name + SUFFIX
    left = _removed(client, beside) if [*_kept(client, beside)] else []
    return [*left, *_removed(client, stack_name)]


def _removed(client: Clients, stack_name: str) -> list[str]:
    kept = [*_kept(client, stack_name)]
    left = [*_tried(f"the stack {stack_name}", partial(_delete_stack, client, stack_name))]
    for kind, name in kept:
        left += _tried(name, partial(_delete, client, kind, name))
    return [*left, *_tried(f"what sam uploaded under {stack_name}/", partial(_delete_uploads, client, stack_name))]


def _kept(client: Clients, stack_name: str) -> Iterator[tuple[str, str]]:
    """Type and physical name of each resource that outlives the stack; none if the stack does not exist."""
    try:
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return
        raise
    for resource in resources:
        if resource["ResourceType"] in _KEPT and resource.get("PhysicalResourceId"):
            yield resource["ResourceType"], resource["PhysicalResourceId"]


def _tried(what: str, work: Callable[[], None]) -> Iterator[str]:
    try:
        work()
    except ClientError as error:
        yield f"{what} is still there ({error.response['Error']['Code']}): delete it by hand."
    except (BotoCoreError, TimeoutError) as error:
        yield f"{what} is still there ({type(error).__name__}): delete it by hand."


def _delete_stack(client: Clients, stack_name: str) -> None:
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName=stack_name)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=stack_name, WaiterConfig={"Delay": _POLL_SECONDS, "MaxAttempts": 450}
    )


def _delete(client: Clients, kind: str, name: str) -> None:
    try:
        if kind == _TABLE:
            _delete_table(client("dynamodb"), name)
        elif kind == _BUCKET:
            _delete_versions(client("s3"), name, "")
            client("s3").delete_bucket(Bucket=name)
        else:
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:  # It went with the stack.
            raise


def _delete_table(dynamodb: Any, name: str) -> None:
    """Raises TimeoutError if a change of the table does not end, and botocore's errors."""
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    deadline = time.monotonic() + _TABLE_WAIT_SECONDS
    while dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_SECONDS)
    dynamodb.delete_table(TableName=name)


def _delete_uploads(client: Clients, prefix: str) -> None:
    """Every version of what sam put into its bucket under the stack's prefix."""
    described = client("cloudformation").describe_stacks(StackName=SAM_STACK)["Stacks"][0]
    bucket = next(output["OutputValue"] for output in described["Outputs"] if output["OutputKey"] == "SourceBucket")
    _delete_versions(client("s3"), bucket, f"{prefix}/")


def _delete_versions(s3: Any, bucket: str, prefix: str) -> None:
    """Every version of every object under a prefix."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
