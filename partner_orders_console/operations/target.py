"""Which stack a command acts on: named by the call, by the environment, chosen earlier, or the one of `make up`.

A stack in an account is never guessed: without a name, only the stack on this machine is left.
"""

import json
import os
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from partner_orders_console.operations.errors import OperatorError

# The clone that this module is in; installed from a wheel, it is in none.
CLONE = Path(__file__).parents[2]
_LOCAL_ENVIRONMENT = "local"  # of samconfig.toml: `make up` deploys with it
STACK_NAME, CONFIG_ENV = "PARTNER_ORDERS_STACK_NAME", "PARTNER_ORDERS_CONFIG_ENV"


@dataclass(frozen=True)
class Target:
    """A stack as an operator names it: by name, by an environment of samconfig.toml, or the one on this machine."""

    stack_name: str | None = None
    config_env: str | None = None
    region: str | None = None
    profile: str | None = None
    is_local: bool = False

    @property
    def names_a_stack(self) -> bool:
        return self.is_local or bool(self.stack_name or self.config_env)

    @property
    def options(self) -> str:
        """The options of the command line that name this target again; empty without any."""
        named = {
            "--stack-name": self.stack_name,
            "--config-env": self.config_env,
            "--region": self.region,
            "--profile": self.profile,
        }
        words = [shlex.join((option, value)) for option, value in named.items() if value]
        return " ".join([*words, *(["--local"] if self.is_local else [])])

    def check(self) -> None:
        """Raises OperatorError for options that exclude each other, and for the environment of this machine."""
        others = [self.stack_name, self.config_env, self.region, self.profile]
        if self.is_local and any(others):
            raise OperatorError("--local is the stack on this machine", "Leave out the other options of the target.")
        if self.config_env == _LOCAL_ENVIRONMENT:  # Its stack_name may be that of a stack in an account.
            raise OperatorError("the environment local is for the stack on this machine", "Use --local for it.")


def resolved(asked: Target, environment: Mapping[str, str] = os.environ) -> Target:
    """The target that a call means.

    The options of the call come first, then the environment's PARTNER_ORDERS_STACK_NAME or PARTNER_ORDERS_CONFIG_ENV,
    then the default that was chosen by `use`. ``region`` and ``profile`` of the call replace those of the default. If
    nothing at all was said, it is the stack that `make up` started.

    Raises OperatorError if it is not clear which stack is meant.
    """
    asked.check()
    if asked.names_a_stack:
        return asked
    default = _of_environment(environment) or chosen(environment)
    if default and default.is_local and (asked.region or asked.profile):
        raise OperatorError(
            f"{asked.options} names no stack, and the chosen default is the one on this machine",
            "Name the stack with --stack-name or --config-env.",
        )
    if default:
        default.check()
        return replace(default, region=asked.region or default.region, profile=asked.profile or default.profile)
    if asked.region or asked.profile:
        raise OperatorError(
            f"{asked.options} names no stack",
            "Name it with --stack-name or --config-env, or choose a default with `partner-orders use`.",
        )
    if local_stack_file(environment).is_file():
        return Target(is_local=True)
    raise OperatorError(
        "which stack?",
        "Name it with --stack-name, or an environment of samconfig.toml with --config-env, or choose a default with"
        " `partner-orders use`, or start a stack on this machine with `make up`.",
    )


def _of_environment(environment: Mapping[str, str]) -> Target | None:
    stack_name, config_env = environment.get(STACK_NAME), environment.get(CONFIG_ENV)
    if stack_name and config_env:
        raise OperatorError(f"{STACK_NAME} and {CONFIG_ENV} are both set", "Unset one of them.")
    return Target(stack_name or None, config_env or None) if stack_name or config_env else None


# -- the chosen default ------------------------------------------------------------------------------------------------


