"""Intake comes first: a flood of the catalogue holds up no order."""

import pytest
from rich.console import Console

from tools.local.flood import PER_SECOND, flooded
from tools.local.hour import HOUR, Hour
from tools.local.screen import Screen
from tools.local.stack import Stack

pytestmark = pytest.mark.slow


def test_orders_are_stored_during_a_flood(stack: Stack) -> None:
    """While callbacks, files and urgent messages come without a pause, every order is stored as the platform has it."""
    hour = Hour(stack, Screen(Console(quiet=True)), {**HOUR, "seed": 51, "orders": 40, "stores": 2})
    with flooded(stack) as flood:
        hour.play()
        hour.wait_until_stored()
        hour.reconcile()
        assert hour.compare() == []
    assert all(flood.sent[kind] > 0 for kind in PER_SECOND), flood.sent


def test_stacks_share_no_function_or_queue(stack: Stack) -> None:
    """Every queue and every function is of one stack, and no function of one is called by a queue of the other."""
    cloudformation, functions = stack.client("cloudformation"), stack.client("lambda")
    found: dict[str, dict[str, set[str]]] = {}
    for name in (stack.stack_name, stack.catalogue_name):
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        for kind in ("AWS::Lambda::Function", "AWS::SQS::Queue"):
            ids = {one["PhysicalResourceId"].rpartition("/")[2] for one in resources if one["ResourceType"] == kind}
            found.setdefault(kind, {})[name] = ids
    for of_stack in found.values():
        orders, catalogue = of_stack.values()
        assert orders
        assert catalogue
        assert not orders & catalogue
    sources = [
        (mapping["EventSourceArn"].rpartition(":")[2], mapping["FunctionArn"])
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]
    ]
    for name, queues in found["AWS::SQS::Queue"].items():
        called = [arn for queue, arn in sources if queue in queues]
        assert called
        assert all(any(f":function:{one}" in arn for one in found["AWS::Lambda::Function"][name]) for arn in called)
