"""`make smoke`: deploy a stack under a name of its own, try its whole way, and remove everything, whatever happened."""

import json
import secrets
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.orders.table import OrdersTable
from partner_orders.platform.session import AS_GIVEN
from tools.deploy.deployment import prepared
from tools.deploy.environment import LONGEST_STACK_NAME, Environment
from tools.deploy.metrics import SmokeMetrics
from tools.deploy.removal import remove
from tools.deploy.target import Deployed, DeploymentError, Target

LONGEST_WAIT_SECONDS = 120.0
METRICS_WAIT_SECONDS = 600.0  # CloudWatch takes a metric out of a log within minutes
_TIMEOUT_SECONDS = 15.0
# The stack that is tried has no domain, which belongs to the real one, and disturbs nobody.
_LEFT_OUT = (
    *("DomainName", "CertificateArn", "ExecuteApiEndpoint", "AlarmEmail", "AlarmTopicArn"),
    *("Catalogue", "CatalogueCallbacksQueueArn"),
)
_STATUSES = ("RECEIVED", "DISPATCHED", "CANCELLED")


def smoke(target: Target, template: Mapping[str, Any]) -> int:
    """Returns the exit status: 0 if everything did what it should and nothing is left.

    Raises what prepared() raises, DeploymentError for a check that failed, and botocore's errors.
    """
    tried = target.renamed(passing_environment(target.environment, "smoke"))
    built = prepared(tried, template)
    with removed_afterwards(tried):
        deployed = tried.deploy(built, asks=False)
        _say(f"deployed {deployed.stack_name}")
        try_out(tried, deployed)
    print("smoke: everything works, and everything is removed")
    return 0


def passing_environment(environment: Environment, purpose: str) -> Environment:
    """The environment for a stack that will be removed again: under another name, which says the ``purpose``, without
    what only one stack can have, and with the schedule off."""
    suffix = f"-{purpose}-{secrets.token_hex(3)}"
    kept = {name: value for name, value in environment.parameters.items() if name not in _LEFT_OUT}
    return replace(
        environment,
        stack_name=environment.stack_name[: LONGEST_STACK_NAME - len(suffix)] + suffix,
        parameters={**kept, "ReconciliationState": "DISABLED"},
    )


@contextmanager
def removed_afterwards(target: Target) -> Iterator[None]:
    """Remove the stack when the context ends, however it does. Raises DeploymentError if something is left."""
    try:
        yield
    except BaseException:
        if left := _remove(target):
            print("\n".join(left), file=sys.stderr)
        raise
    if left := _remove(target):
        raise DeploymentError("\n".join(left))


def try_out(target: Target, deployed: Deployed) -> None:
    """Post, read back and compare; look at alarms and metrics. Raises DeploymentError for the first that is wrong."""
    secret = target.client("secretsmanager").get_secret_value(SecretId=deployed.outputs["WebhookSecretArn"])
    orders = [_order(status, target.environment.parameters["ChainId"]) for status in _STATUSES]
    _expect_answers(deployed, orders, secret["SecretString"])
    _expect_orders(target, deployed, orders)
    _expect_alarms(target, deployed)
    metrics = SmokeMetrics(target, deployed)
    if not _becomes_true(metrics.are_all_there, METRICS_WAIT_SECONDS):
        raise DeploymentError(f"These metrics never came: {metrics.missing()}. Look for them in the log groups.")
    _say(metrics.description)


def _expect_answers(deployed: Deployed, orders: list[dict[str, Any]], secret: str) -> None:
    bodies = [json.dumps(order).encode() for order in orders]
    for what, authorization in (("without a secret", None), ("with a wrong secret", "wrong")):
        # The API may need a moment after the deployment.
        if not _becomes_true(partial(_is_refused, deployed, bodies[0], authorization), LONGEST_WAIT_SECONDS):
            raise DeploymentError(f"The webhook did not answer 401 to an order {what}: read its log group.")
    for body in bodies:
        if (status := _post(deployed, body, secret)) != HTTPStatus.OK:
            raise DeploymentError(f"The webhook answered {status} to an order with its secret: read its log group.")
    _say(f"webhook: 401 without the secret, 200 for {len(orders)} orders with it")


def _expect_orders(target: Target, deployed: Deployed, orders: list[dict[str, Any]]) -> None:
    table = OrdersTable(target.client("dynamodb"), deployed.outputs["OrdersTableName"], timedelta(days=400))
    for order in orders:
        order_id = order["order_id"]
        if not _becomes_true(partial(_is_stored, table, order_id), LONGEST_WAIT_SECONDS):
            raise DeploymentError(f"The order {order_id} never reached the table: read the consumer's log group.")
        stored = table.get(order_id)
        bodies = [json.loads(entry.body) for entry in stored.history if entry.body] if stored else []
        if stored is None or bodies != [order] or stored.status != order["status"]:
            raise DeploymentError(f"The order {order_id} is not stored as it was posted: compare its row's body.")
    _say(f"table: {len(orders)} orders, each as it was posted")


def _is_stored(table: OrdersTable, order_id: str) -> bool:
    return table.get(order_id) is not None


def _expect_alarms(target: Target, deployed: Deployed) -> None:
    names = [
        resource["PhysicalResourceId"]
        for page in target.client("cloudformation")
        .get_paginator("list_stack_resources")
        .paginate(StackName=deployed.stack_name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    ]
    found = target.client("cloudwatch").describe_alarms(AlarmNames=names, MaxRecords=100)["MetricAlarms"]
    absent = {*names} - {alarm["AlarmName"] for alarm in found}
    if absent or not names:
        raise DeploymentError(f"These alarms do not exist: {', '.join(sorted(absent)) or 'all'}. Deploy again.")
    _say(f"alarms: {len(names)} exist")


def _order(status: str, chain_id: str) -> dict[str, Any]:
    """An order of nobody, dated now."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "order_id": str(uuid.uuid4()),
        "order_code": "0001",
        "status": status,
        "client": {"id": str(uuid.uuid4()), "chain_id": chain_id, "store_id": "smoke", "country_code": "pk"},
        "customer": {"_id": "smoke", "first_name": "Nobody"},
        "items": [],
        "sys": {"created_at": at, "updated_at": at},
    }


def _post(deployed: Deployed, body: bytes, authorization: str | None) -> int:
    """The status of the response; 0 if there was none."""
    headers = {**deployed.headers, "Content-Type": "application/json"}
    headers |= {} if authorization is None else {"Authorization": authorization}
    try:
        return requests.post(
            deployed.webhook_url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, auth=AS_GIVEN
        ).status_code
    except requests.RequestException:
        return 0


def _is_refused(deployed: Deployed, body: bytes, authorization: str | None) -> bool:
    return _post(deployed, body, authorization) == HTTPStatus.UNAUTHORIZED


def _becomes_true(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether ``is_so`` within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(1.0)
    return True


def _remove(target: Target) -> list[str]:
    name = target.environment.stack_name
    _say(f"removing {name}")
    try:
        return remove(target.client, name)
    except (BotoCoreError, ClientError) as error:
        return [f"{name} could not be removed ({type(error).__name__}): delete the stack, its table and its secrets."]


def _say(what: str) -> None:
    print(f"  {what}", flush=True)
