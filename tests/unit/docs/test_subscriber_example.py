"""The subscriber that the documentation shows."""

from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.subscriber import in_sequence

ROOT = Path(__file__).parents[3]


def test_rules_import_the_exported_bus() -> None:
    """The example's rules import the bus by the name that the stack exports, so that the bus outlives them."""
    stack: Any = cfn_yaml.load(str(ROOT / "template.yaml"))
    example: Any = cfn_yaml.load(str(ROOT / "docs" / "examples" / "subscriber" / "template.yaml"))
    exported = stack["Outputs"]["OrderChangesBusName"]["Export"]["Name"]["Fn::Sub"]
    rules = [it["Properties"] for it in example["Resources"].values() if it["Type"] == "AWS::Events::Rule"]
    imported = [rule["EventBusName"]["Fn::ImportValue"]["Fn::Sub"] for rule in rules]
    assert {name.replace("PartnerOrdersStack", "AWS::StackName") for name in imported} == {exported}


@given(st.lists(st.integers(1, 8), min_size=1))
def test_newest_wins_and_gaps_are_shown(arrivals: list[int]) -> None:
    """In any order of arrival the newest change wins once, and missing sequences are shown."""
    memory = in_sequence()
    taken = [sequence for sequence in arrivals if memory.take({"order_id": "a", "sequence": sequence})]
    assert taken[-1] == max(arrivals)
    assert taken == sorted(set(taken))
    missing = sorted({*range(1, max(arrivals) + 1)} - {*arrivals})
    assert memory.gaps() == ({"a": missing} if missing else {})


def test_orders_do_not_affect_each_other() -> None:
    """Each order has its own sequence."""
    memory = in_sequence()
    assert memory.take({"order_id": "a", "sequence": 3})
    assert memory.take({"order_id": "b", "sequence": 1})
    assert memory.gaps() == {"a": [1, 2]}


def test_jump_after_restore_is_no_gap() -> None:
    """The jump of a restored table is not a gap, but a sequence missing after it is."""
    memory = in_sequence()
    taken = [memory.take({"order_id": "a", "sequence": sequence}) for sequence in (1, 4, 1_000_002, 5, 1_000_004)]
    assert taken == [True, True, True, False, True]
    assert memory.gaps() == {"a": [2, 3, 1_000_003]}
