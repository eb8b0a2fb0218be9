"""The stacks of template.yaml and catalogue.yaml on the local AWS: built and deployed with sam, as in AWS.

MiniStack reads less of a template than AWS does. What it leaves out is added after the deployment.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import boto3
import botocore.session
import requests

from partner_orders_console.operations.catalogue_stack import SUFFIX, shared_parameters
from partner_orders_console.operations.stack import DeployedStack
from tools.local.emulated_template import emulated
from tools.local.emulator import REGION, ROOT
from tools.local.process import ProcessFailedError
from tools.quiet_command import CommandFailedError, run_quietly

SAM = ROOT / ".venv-tools" / "bin" / "sam"
UV = ROOT / ".venv-tools" / "bin" / "uv"
# In folders of their own: sam keeps a file beside each, and both are built at the same time.
BUILD = ROOT / ".aws-sam" / "local"
CATALOGUE_BUILD = ROOT / ".aws-sam" / "catalogue" / "local"
STACK_FILE = ROOT / ".local" / "stack.json"
STACK_NAME = "partner-orders"
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
# Any key pair that MiniStack did not create is its administrator.
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

EMPTY = '""'
# The id in AWS and the definition of each resource of a stack, by its name in the template.
type _Resources = Mapping[str, tuple[str, dict[str, Any]]]
SQS_ACTIONS_WITH_BATCHES = {"sqs:SendMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"}


@dataclass(frozen=True)
class Stack:
    """A deployed stack and how to reach it: the content of .local/stack.json.

    The webhook secret and the token are those of its deployment.
    """

    endpoint_url: str
    region: str
    stack_name: str
    webhook_url: str
    webhook_headers: dict[str, str]
    webhook_secret: str = field(repr=False)
    platform_url: str
    outputs: dict[str, str]
    partner_api_token: str = field(default="", repr=False)
    # Of the catalogue's stack beside it; empty without one.
    catalogue_outputs: dict[str, str] = field(default_factory=dict)
    catalogue_webhook_url: str = ""
    catalogue_webhook_headers: dict[str, str] = field(default_factory=dict)

    def client(self, service: str, **options: Any) -> Any:
        return client(service, self.endpoint_url, **options)

    @property
    def catalogue_name(self) -> str:
        """The name of the catalogue's stack."""
        return self.stack_name + SUFFIX

    def answers_host(self) -> str:
        """The host name by which MiniStack finds the answers API."""
        return f"{self.outputs['AnswersApiUrl'].partition('://')[2].partition('.')[0]}.execute-api.localhost"

    def present_webhook_secret(self) -> str:
        """The webhook secret as it is now: it may have been rotated."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.outputs["WebhookSecretArn"])
        return str(answer["SecretString"])

    def deployed(self) -> DeployedStack:
        """The same stack as the operator's commands see it."""
        return DeployedStack(
            self.stack_name,
            self.region,
            session(),
            endpoint_url=self.endpoint_url,
            local_webhook_url=self.webhook_url,
            headers=self.webhook_headers,
        )

    def save(self, path: Path = STACK_FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)  # An existing file keeps its mode.
            file.write(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path = STACK_FILE) -> Self:
        """Raises FileNotFoundError when no `make up` is running."""
        return cls(**json.loads(path.read_text()))


