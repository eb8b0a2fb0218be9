"""Calls of the AWS CLI on a page, held against botocore's own models of the services: the CLI is made of the same."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

import botocore.session
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.validate import validate_parameters

# Options of every call; all of them take a value.
_OF_EVERY_CALL = frozenset(
    {"query", "output", "region", "profile", "endpoint-url", "cli-read-timeout", "cli-binary-format"}
)
# What the CLI has beside the services' own operations: all of their options take a value, and each has one operand.
_OF_THE_CLI_ALONE = {
    ("logs", "tail"): frozenset({"since", "format", "filter-pattern", "log-stream-names", "log-stream-name-prefix"})
}
_SESSION = botocore.session.Session()


class NoSuchCallError(ValueError):
    """The AWS CLI would not take it; the text says why."""


@dataclass(frozen=True)
class AwsCall:
    """``parameters`` are as botocore takes them. ``waits_for`` is the waiter's name where the call only waits."""

    service: str
    operation: str
    parameters: dict[str, Any]
    waits_for: str = ""


def commands(text: str) -> list[str]:
    """Every call of the AWS CLI on a page, in a block or in a sentence."""
    text = re.sub(r" *\\\n *", " ", text)
    in_blocks = re.findall(r"^ {4,}(aws .*)$", text, re.MULTILINE)
    return in_blocks + [re.sub(r"\s+", " ", found) for found in re.findall(r"`(aws\s[^`]*)`", text)]


def understood(command: str) -> AwsCall:
    """What the AWS CLI would make of it. Raises NoSuchCallError, or botocore's ParamValidationError."""
    _, service, name, *words = shlex.split(command)
    if service not in _SESSION.get_available_services():
        raise NoSuchCallError(f"no service {service}")
    if (service, name) in _OF_THE_CLI_ALONE:
        return AwsCall(service, name, _options(words, _OF_THE_CLI_ALONE[service, name]))
    model, waits_for = _SESSION.get_service_model(service), ""
    if name == "wait":
        waiters = _SESSION.get_waiter_model(service)
        waits_for, words = _named(words[0], waiters.waiter_names), words[1:]
        operation = model.operation_model(waiters.get_waiter(waits_for).operation)
    else:
        operation = model.operation_model(_named(name, model.operation_names))
    return AwsCall(service, xform_name(operation.name), _parameters(operation, words), xform_name(waits_for))


def _named(name: str, names: list[str]) -> str:
    for one in names:
        if xform_name(one, "-") == name:
            return str(one)
    raise NoSuchCallError(f"no {name}")


def _options(words: list[str], known: frozenset[str]) -> dict[str, Any]:
    operand, *rest = words or [""]
    names, values = rest[::2], rest[1::2]
    if not operand or operand.startswith("--") or len(names) != len(values):
        raise NoSuchCallError("an operand, and options with a value each")
    for name in names:
        if name.removeprefix("--") not in known | _OF_EVERY_CALL or not name.startswith("--"):
            raise NoSuchCallError(f"no {name}")
    return dict(zip(names, values, strict=True))


def _parameters(operation: OperationModel, words: list[str]) -> dict[str, Any]:
    members = operation.input_shape.members if operation.input_shape else {}
    found: dict[str, Any] = {}
    files = 0
    while words:
        word, words = words[0], words[1:]
        if not word.startswith("--"):
            files += 1
            continue
        name = word.removeprefix("--")
        turned_off = name.removeprefix("no-")
        for member, shape in members.items():
            if shape.type_name == "boolean" and xform_name(member, "-") == turned_off:
                found[member] = turned_off == name
                break
        else:
            if not words or words[0].startswith("--"):
                raise NoSuchCallError(f"{word} without a value")
            value, words = words[0], words[1:]
            if name == "query":
                _check_query(value, operation)
            elif name not in _OF_EVERY_CALL:
                member = _named(name, [*members])
                found[member] = _value(members[member], value)
    if files != int(operation.has_streaming_output):
        raise NoSuchCallError("an answer that is a file needs its name, and no other call takes one")
    if operation.input_shape:
        validate_parameters(found, operation.input_shape)
    return found


def _value(shape: Shape, text: str) -> Any:
    if shape.type_name in {"structure", "map", "list"}:
        return json.loads(text)
    return int(text) if shape.type_name in {"integer", "long"} else text


def _check_query(query: str, operation: OperationModel) -> None:
    if jmespath.search(query, _sample(operation.output_shape)) is None:
        raise NoSuchCallError(f"the answer has no {query}")


def _sample(shape: Any, levels: int = 6) -> Any:
    """An answer in which everything is there."""
    if shape is None or levels == 0:
        return "x"
    match shape.type_name:
        case "structure":
            return {name: _sample(member, levels - 1) for name, member in shape.members.items()}
        case "list":
            return [_sample(shape.member, levels - 1)]
        case "map":
            return {"x": _sample(shape.value, levels - 1)}
        case _:
            return "x"
