"""The deployed stack that commands talk to: found by name, from samconfig.toml, or the one that `make up` started."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from partner_orders.answers.table import AnswersTable
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.settings import retention_of
from partner_orders.stores.table import StoresTable
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.target import Target, local_stack_file, name_and_region, profile_of

# What botocore raises before it asks AWS anything, in place of an answer.
NOT_SIGNED_IN = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError, TokenRetrievalError)
_LOCAL_FACTS = ("stack_name", "region", "endpoint_url", "webhook_url", "webhook_headers")
_EVER = datetime.min.replace(tzinfo=UTC)
# Routers cut a connection that is silent for minutes, as it is while a run is awaited.
_CALLS = Config(
    connect_timeout=5,
    read_timeout=60,
    tcp_keepalive=True,
    retries={"total_max_attempts": 4, "mode": "standard"},
    max_pool_connections=32,
)
_LONG_CALLS = Config(connect_timeout=5, read_timeout=910, tcp_keepalive=True, retries={"total_max_attempts": 1})


class Clients:
    """The clients of a session, each made once: making one takes as long as some requests."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, bool], Any] = {}
        self._lock = Lock()

    def get(self, service: str, is_slow: bool, make: Callable[[], Any]) -> Any:
        with self._lock:
            if (service, is_slow) not in self._made:
                self._made[service, is_slow] = make()
            return self._made[service, is_slow]