def is_up() -> bool:
    """Whether the stack of `make up` responds. A killed `make up` leaves its file behind."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return requests.get(f"{Stack.load().endpoint_url}/_ministack/health", timeout=10).ok
    return False


def client(service: str, endpoint_url: str, **options: Any) -> Any:
    """An AWS client that cannot reach anything but the local AWS."""
    return session().client(service, endpoint_url=endpoint_url, **options)  # type: ignore[call-overload]


@cache
def session() -> boto3.Session:
    """A session that cannot reach anything but the local AWS."""
    # Without the developer's profiles and AWS configuration.
    nowhere = (None, None, os.devnull, None)
    settings = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=settings), region_name=REGION, **CREDENTIALS
    )


def build() -> None:
    """Run `sam build` for this machine if a source has changed. Raises ProcessFailedError."""
    stamps = [folder / ".built-from" for folder in (BUILD, CATALOGUE_BUILD)]
    with _build_locked(fcntl.LOCK_EX):
        sources = _fingerprint()
        if all(stamp.is_file() and stamp.read_text() == sources for stamp in stamps):
            return
        for stamp in stamps:
            stamp.unlink(missing_ok=True)
        with ThreadPoolExecutor() as beside:
            catalogue = beside.submit(built_from, ROOT, CATALOGUE_BUILD, "catalogue.yaml")
            built_from(ROOT, BUILD)
            catalogue.result()
        for stamp in stamps:
            stamp.write_text(sources)


def built_from(root: Path, into: Path, template: str = "template.yaml") -> None:
    """Run `sam build` for this machine with the sources under ``root``. Raises ProcessFailedError."""
    _sam(
        "build",
        {
            "template-file": root / template,
            "build-dir": into,
            "parameter-overrides": [f"Architecture={ARCHITECTURE}"],
        },
        {"ARCHITECTURE": ARCHITECTURE, "PYTHON": _base_python(), "UV": str(UV)},
    )


def deploy(
    endpoint_url: str,
    platform_url: str,
    parameters: Mapping[str, str],
    built: Path = BUILD,
    stack_name: str = STACK_NAME,
) -> dict[str, str]:
    """Deploy what build() built, with the environment `local` of samconfig.toml. Returns the stack's outputs.

    A second call updates the stack. Raises ProcessFailedError.
    """
    with _build_locked(fcntl.LOCK_SH):
        _sam(
            "deploy",
            {
                "config-file": ROOT / "samconfig.toml",
                "config-env": "local",
                "template-file": emulated(built / "template.yaml"),
                "stack-name": stack_name,
                "s3-prefix": stack_name,
                "region": REGION,
                "parameter-overrides": parameter_overrides(platform_url, parameters),
            },
            {"AWS_ENDPOINT_URL": endpoint_url, "SAM_CLI_POLL_DELAY": "0.5"},
        )
    cloudformation = client("cloudformation", endpoint_url)
    resources = _resources(cloudformation, stack_name)
    _mend_routes(resources, client("apigatewayv2", endpoint_url))
    _mend_concurrency(resources, client("lambda", endpoint_url))
    _mend_event_sources(client("lambda", endpoint_url))
    _mend_batch_permissions(client("iam", endpoint_url))
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@contextlib.contextmanager
def _build_locked(kind: int) -> Iterator[None]:
    """Hold the build's lock: one process builds, or several deploy."""
    lock = ROOT / ".local" / "build.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, kind)
        yield


def deploy_catalogue(
    endpoint_url: str, parameters: Mapping[str, str], built: Path = CATALOGUE_BUILD, beside: str = STACK_NAME
) -> dict[str, str]:
    """Deploy the catalogue beside the orders stack of that name, with ``parameters`` of its own beside those that
    follow from that stack. Returns its outputs. Raises ProcessFailedError."""
    described = client("cloudformation", endpoint_url).describe_stacks(StackName=beside)["Stacks"][0]
    orders = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    given = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described["Parameters"]}
    shared = shared_parameters(orders, given)
    return deploy(endpoint_url, given["PartnerApiBaseUrl"], {**shared, **parameters}, built, beside + SUFFIX)


def with_catalogue(stack: Stack, outputs: dict[str, str]) -> Stack:
    """The stack with what is known of the catalogue beside it."""
    return replace(
        stack,
        catalogue_outputs=outputs,
        catalogue_webhook_url=f"{stack.endpoint_url}/catalogue-callbacks",
        catalogue_webhook_headers={"Host": f"{outputs['CatalogueApiId']}.execute-api.localhost"},
    )


def switch_schedules(stack: Stack, state: str, of_stack: str = "") -> None:
    """Switch schedules ENABLED or DISABLED: those of the stack of that name, or all. Whoever tries what a schedule
    calls switches it off, and calls it."""
    scheduler = stack.client("scheduler")
    for listed in scheduler.list_schedules()["Schedules"]:
        if listed["Name"].startswith(of_stack):
            schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
            names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            scheduler.update_schedule(**{name: schedule[name] for name in names}, State=state)


def describe(endpoint_url: str, platform_url: str, outputs: dict[str, str]) -> Stack:
    """The deployed stack with the webhook's URL and secret for the platform, and the platform's token."""
    secrets = client("secretsmanager", endpoint_url)
    webhook, partner_api = (
        secrets.get_secret_value(SecretId=outputs[arn])["SecretString"]
        for arn in ("WebhookSecretArn", "PartnerApiSecretArn")
    )
    return Stack(
        endpoint_url=endpoint_url,
        region=REGION,
        stack_name=STACK_NAME,
        webhook_url=f"{endpoint_url}/order-events",
        webhook_headers=webhook_headers(outputs),
        webhook_secret=webhook,
        platform_url=platform_url,
        outputs=outputs,
        partner_api_token=json.loads(partner_api)["token"],
    )


def webhook_headers(outputs: Mapping[str, str]) -> dict[str, str]:
    """The headers for a request to the local webhook. MiniStack finds the API by its host name."""
    return {"Host": f"{outputs['OrderEventsApiId']}.execute-api.localhost"}


def _resources(cloudformation: Any, stack_name: str) -> _Resources:
    template = cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    defined = (template if isinstance(template, dict) else json.loads(template))["Resources"]
    described = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    physical_ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}
    return {name: (physical_ids[name], definition) for name, definition in defined.items() if name in physical_ids}