def choice_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where `use` keeps the default: the user's configuration."""
    folder = Path(environment.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return folder / "partner-orders" / "target.json"


def chosen(environment: Mapping[str, str] = os.environ) -> Target | None:
    """The default target; None if none was chosen. Raises OperatorError if its file cannot be read."""
    file = choice_file(environment)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Target(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise OperatorError(f"{file} is damaged", "Choose again with `partner-orders use`.") from None


def choose(target: Target, environment: Mapping[str, str] = os.environ) -> Path:
    """Make a target the default. Raises OperatorError if it names no stack, or an environment that there is not."""
    target.check()
    name_and_region(target)
    if not target.names_a_stack:
        raise OperatorError("no stack was named", "Name one with --stack-name, --config-env or --local.")
    file = choice_file(environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(target)) + "\n", encoding="utf-8")
    return file


def forget_choice(environment: Mapping[str, str] = os.environ) -> None:
    """Have no default any more."""
    choice_file(environment).unlink(missing_ok=True)


# -- the stack of `make up` --------------------------------------------------------------------------------------------


def users_stack_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where `make up` also leaves word of its stack, for a command line that is in no clone: the user's state."""
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "partner-orders" / "local-stack.json"


def local_stack_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that says where the stack of `make up` is: as told, in this clone, or for this user."""
    if told := environment.get("PARTNER_ORDERS_LOCAL_STACK"):
        return Path(told)
    in_clone = CLONE / ".local" / "stack.json"
    return in_clone if in_clone.is_file() else users_stack_file(environment)


# -- samconfig.toml ----------------------------------------------------------------------------------------------------


def name_and_region(target: Target) -> tuple[str | None, str | None]:
    """The stack's name and region: those of the target, else of its environment; None for what neither names. Raises
    OperatorError for an environment without a name."""
    if not target.config_env:
        return target.stack_name, target.region
    settings = _deploy_parameters(target.config_env)
    name = target.stack_name or settings.get("stack_name")
    if not name:
        raise OperatorError(
            f"the environment {target.config_env} of samconfig.toml has no stack_name", "Name it with --stack-name."
        )
    return name, target.region or settings.get("region")


def profile_of(target: Target) -> str | None:
    """The profile of the AWS CLI: that of the target, else of its environment. Raises OperatorError."""
    if target.profile or not target.config_env:
        return target.profile
    profile: str | None = _deploy_parameters(target.config_env).get("profile")
    return profile


def environments() -> list[str]:
    """The environments of samconfig.toml that name a stack in an account; none without such a file. Raises
    OperatorError for a file that cannot be read."""
    if not _samconfig().is_file():
        return []
    return [
        name
        for name, parameters in _samconfig_environments().items()
        if "stack_name" in parameters and name != _LOCAL_ENVIRONMENT
    ]


def _deploy_parameters(config_env: str) -> dict[str, Any]:
    """How an environment of samconfig.toml is deployed: the clone's file, or that of the current folder. Raises
    OperatorError."""
    environments = _samconfig_environments()
    if config_env not in environments:
        usable = (name for name, parameters in environments.items() if "stack_name" in parameters)
        names = ", ".join(name for name in usable if name != _LOCAL_ENVIRONMENT)
        raise OperatorError(f"samconfig.toml has no environment {config_env}", f"It has: {names}.")
    return environments[config_env]


def _samconfig() -> Path:
    in_clone = CLONE / "samconfig.toml"
    return in_clone if in_clone.is_file() else Path("samconfig.toml")


def _samconfig_environments() -> dict[str, dict[str, Any]]:
    """How each environment of samconfig.toml is deployed. Raises OperatorError."""
    try:
        content = tomllib.loads(_samconfig().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OperatorError(
            "there is no samconfig.toml here", "Go to the folder that has it, or name the stack with --stack-name."
        ) from None
    except UnicodeDecodeError:
        raise OperatorError("samconfig.toml is not in UTF-8", "Save it as UTF-8, or use --stack-name.") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"samconfig.toml is not TOML: {error}", "Correct it, or use --stack-name.") from None
    return {
        name: dict(value["deploy"].get("parameters", {}))
        for name, value in content.items()
        if isinstance(value, dict) and "deploy" in value
    }