@dataclass(frozen=True)
class DeployedStack:
    """``headers`` are what a request to the webhook needs beside the secret: only on a laptop. ``origin`` is the
    environment or the profile that named the stack."""

    name: str
    region: str
    session: boto3.Session = field(repr=False)
    endpoint_url: str | None = None
    local_webhook_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    clients: Clients = field(default_factory=Clients, repr=False, compare=False)

    @classmethod
    def find(cls, target: Target) -> "DeployedStack":
        """The stack of a target that names one (``resolved``). Raises OperatorError if it cannot be reached so."""
        if target.is_local:
            return cls._local()
        name, region = name_and_region(target)
        if not name:
            raise OperatorError("no stack was named", "Name one with --stack-name, --config-env or --local.")
        region = region or os.environ.get("AWS_REGION")  # The AWS CLI's; boto3 knows AWS_DEFAULT_REGION only.
        try:
            session = boto3.Session(profile_name=profile_of(target), region_name=region)
        except BotoCoreError as error:
            raise OperatorError(str(error), "Choose another --profile, or sign in with the AWS CLI.") from None
        if session.region_name is None:
            raise OperatorError("no AWS region was named", "Name one with --region, or set AWS_REGION.")
        return cls(name, session.region_name, session, origin=target.config_env or target.profile or "")

    @classmethod
    def _local(cls) -> "DeployedStack":
        file = local_stack_file()
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            facts = {name: content[name] for name in _LOCAL_FACTS}
        except FileNotFoundError:
            raise OperatorError("no stack is up on this machine", "Start one with `make up`.") from None
        except (ValueError, TypeError, KeyError):
            raise OperatorError(f"{file} is damaged", "Start the stack anew with `make up`.") from None
        # Deaf to the operator's profiles: nothing that is meant for the laptop reaches an account.
        nowhere = (None, None, os.devnull, None)
        deaf = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        session = boto3.Session(
            "test",
            "test",
            region_name=facts["region"],
            botocore_session=botocore.session.Session(session_vars=deaf),
        )
        return cls(
            name=facts["stack_name"],
            region=facts["region"],
            session=session,
            endpoint_url=facts["endpoint_url"],
            local_webhook_url=facts["webhook_url"],
            headers=facts["webhook_headers"],
        )

    def looked_at_anew(self) -> "DeployedStack":
        """The same stack, of which nothing is remembered: it may have been updated meanwhile."""
        return replace(self)

    @property
    def label(self) -> str:
        """The target for a person: stack, region and account, or that it is on this machine. Raises OperatorError if
        there is no such stack."""
        if self.endpoint_url:
            return f"{self.name} on this machine (make up)"
        by = f" ({self.origin})" if self.origin else ""
        return f"{self.name} in {self.region}, account {self.account}{by}"

    @cached_property
    def account(self) -> str:
        """The number of the AWS account."""
        return str(self._description["StackId"]).split(":")[4]

    # -- what it is made of -------------------------------------------------------------------------------------------

    @cached_property
    def _description(self) -> dict[str, Any]:
        try:
            stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                raise OperatorError(
                    f"there is no stack {self.name} in {self.region}",
                    "Deploy it (docs/deploying.md), or choose another --stack-name, --region or --profile.",
                ) from None
            raise
        return dict(stacks[0])

    @property
    def status(self) -> str:
        """CloudFormation's word. Raises OperatorError if there is no such stack."""
        return str(self._description["StackStatus"])

    @property
    def created_at(self) -> datetime:
        when: datetime = self._description.get("CreationTime", _EVER)
        return when

    @property
    def deployed_at(self) -> datetime:
        """When it was last."""
        when: datetime = self._description.get("LastUpdatedTime", self.created_at)
        return when

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._description.get("Outputs", [])}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """What the stack was deployed with, by name."""
        return {entry["ParameterKey"]: entry["ParameterValue"] for entry in self._description.get("Parameters", [])}

    @cached_property
    def _resources(self) -> list[dict[str, Any]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    @cached_property
    def alarm_names(self) -> list[str]:
        alarms = [resource for resource in self._resources if resource["ResourceType"] == "AWS::CloudWatch::Alarm"]
        return [alarm["PhysicalResourceId"] for alarm in alarms]

    @cached_property
    def resources(self) -> dict[str, str]:
        """The name in AWS of each resource of the template, by its name there."""
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in self._resources
            if "PhysicalResourceId" in resource
        }

    def resources_of(self, kind: str) -> dict[str, str]:
        """The name in AWS of each resource of a kind such as ``AWS::SQS::Queue``, by its name in the template."""
        kinds = {resource["LogicalResourceId"]: resource["ResourceType"] for resource in self._resources}
        return {name: physical for name, physical in self.resources.items() if kinds.get(name) == kind}

    def output(self, name: str) -> str:
        """Raises OperatorError for an output that the stack does not have."""
        if name not in self.outputs:
            raise OperatorError(
                f"the stack {self.name} has no output {name}",
                "It was deployed from another version, or without this part; deploy it again.",
            )
        return self.outputs[name]

    def answers_output(self, name: str) -> str:
        """An output that the stack has only with answers. Raises OperatorError where they are off."""
        if name not in self.outputs:
            raise OperatorError(f"answers are off in the stack {self.name}", "Deploy it with Answers=ENABLED.")
        return self.outputs[name]

    def event_sources(self, function: str) -> list[dict[str, Any]]:
        """The mappings of Lambda that call a function, such as ``Consumer``, with events. Raises OperatorError if the
        stack has no such function."""
        # Lambda lists an alias's mappings under the alias's own name only.
        alias = ":live" if self.parameters.get("GradualDeployment") == "ENABLED" else ""
        name = self.output(f"{function}FunctionName") + alias
        return list(self.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"])

    @property
    def webhook_url(self) -> str:
        return self.local_webhook_url or self.output("WebhookUrl")

    def client(self, service: str, is_slow: bool = False) -> Any:
        """A client of an AWS service; ``is_slow`` for calls that take as long as a function may."""
        make: Any = self.session.client
        config = _LONG_CALLS if is_slow else _CALLS
        return self.clients.get(service, is_slow, lambda: make(service, endpoint_url=self.endpoint_url, config=config))

    # -- what is in it ------------------------------------------------------------------------------------------------

    @cached_property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    @property
    def table_name(self) -> str:
        return self.output("OrdersTableName")

    @property
    def table(self) -> Table:
        """The rows of the table as they are."""
        return Table(self.dynamodb, self.table_name)

    @property
    def orders(self) -> OrdersTable:
        retention = retention_of(int(self.parameters.get("OrderRetentionDays", "400")))
        return OrdersTable(self.dynamodb, self.table_name, retention)

    @property
    def stores(self) -> StoresTable:
        return StoresTable(self.dynamodb, self.table_name, self.parameters.get("ChainId", ""), now)

    @property
    def answers(self) -> AnswersTable:
        retention = retention_of(int(self.parameters.get("OrderRetentionDays", "400")))
        return AnswersTable(self.dynamodb, self.table_name, retention)

    @property
    def rejected(self) -> RejectedTable:
        retention = retention_of(int(self.parameters.get("RejectedRetentionDays", "90")))
        return RejectedTable(self.dynamodb, self.table_name, retention, now)

    @property
    def reconciliation(self) -> ReconciliationTable:
        return ReconciliationTable(self.dynamodb, self.table_name, now)

    @property
    def queue(self) -> OrderEventsQueue:
        return OrderEventsQueue(self.client("sqs"), self.output("OrderEventsQueueUrl"))
