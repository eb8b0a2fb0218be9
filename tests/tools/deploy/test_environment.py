"""An environment that could not be deployed, or would be deployed wrong, is refused in a sentence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.environment import (
    LONGEST_STACK_NAME,
    Environment,
    WrongEnvironmentError,
    check,
    read_environment,
    read_template,
)

TEMPLATE = read_template()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"ChainID": "x"}, "The template has no parameter ChainID: correct its name, or remove it"),
        ({"ChainId": "PASTE-THE-CHAIN-ID-HERE"}, "ChainId is still the placeholder PASTE-THE-CHAIN-ID-HERE"),
        ({"ChainId": "42"}, "ChainId=42 must be a UUID"),
        ({"PartnerApiBaseUrl": "http://example.com"}, "PartnerApiBaseUrl=http://example.com must be https://<host>"),
        ({"Architecture": "riscv"}, "Architecture=riscv is not one of arm64, x86_64"),
        ({"RateLimitPerMinute": "many"}, "RateLimitPerMinute=many is not a whole number"),
        ({"RateLimitPerMinute": "0"}, "RateLimitPerMinute=0 is not between 1 and 6000"),
        ({"DomainName": "orders.example.com"}, "DomainName is set without CertificateArn"),
        ({"CertificateArn": "arn:aws:acm:x"}, "CertificateArn is set without DomainName"),
        ({"ExecuteApiEndpoint": "DISABLED"}, "ExecuteApiEndpoint=DISABLED would leave the webhook no address"),
    ],
)
def test_wrong_parameter_is_named(environment: Environment, parameters: dict[str, str], sentence: str) -> None:
    """A parameter that is unknown, a placeholder or out of bounds is named, with the place to correct it."""
    check(environment, TEMPLATE)
    with pytest.raises(WrongEnvironmentError) as refused:
        check(replace(environment, parameters={**environment.parameters, **parameters}), TEMPLATE)
    assert sentence in str(refused.value)
    assert "in samconfig.toml under [staging.deploy.parameters]" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"parameters": {}}, "ChainId has no value: add it"),
        ({"stack_name": "partner orders"}, "partner orders is not a stack name"),
        ({"stack_name": "s" * (LONGEST_STACK_NAME + 1)}, f"use at most {LONGEST_STACK_NAME}"),
        ({"region": "Frankfurt"}, "Frankfurt is not a region: use e.g. eu-central-1"),
    ],
)
def test_wrong_stack_is_named(environment: Environment, changes: dict[str, Any], sentence: str) -> None:
    """A stack name, a region or a missing parameter that AWS would refuse is named."""
    with pytest.raises(WrongEnvironmentError) as refused:
        check(replace(environment, **changes), TEMPLATE)
    assert sentence in str(refused.value)


def test_stack_of_the_longest_name_is_accepted(environment: Environment) -> None:
    """A domain with its certificate and the longest stack name are accepted."""
    domain = {"DomainName": "a.example.com", "CertificateArn": "arn", "ExecuteApiEndpoint": "DISABLED"}
    parameters = {**environment.parameters, **domain}
    check(replace(environment, stack_name="s" * LONGEST_STACK_NAME, parameters=parameters), TEMPLATE)


@pytest.mark.parametrize("name", ["staging", "production"])
def test_shipped_environments_need_the_chain_id(name: str) -> None:
    """Of the shipped environments, only the chain's id is left to be put in."""
    with pytest.raises(WrongEnvironmentError) as refused:
        check(read_environment(name), TEMPLATE)
    [only] = str(refused.value).splitlines()
    assert only.startswith("ChainId is still the placeholder PASTE-THE-CHAIN-ID-HERE: put your own value")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ('["A=1", "B=rate(5 minutes)"]', {"A": "1", "B": "rate(5 minutes)"}),
        ("""["B=\\"rate(5 minutes)\\""]""", {"B": "rate(5 minutes)"}),
        ("""'A=1 B="rate(5 minutes)"'""", {"A": "1", "B": "rate(5 minutes)"}),
        ("{A = 1}", {"A": "1"}),
    ],
)
def test_overrides_are_read_as_sam_does(tmp_path: Path, overrides: str, expected: dict[str, str]) -> None:
    """Parameters are read in each form that sam takes."""
    assert read_environment("x", samconfig(tmp_path, f"parameter_overrides = {overrides}")).parameters == expected


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ("parameter_overrides = 7", "x", "parameter_overrides of x cannot be read"),
        ("", "y", "has no environment y: choose another with ENV=... (x)."),
        ("= =", "x", "cannot be read"),
    ],
)
def test_unreadable_samconfig_is_explained(tmp_path: Path, content: str, name: str, sentence: str) -> None:
    """A samconfig.toml that cannot be read, or has no such environment, is explained."""
    with pytest.raises(WrongEnvironmentError) as refused:
        read_environment(name, samconfig(tmp_path, content))
    assert sentence in str(refused.value)


def test_environment_without_a_stack_is_explained(tmp_path: Path) -> None:
    """An environment that names no stack is refused, as is a missing file."""
    file = tmp_path / "samconfig.toml"
    with pytest.raises(WrongEnvironmentError, match="cannot be read"):
        read_environment("x", file)
    file.write_text("[x.deploy.parameters]\nregion = 'eu-central-1'\n")
    with pytest.raises(WrongEnvironmentError, match="names no stack_name for x"):
        read_environment("x", file)


def samconfig(folder: Path, more: str) -> Path:
    file = folder / "samconfig.toml"
    file.write_text(f"[x.deploy.parameters]\nstack_name = 's'\nregion = 'eu-central-1'\n{more}\n")
    return file
