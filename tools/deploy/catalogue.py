"""The steps of `make deploy-catalogue`: the catalogue beside an orders stack that is deployed already."""

import sys
from collections.abc import Mapping
from typing import Any

from partner_orders_console.operations.catalogue_stack import SUFFIX, shared_parameters
from tools.deploy.artefact import CATALOGUE
from tools.deploy.deployment import examine, exists, say, validate_template
from tools.deploy.environment import CATALOGUE as TEMPLATE
from tools.deploy.environment import check_catalogue
from tools.deploy.target import Deployed, DeploymentError, Target

FUNCTIONS = 4  # of one execution each; with SFTP one more
UNRESERVED = 100  # executions that AWS keeps for functions that reserve none


def deploy_catalogue(target: Target, own: Mapping[str, str], template: Mapping[str, Any], asks: bool = True) -> int:
    """Check, build, deploy and examine the catalogue, and print what to paste where. ``own`` are the parameters that
    samconfig.toml gives it; the others follow from the orders stack.

    Returns the exit status: 1 if doctor found a fault in a catalogue that was there before. Raises DeploymentError,
    WrongEnvironmentError, FaultyBuildError, ProcessFailedError, and botocore's errors.
    """
    environment = target.environment
    say(f"deploys to {target.sign_in()}")
    shared = _shared(target)
    check_catalogue(environment, own, shared, template)
    say(f"parameters: {len(own)} of samconfig.toml, {len(shared)} of the stack {environment.stack_name}")
    is_new = not exists(target, environment.stack_name + SUFFIX)
    _check_concurrency(target, is_new, FUNCTIONS + bool(own.get("SftpHost")))
    validate_template(environment.region, TEMPLATE)
    architecture = shared["Architecture"]
    built = target.build(architecture, CATALOGUE)
    say(f"built for {architecture} and opened: {built}")
    deployed = target.deploy_catalogue(built, {**shared, **own}, asks)
    say(f"deployed {deployed.stack_name}; doctor examines it and the stack beside it:")
    has_faults = examine(deployed, target.operator_environment())
    print("\n" + to_paste(deployed))
    if has_faults:
        print("\nThe catalogue is deployed. doctor found faults: follow its advice above.", file=sys.stderr)
    return 1 if has_faults and not is_new else 0


def to_paste(deployed: Deployed) -> str:
    """What a person pastes where after a deployment, and what comes next."""
    command = f".venv/bin/partner-orders {' '.join(deployed.options)}"
    headers = "".join(f"  (with the header {name}: {value})" for name, value in deployed.headers.items())
    outputs = deployed.outputs
    return (
        "Paste into the Shop Integrations plug-in of the partner portal:\n"
        f"  webhook URL for the catalogue  {deployed.webhook_url}{headers}\n"
        f"  webhook secret                 that of orders: {command} secrets show-webhook\n"
        "If the plug-in has one URL for both, leave that of orders in it. Add this to the parameters of the\n"
        "orders stack, and deploy that stack again:\n"
        f"  CatalogueCallbacksQueueArn={outputs['CallbacksQueueArn']}\n"
        f"Files go into the bucket {outputs['FilesBucketName']}, under lists/<store>/ and changes/<store>/.\n"
        f"Check again with: {command} doctor"
    )


def _shared(target: Target) -> dict[str, str]:
    """The parameters that follow from the orders stack. Raises DeploymentError if it is missing, or not made for a
    catalogue."""
    name, environment = target.environment.stack_name, target.environment.name
    if not exists(target, name):
        raise DeploymentError(
            f"There is no stack {name}: add Catalogue=ENABLED to [{environment}.deploy.parameters] in samconfig.toml,"
            f" and run make deploy ENV={environment} first."
        )
    described = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described.get("Parameters", [])}
    if parameters.get("Catalogue") != "ENABLED" or "RequestBudgetTableArn" not in outputs:
        raise DeploymentError(
            f"The stack {name} is not deployed with Catalogue=ENABLED: add it to [{environment}.deploy.parameters] in"
            f" samconfig.toml, and run make deploy ENV={environment} first."
        )
    return shared_parameters(outputs, parameters)


def _check_concurrency(target: Target, is_new: bool, functions: int) -> None:
    """Raises DeploymentError if AWS would refuse to reserve the functions' executions."""
    limit = target.client("lambda").get_account_settings()["AccountLimit"]
    needed = UNRESERVED + functions
    whole, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    if whole < needed:
        raise DeploymentError(
            f"The account may run {whole} functions at once; the catalogue needs {needed}, since AWS keeps {UNRESERVED}"
            f" unreserved and each of its {functions} functions reserves one. Ask AWS to raise the quota"
            ' "Concurrent executions" of Lambda.'
        )
    if is_new and free < needed:
        raise DeploymentError(
            f"Other functions have reserved all but {free} of the account's {whole} executions; the catalogue needs"
            f" {needed} unreserved ones before it is deployed. Reserve less for them, or ask AWS for more."
        )
