"""Where a stack is deployed: an AWS account, or the local AWS of `make up`. The steps are the same in both."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from partner_orders_console.operations.catalogue_stack import SUFFIX
from tools.deploy.artefact import ORDERS, Contents
from tools.deploy.artefact import check as check_artefact
from tools.deploy.build import ROOT, TOOLS, build
from tools.deploy.environment import Environment
from tools.local import stack as local
from tools.local.stack import STACK_FILE, Stack

DEPLOYABLE = ROOT / ".aws-sam" / "deploy"
CATALOGUE_DEPLOYABLE = ROOT / ".aws-sam" / "catalogue" / "deploy"
LOCAL = "local"


class DeploymentError(Exception):
    """A step failed. The message says which, and what to do."""


@dataclass(frozen=True)
class Deployed:
    """A stack as it came out. ``headers`` are what a request to the webhook needs beside the secret, ``options`` those
    of `partner-orders` that name the stack."""

    stack_name: str
    region: str
    outputs: Mapping[str, str]
    webhook_url: str
    headers: Mapping[str, str]
    options: tuple[str, ...]


class Target(Protocol):
    """One environment at one place. ``has_metrics`` tells whether CloudWatch takes metrics out of logs there."""

    @property
    def environment(self) -> Environment: ...

    @property
    def has_metrics(self) -> bool: ...

    def renamed(self, environment: Environment) -> Self:
        """The same place for another environment."""

    def sign_in(self) -> str:
        """Who deploys, in words. Raises DeploymentError if nobody can."""

    def build(self, architecture: str, contents: Contents = ORDERS) -> Path:
        """Build and check; returns the folder. Raises FaultyBuildError or ProcessFailedError."""

    def deploy(self, built: Path, asks: bool) -> Deployed:
        """Deploy ``built``; ``asks`` lets the environment's own confirm_changeset ask. Raises DeploymentError."""

    def deploy_catalogue(self, built: Path, parameters: Mapping[str, str], asks: bool) -> Deployed:
        """The same for the catalogue beside the environment's stack, with the catalogue's own and shared parameters."""

    def client(self, service: str) -> Any:
        """A client of an AWS service there."""

    def operator_environment(self) -> dict[str, str]:
        """The process environment in which `partner-orders` finds the stack by Deployed.options."""


@dataclass(frozen=True)
class Account:
    """The AWS account that the AWS CLI is signed in to."""

    environment: Environment
    has_metrics: bool = True

    def renamed(self, environment: Environment) -> Self:
        return replace(self, environment=environment)

    def sign_in(self) -> str:
        try:
            identity = self.client("sts").get_caller_identity()
        except EndpointConnectionError:
            raise DeploymentError(
                f"AWS cannot be reached in {self.environment.region}: check the network and the region."
            ) from None
        except (BotoCoreError, ClientError) as error:
            raise DeploymentError(
                f"AWS does not know who you are ({type(error).__name__}): sign in with the AWS CLI, or set AWS_PROFILE."
            ) from None
        return f"account {identity['Account']}, {self.environment.region}"

    def build(self, architecture: str, contents: Contents = ORDERS) -> Path:
        folder = (DEPLOYABLE if contents is ORDERS else CATALOGUE_DEPLOYABLE) / self.environment.name
        build(folder, architecture, contents)
        return folder

    def deploy(self, built: Path, asks: bool) -> Deployed:
        name = self.environment.stack_name
        outputs = self._outputs(built, name, self.environment.parameters, asks)
        return Deployed(name, self.environment.region, outputs, outputs["WebhookUrl"], {}, self._options())

    def deploy_catalogue(self, built: Path, parameters: Mapping[str, str], asks: bool) -> Deployed:
        name = self.environment.stack_name + SUFFIX
        outputs = self._outputs(built, name, parameters, asks)
        return Deployed(name, self.environment.region, outputs, outputs["CatalogueWebhookUrl"], {}, self._options())

    def _options(self) -> tuple[str, ...]:
        """What names the orders stack, by which commands find the catalogue, too."""
        where = ["--stack-name", self.environment.stack_name, "--region", self.environment.region]
        where += ["--profile", self.environment.profile] if self.environment.profile else []
        return tuple(where)

    def _outputs(self, built: Path, stack_name: str, parameters: Mapping[str, str], asks: bool) -> dict[str, str]:
        """Deploy ``built`` under a name; the stack's outputs. Raises DeploymentError."""
        options = {
            "config-file": str(ROOT / "samconfig.toml"),
            "config-env": self.environment.name,
            "template-file": str(built / "template.yaml"),
            "stack-name": stack_name,
            "region": self.environment.region,
            "s3-prefix": stack_name,
        }
        command = [
            str(TOOLS / "sam"),
            "deploy",
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        command += [] if asks else ["--no-confirm-changeset"]
        command += ["--parameter-overrides", *map(_quoted, parameters.items())]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise DeploymentError(_failed(stack_name))
        described = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def client(self, service: str) -> Any:
        session: Any = boto3.Session(profile_name=self.environment.profile or None, region_name=self.environment.region)
        return session.client(service)

    def operator_environment(self) -> dict[str, str]:
        return dict(os.environ)


@dataclass(frozen=True)
class Laptop:
    """The local AWS that `make up` started; ``stack`` is its stack, ``stack_file`` where word of it is left."""

    environment: Environment
    stack: Stack = field(repr=False)
    stack_file: Path = STACK_FILE
    has_metrics: bool = False

    def renamed(self, environment: Environment) -> Self:
        return replace(self, environment=environment)

    def sign_in(self) -> str:
        return f"the local AWS at {self.stack.endpoint_url}"

    def build(self, architecture: str, contents: Contents = ORDERS) -> Path:
        local.build()
        folder = local.BUILD if contents is ORDERS else local.CATALOGUE_BUILD
        check_artefact(folder, architecture, contents)
        return folder

    def deploy(self, built: Path, asks: bool) -> Deployed:  # noqa: ARG002 - nobody is asked on a laptop
        environment, stack = self.environment, self.stack
        outputs = local.deploy(
            stack.endpoint_url, stack.platform_url, environment.parameters, built, environment.stack_name
        )
        if environment.stack_name == stack.stack_name:
            replace(stack, outputs=outputs).save(self.stack_file)
        headers = local.webhook_headers(outputs)
        options = ("--local",)
        return Deployed(environment.stack_name, environment.region, outputs, stack.webhook_url, headers, options)

    def deploy_catalogue(self, built: Path, parameters: Mapping[str, str], asks: bool) -> Deployed:  # noqa: ARG002
        stack, beside = self.stack, self.environment.stack_name
        outputs = local.deploy_catalogue(stack.endpoint_url, parameters, built, beside)
        whole = local.with_catalogue(stack, outputs)
        if beside == stack.stack_name:
            whole.save(self.stack_file)
        url, headers = whole.catalogue_webhook_url, whole.catalogue_webhook_headers
        return Deployed(beside + SUFFIX, self.environment.region, outputs, url, headers, ("--local",))

    def client(self, service: str) -> Any:
        return self.stack.client(service)

    def operator_environment(self) -> dict[str, str]:
        return os.environ | {"PARTNER_ORDERS_LOCAL_STACK": str(self.stack_file)}


def _quoted(parameter: tuple[str, str]) -> str:
    """A parameter as sam reads it: a value with spaces would end at the first."""
    name, value = parameter
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _failed(stack_name: str) -> str:
    return (
        f"sam deploy failed for {stack_name}; the lines above say why. After a first deployment that failed, delete the"
        ' stack and its table before the next: docs/deploying.md, "A first deployment that fails".'
    )
