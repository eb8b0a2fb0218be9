"""An environment of samconfig.toml, and what in it would end its deployment, or go unnoticed until orders come."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SAMCONFIG = ROOT / "samconfig.toml"
TEMPLATE = ROOT / "template.yaml"
CATALOGUE = ROOT / "catalogue.yaml"
LONGEST_STACK_NAME = 60  # the schedule's name, at most 64 characters, has four more
LONGEST_WITH_CATALOGUE = 49  # those of the catalogue have fifteen more, such as -catalogue-push
_PLACEHOLDER = "PASTE-"
_STACK_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
# A domain without its certificate would be ignored, and the other way round.
_PAIR = ("DomainName", "CertificateArn")


class WrongEnvironmentError(Exception):
    """The environment must not be deployed. The message says why, and what to do."""


@dataclass(frozen=True)
class Environment:
    """``parameters`` are those that samconfig.toml gives, by name; ``profile`` is one of the AWS CLI, or empty."""

    name: str
    stack_name: str
    region: str
    parameters: Mapping[str, str]
    profile: str = ""

    def architecture(self, template: Mapping[str, Any]) -> str:
        """The processor that the functions get: arm64 or x86_64. ``template`` is what read_template() gives."""
        return self.parameters.get("Architecture") or str(template["Parameters"]["Architecture"]["Default"])


def read_environment(name: str, samconfig: Path = SAMCONFIG) -> Environment:
    """Read the section ``name``. Raises WrongEnvironmentError if it is missing, or names no stack or region."""
    content = _content(samconfig)
    sections = {
        key: section["deploy"]["parameters"] for key, section in content.items() if _is_deployable(key, section)
    }
    if name not in sections:
        others = " or ".join(sections) or "none"
        raise WrongEnvironmentError(
            f"{samconfig.name} has no environment {name}: choose another with ENV=... ({others})."
        )
    settings = sections[name]
    for setting in ("stack_name", "region"):
        if not isinstance(settings.get(setting), str):
            raise WrongEnvironmentError(f"{samconfig.name} names no {setting} for {name}: add it to [{name}.deploy].")
    given = settings.get("parameter_overrides", [])
    return Environment(
        name=name,
        stack_name=settings["stack_name"],
        region=settings["region"],
        parameters=_parameters(given, name),
        profile=str(settings.get("profile", "")),
    )


def read_catalogue_parameters(name: str, samconfig: Path = SAMCONFIG) -> dict[str, str]:
    """The catalogue's own parameters for an environment: none without its section. Raises WrongEnvironmentError."""
    section = _content(samconfig).get(name, {}).get("deploy-catalogue", {}).get("parameters", {})
    return _parameters(section.get("parameter_overrides", []), name)


def _content(samconfig: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(samconfig.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongEnvironmentError(f"{samconfig.name} cannot be read ({error}): correct it.") from None


def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template as plain data; what CloudFormation's tags say is left out."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    return content


def check(environment: Environment, template: Mapping[str, Any]) -> None:
    """Hold an environment to the template's parameters. Raises WrongEnvironmentError with every fault."""
    if faults := [*_faults(environment, template["Parameters"])]:
        raise WrongEnvironmentError("\n".join(faults))


def check_catalogue(
    environment: Environment, own: Mapping[str, str], shared: Mapping[str, str], template: Mapping[str, Any]
) -> None:
    """Hold the catalogue's ``own`` parameters for an environment to its template. ``shared`` follow from the orders
    stack. Raises WrongEnvironmentError with every fault."""
    where = f"in samconfig.toml under [{environment.name}.deploy-catalogue.parameters]"
    faults = [
        f"{name} comes from the orders stack: remove it {where}, and deploy that stack first."
        for name in sorted(own.keys() & shared.keys())
    ]
    if len(environment.stack_name) > LONGEST_WITH_CATALOGUE:
        length = len(environment.stack_name)
        faults.append(
            f"The stack name has {length} characters; with a catalogue it may have at most {LONGEST_WITH_CATALOGUE}."
        )
    faults += _faults_of({**shared, **own}, template["Parameters"], where)
    if faults:
        raise WrongEnvironmentError("\n".join(faults))


def _faults(environment: Environment, declared: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    where = f"in samconfig.toml under [{environment.name}.deploy.parameters]"
    name, given = environment.stack_name, environment.parameters
    if not _STACK_NAME.fullmatch(name):
        yield f"{name} is not a stack name: use letters, digits and hyphens {where}."
    elif len(name) > LONGEST_STACK_NAME:
        yield f"The stack name has {len(name)} characters; use at most {LONGEST_STACK_NAME} {where}."
    if not _REGION.fullmatch(environment.region):
        yield f"{environment.region} is not a region: use e.g. eu-central-1 {where}."
    yield from _faults_of(given, declared, where)
    here = [parameter for parameter in _PAIR if given.get(parameter)]
    if len(here) == 1:
        [missing] = {*_PAIR} - {*here}
        yield f"{here[0]} is set without {missing}: add the one or remove the other {where}."
    if given.get("ExecuteApiEndpoint") == "DISABLED" and not here:
        yield f"ExecuteApiEndpoint=DISABLED would leave the webhook no address: add DomainName, or remove it {where}."


def _faults_of(given: Mapping[str, str], declared: Mapping[str, Mapping[str, Any]], where: str) -> Iterator[str]:
    for parameter, value in given.items():
        if parameter not in declared:
            yield f"The template has no parameter {parameter}: correct its name, or remove it {where}."
        elif _PLACEHOLDER in value:
            yield f"{parameter} is still the placeholder {value}: put your own value {where}."
        elif fault := _fault(value, declared[parameter]):
            yield f"{parameter}={value} {fault}: correct it {where}."
    for parameter in sorted(parameter for parameter, its in declared.items() if "Default" not in its):
        if parameter not in given:
            yield f"{parameter} has no value: add it {where}."


def _fault(value: str, declared: Mapping[str, Any]) -> str:
    """What is wrong with a parameter's value; empty if nothing is."""
    allowed = [str(one) for one in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"is not one of {', '.join(allowed)}"
    pattern = declared.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(declared.get("ConstraintDescription", f"does not match {pattern}"))
    if declared["Type"] == "Number":
        if not re.fullmatch(r"-?[0-9]+", value):
            return "is not a whole number"
        lowest, highest = declared.get("MinValue", int(value)), declared.get("MaxValue", int(value))
        if not lowest <= int(value) <= highest:
            return f"is not between {lowest} and {highest}"
    return ""


def _parameters(given: object, environment: str) -> dict[str, str]:
    """Overrides as sam takes them: a list or a text of Name=Value, or a table."""
    if isinstance(given, dict):
        return {str(name): str(value) for name, value in given.items()}
    entries = shlex.split(given) if isinstance(given, str) else given
    if not isinstance(entries, list) or not all(isinstance(entry, str) and "=" in entry for entry in entries):
        raise WrongEnvironmentError(
            f"parameter_overrides of {environment} cannot be read: write them as a list of"
            ' "Name=Value" in samconfig.toml.'
        )
    pairs = (entry.split("=", 1) for entry in entries)
    return {name: value.strip("\"'") for name, value in pairs}


def _is_deployable(name: str, section: object) -> bool:
    """Whether a section is an environment; that of a plain `sam deploy` is none."""
    return name != "default" and isinstance(section, dict) and "parameters" in section.get("deploy", {})


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types here
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as nothing."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)
