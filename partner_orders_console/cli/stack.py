"""The deployed stack that commands talk to: found by name, from samconfig.toml, or the one that `make up` started."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import typer
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

from partner_orders.clock import now
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.settings import retention_of
from partner_orders.stores.table import StoresTable
from partner_orders_console.cli.errors import OperatorError

# The clone that this module is in; installed from a wheel, it is in none.
CLONE = Path(__file__).parents[2]


def users_stack_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where `make up` also leaves word of its stack, for a command line that is in no clone: the user's state."""
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "partner-orders" / "local-stack.json"


def _stack_file() -> Path:
    """The file that says where the stack of `make up` is: as told, in this clone, or for this user."""
    if told := os.environ.get("PARTNER_ORDERS_LOCAL_STACK"):
        return Path(told)
    in_clone = CLONE / ".local" / "stack.json"
    return in_clone if in_clone.is_file() else users_stack_file()


def _samconfig() -> Path:
    """The clone's, or that of the current folder."""
    in_clone = CLONE / "samconfig.toml"
    return in_clone if in_clone.is_file() else Path("samconfig.toml")


LOCAL_STACK = _stack_file()
# What botocore raises before it asks AWS anything, in place of an answer.
NOT_SIGNED_IN = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError, TokenRetrievalError)
_EVER = datetime.min.replace(tzinfo=UTC)
_CALLS = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 4, "mode": "standard"})
_LONG_CALLS = Config(connect_timeout=5, read_timeout=910, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Where:
    """Which stack, as the operator said: by name, by an environment of samconfig.toml, or the one on this machine."""

    stack_name: str | None = None
    config_env: str | None = None
    region: str | None = None
    profile: str | None = None
    is_local: bool = False


@dataclass(frozen=True)
class DeployedStack:
    """``headers`` are what a request to the webhook needs beside the secret: only on a laptop."""

    name: str
    region: str
    session: boto3.Session = field(repr=False)
    endpoint_url: str | None = None
    local_webhook_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def find(cls, where: Where) -> "DeployedStack":
        """Raises OperatorError if it is not clear which stack is meant, and typer's BadParameter if two are."""
        if where.is_local and (where.stack_name or where.config_env):
            raise typer.BadParameter("--local is the stack on this machine: without --stack-name and --config-env")
        if where.is_local or (LOCAL_STACK.is_file() and not (where.stack_name or where.config_env)):
            return cls._local()
        name, region = where.stack_name, where.region
        if where.config_env:
            settings = _deploy_parameters(where.config_env)
            name, region = name or settings.get("stack_name"), region or settings.get("region")
        if not name:
            raise OperatorError(
                "which stack?",
                "Name it with --stack-name, or an environment of samconfig.toml with --config-env, or start one with"
                " `make up`.",
            )
        region = region or os.environ.get("AWS_REGION")  # The AWS CLI's; boto3 knows AWS_DEFAULT_REGION only.
        try:
            session = boto3.Session(profile_name=where.profile, region_name=region)
        except BotoCoreError as error:
            raise OperatorError(str(error), "Choose another --profile, or sign in with the AWS CLI.") from None
        if session.region_name is None:
            raise OperatorError("which region?", "Say it with --region, or set AWS_REGION.")
        return cls(name, session.region_name, session)

    @classmethod
    def _local(cls) -> "DeployedStack":
        try:
            content = json.loads(LOCAL_STACK.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise OperatorError("no stack is up on this machine", "Start one with `make up`.") from None
        except ValueError:
            raise OperatorError(f"{LOCAL_STACK} is cut short", "Start the stack anew with `make up`.") from None
        # Deaf to the operator's profiles: nothing that is meant for the laptop reaches an account.
        nowhere = (None, None, os.devnull, None)
        deaf = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        session = boto3.Session(
            "test",
            "test",
            region_name=content["region"],
            botocore_session=botocore.session.Session(session_vars=deaf),
        )
        return cls(
            name=content["stack_name"],
            region=content["region"],
            session=session,
            endpoint_url=content["endpoint_url"],
            local_webhook_url=content["webhook_url"],
            headers=content["webhook_headers"],
        )

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
    def alarm_names(self) -> list[str]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        alarms = [resource for resource in resources if resource["ResourceType"] == "AWS::CloudWatch::Alarm"]
        return [alarm["PhysicalResourceId"] for alarm in alarms]

    def output(self, name: str) -> str:
        """Raises OperatorError for an output that the stack does not have."""
        if name not in self.outputs:
            raise OperatorError(
                f"the stack {self.name} has no output {name}",
                "It was deployed from another version, or without this part; deploy it again.",
            )
        return self.outputs[name]

    @property
    def webhook_url(self) -> str:
        return self.local_webhook_url or self.output("WebhookUrl")

    def client(self, service: str, is_slow: bool = False) -> Any:
        """A client of an AWS service; ``is_slow`` for calls that take as long as a function may."""
        make: Any = self.session.client
        return make(service, endpoint_url=self.endpoint_url, config=_LONG_CALLS if is_slow else _CALLS)

    # -- what is in it ------------------------------------------------------------------------------------------------

    @cached_property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    @property
    def table_name(self) -> str:
        return self.output("OrdersTableName")

    @property
    def orders(self) -> OrdersTable:
        retention = retention_of(int(self.parameters.get("OrderRetentionDays", "400")))
        return OrdersTable(self.dynamodb, self.table_name, retention)

    @property
    def stores(self) -> StoresTable:
        return StoresTable(self.dynamodb, self.table_name, self.parameters.get("ChainId", ""), now)

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


def _deploy_parameters(config_env: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(_samconfig().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OperatorError(
            "there is no samconfig.toml here", "Go to the folder that has it, or name the stack with --stack-name."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"samconfig.toml is not TOML: {error}", "Mend it, or use --stack-name.") from None
    if config_env not in content:
        names = ", ".join(name for name, value in content.items() if isinstance(value, dict) and "deploy" in value)
        raise OperatorError(f"samconfig.toml has no environment {config_env}", f"It has: {names}.")
    return dict(content[config_env].get("deploy", {}).get("parameters", {}))
