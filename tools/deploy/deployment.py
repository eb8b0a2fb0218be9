"""The steps of a deployment, each of which stops it with a sentence."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy.build import ROOT, TOOLS
from tools.deploy.environment import TEMPLATE, check
from tools.deploy.target import Deployed, DeploymentError, Target


def prepared(target: Target, template: Mapping[str, Any]) -> Path:
    """Check parameters, sign-in and template, then build; returns the folder to deploy.

    Raises WrongEnvironmentError, FaultyBuildError, ProcessFailedError or DeploymentError.
    """
    environment = target.environment
    check(environment, template)
    say(f"parameters of {environment.name}: {len(environment.parameters)}, all known to the template")
    say(f"deploys to {target.sign_in()}")
    validate_template(environment.region)
    architecture = environment.architecture(template)
    built = target.build(architecture)
    say(f"built for {architecture} and opened: {built}")
    return built


def deploy(target: Target, template: Mapping[str, Any], asks: bool = True) -> int:
    """Build, check, deploy, examine, and print what to paste where.

    Returns the exit status: 1 if doctor found a fault in a stack that was there before. A new stack has no credentials
    yet, so that doctor must find faults. Raises what prepared() raises, and botocore's errors.
    """
    built = prepared(target, template)
    is_new = not exists(target, target.environment.stack_name)
    deployed = target.deploy(built, asks)
    say(f"deployed {deployed.stack_name}; doctor examines it:")
    has_faults = examine(deployed, target.operator_environment())
    print("\n" + to_paste(deployed))
    if has_faults and is_new:
        print("\nThe stack is new: store the credentials as above, and run doctor again.")
    elif has_faults:
        print("\nThe stack is deployed. doctor found faults: follow its advice above.", file=sys.stderr)
    return 1 if has_faults and not is_new else 0


def validate_template(region: str, template: Path = TEMPLATE) -> None:
    """Let sam and cfn-lint read the template. Raises DeploymentError with what they found."""
    command = [str(TOOLS / "sam"), "validate", "--lint", "--region", region, "--template-file", str(template)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        found = "\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-20:])
        raise DeploymentError(f"{found}\n{template.name} is not valid: correct what the lines above name.")
    say(f"{template.name} is valid")


def examine(deployed: Deployed, environment: Mapping[str, str]) -> bool:
    """Run `partner-orders doctor`, which prints what it finds. Returns whether it found a fault."""
    command = [str(_operator()), *deployed.options, "doctor"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0


def to_paste(deployed: Deployed) -> str:
    """What a person pastes where after a deployment. It names where secrets are read, and holds none."""
    command = f".venv/bin/partner-orders {' '.join(deployed.options)}"
    headers = "".join(f"  (with the header {name}: {value})" for name, value in deployed.headers.items())
    return (
        "Paste into the Shop Integrations plug-in of the partner portal:\n"
        f"  webhook URL for orders  {deployed.webhook_url}{headers}\n"
        f"  webhook secret          printed by: {command} secrets show-webhook\n"
        "Paste from the plug-in, if it is not stored yet:\n"
        f"  Partner API token       into: {command} secrets set-token\n"
        f"Check again with: {command} doctor"
    )


def exists(target: Target, stack_name: str) -> bool:
    """Whether there is a stack of that name. Raises botocore's errors."""
    try:
        target.client("cloudformation").describe_stacks(StackName=stack_name)
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return False
        raise
    return True


def _operator() -> Path:
    return Path(sys.executable).with_name("partner-orders")


def say(what: str) -> None:
    """Print what was done, a line for each step."""
    print(f"  {what}", flush=True)