def _mend_routes(resources: _Resources, api_gateway: Any) -> None:
    """Create the API's routes one by one, since MiniStack ignores the OpenAPI body that sam makes of an HTTP API."""
    physical_ids = {name: physical_id for name, (physical_id, _) in resources.items()}
    for api_id, resource in resources.values():
        if resource["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        existing = {route["RouteKey"]: route["Target"] for route in api_gateway.get_routes(ApiId=api_id)["Items"]}
        for path, methods in resource["Properties"]["Body"]["paths"].items():
            for method, operation in methods.items():
                if method == "parameters":
                    continue
                route_key = f"{method.upper()} {path}"
                uri = _called(json.dumps(operation["x-amazon-apigateway-integration"]["uri"]), physical_ids)
                if route_key in existing:
                    integration_id = existing[route_key].removeprefix("integrations/")
                    api_gateway.update_integration(ApiId=api_id, IntegrationId=integration_id, IntegrationUri=uri)
                    continue
                integration = api_gateway.create_integration(
                    ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri, PayloadFormatVersion="2.0"
                )
                target = f"integrations/{integration['IntegrationId']}"
                signed = "AWS_IAM" if "security" in operation else "NONE"
                api_gateway.create_route(ApiId=api_id, RouteKey=route_key, Target=target, AuthorizationType=signed)


def _mend_concurrency(resources: _Resources, functions: Any) -> None:
    """Reserve executions for the functions that the template reserves some for, which MiniStack leaves out."""
    for name, resource in resources.values():
        reserved = resource.get("Properties", {}).get("ReservedConcurrentExecutions")
        if resource["Type"] == "AWS::Lambda::Function" and reserved is not None:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))


def _called(uri: str, physical_ids: Mapping[str, str]) -> str:
    """The ARN of the first function or alias of the stack that an integration's URI names. An alias's id is its ARN."""
    named = next(name for name in re.findall(r"functions/\$\{(\w+)", uri) if name in physical_ids)
    arn = physical_ids[named]
    return arn if arn.startswith("arn:") else f"arn:aws:lambda:{REGION}:000000000000:function:{arn}"


def _mend_event_sources(functions: Any) -> None:
    """Write each event source mapping again, with its concurrency as a number.

    MiniStack keeps a parameter's number as text, and its SQS poller fails on that. After an update it also polls for
    the alias before.
    """
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        concurrency = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        scaling = {} if concurrency is None else {"ScalingConfig": {"MaximumConcurrency": int(concurrency)}}
        functions.update_event_source_mapping(UUID=mapping["UUID"], FunctionName=mapping["FunctionArn"], **scaling)


def _mend_batch_permissions(iam: Any) -> None:
    """Allow `sqs:SendMessageBatch` and the like to MiniStack, where AWS checks `sqs:SendMessage`."""
    for role in (role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                batches = [f"{action}Batch" for action in actions if action in SQS_ACTIONS_WITH_BATCHES]
                statement["Action"] = [*actions, *batches]
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def _sam(command: str, options: Mapping[str, str | Path | list[str]], environment: Mapping[str, str]) -> None:
    """Run sam without the developer's AWS settings, so that it reaches only what ``environment`` names."""
    arguments: list[str | Path] = []
    for name, value in options.items():
        arguments += [f"--{name}", *(value if isinstance(value, list) else [value])]
    try:
        run_quietly([SAM, command, *arguments], sam_environment(environment))
    except CommandFailedError as error:
        raise ProcessFailedError(f"sam {command} failed:\n{error}") from None


def sam_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for sam: ours without the developer's AWS settings, and ``environment``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_", "MAKE"))}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(Path(sys.base_prefix) / "bin"), inherited.get("PATH", os.defpath)]),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **environment,
    }


def parameter_overrides(platform_url: str, parameters: Mapping[str, str] | None = None) -> list[str]:
    """The template's parameters for this machine, as arguments of sam."""
    values = {"Architecture": ARCHITECTURE, "PartnerApiBaseUrl": platform_url, **(parameters or {})}
    # sam reads nothing at all as a mistake.
    return [f"{name}={value or EMPTY}" for name, value in values.items()]


def _base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / "python3.13")


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{ARCHITECTURE} {sys.version}".encode())
    for path in sorted(_sources()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (ROOT / "template.yaml", ROOT / "catalogue.yaml")
    layer, sftp = ROOT / "layers" / "partner_orders", ROOT / "layers" / "sftp"
    yield from (one / name for one in (layer, sftp) for name in ("Makefile", "requirements.txt"))
    for folder in (ROOT / "functions", layer / "partner_orders"):
        yield from (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
