"""`make deploy ENV=...`, `make deploy-catalogue ENV=...` and `make smoke ENV=...`."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.artefact import FaultyBuildError
from tools.deploy.catalogue import deploy_catalogue
from tools.deploy.deployment import deploy
from tools.deploy.environment import (
    CATALOGUE,
    Environment,
    WrongEnvironmentError,
    read_catalogue_parameters,
    read_environment,
    read_template,
)
from tools.deploy.smoke import smoke
from tools.deploy.target import LOCAL, Account, DeploymentError, Laptop, Target
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.stack import Stack, is_up, parameter_overrides
from tools.local.up import PARAMETERS


def main(arguments: list[str] | None = None) -> int:
    """Deploy an environment, or try it out under a name of its own. Exit status 1 with a sentence if a step fails."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("environment", help="an environment of samconfig.toml")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--catalogue", action="store_true", help="deploy the catalogue beside the stack")
    instead.add_argument("--smoke", action="store_true", help="deploy a stack of its own, try it, and remove it")
    parser.add_argument("--yes", action="store_true", help="do not ask before changing the stack")
    given = parser.parse_args(arguments)
    end_on_signals()
    if given.catalogue:
        return in_a_sentence(lambda: _run_catalogue(given.environment, asks=not given.yes))
    return in_a_sentence(lambda: _run(given.environment, given.smoke, given.yes))


def in_a_sentence(work: Callable[[], int]) -> int:
    """The exit status of ``work``; or 1, when a fault that a person can remove is printed without a traceback."""
    try:
        return work()
    except (WrongEnvironmentError, FaultyBuildError, DeploymentError, ProcessFailedError) as error:
        why = str(error)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        why = f"AWS refused {error.operation_name} ({code}): check your rights (docs/deploying.md), and try again."
    except BotoCoreError as error:
        why = f"AWS did not answer ({type(error).__name__}): check the network and the region, and try again."
    print(f"error: {why}", file=sys.stderr)
    return 1


def target_of(environment: Environment) -> Target:
    """Where the environment is deployed. Raises DeploymentError if that is the laptop, and no stack is up."""
    if environment.name != LOCAL:
        return Account(environment)
    if not is_up():
        raise DeploymentError("No local AWS is up: start one with `make up`, and deploy from a second terminal.")
    stack = Stack.load()
    of_the_machine = dict(entry.split("=", 1) for entry in parameter_overrides(stack.platform_url, PARAMETERS))
    return Laptop(replace(environment, parameters={**of_the_machine, **environment.parameters}), stack)


def _run(name: str, is_smoke: bool, is_confirmed: bool) -> int:
    template = read_template()
    target = target_of(read_environment(name))
    return smoke(target, template) if is_smoke else deploy(target, template, asks=not is_confirmed)


def _run_catalogue(name: str, asks: bool) -> int:
    environment = read_environment(name)
    return deploy_catalogue(target_of(environment), read_catalogue_parameters(name), read_template(CATALOGUE), asks)


if __name__ == "__main__":
    sys.exit(main())
