"""The expressions of an update and of a condition."""

import re
from typing import Any

import pytest

from partner_orders.aws.update import (
    Condition,
    Update,
    absent,
    all_of,
    any_of,
    at_most,
    equals,
    less,
    present,
    render,
)

MAX_EXPRESSION = 4_096


def spelled(arguments: dict[str, Any], clause: str = "UpdateExpression") -> str:
    """An expression with its placeholders replaced."""
    places = dict(arguments.get("ExpressionAttributeNames", {}))
    for place, attribute in arguments.get("ExpressionAttributeValues", {}).items():
        places[place] = repr(next(iter(attribute.values())))
    return re.sub(r"[#:]\d+", lambda found: str(places[found.group()]), arguments[clause])


@pytest.mark.parametrize(
    ("update", "expression"),
    [
        (Update().set("status", "A"), "SET status = 'A'"),
        (Update().set("count", 0), "SET count = '0'"),
        (Update().set("name", ""), "SET name = ''"),
        (Update().set("flag", value=False), "SET flag = False"),
        (Update().default("at", "now"), "SET at = if_not_exists(at, 'now')"),
        (Update().increment("count"), "SET count = if_not_exists(count, '0') + '1'"),
        (Update().increment("count", -3, start=7), "SET count = if_not_exists(count, '7') + '-3'"),
        (Update().set_to_next("republished", "sequence"), "SET republished = sequence + '1'"),
        (Update().set_to_next("sequence", "sequence"), "SET sequence = sequence + '1'"),
        (Update().remove("open"), "REMOVE open"),
        (Update().remove("e#12", "body"), "REMOVE e#12.body"),
        (Update().set("a", 1).remove("b").set("c", 2).remove("d"), "SET a = '1', c = '2' REMOVE b, d"),
        (Update().set_all({"a": 0, "b": None, "c": False, "d": ""}), "SET a = '0', c = False, d = '' REMOVE b"),
    ],
)
def test_change_is_an_expression(update: Update, expression: str) -> None:
    """Each change of a row becomes its part of the update expression."""
    assert spelled(update.expression()) == expression


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        (absent("pk"), "attribute_not_exists(pk)"),
        (present("pk"), "attribute_exists(pk)"),
        (equals("version", 0), "version = '0'"),
        (less("key", "b"), "key < 'b'"),
        (at_most("fence", 3), "fence <= '3'"),
        (any_of(absent("a"), less("a", 1)), "(attribute_not_exists(a) OR a < '1')"),
        (
            all_of(absent("a"), any_of(absent("b"), equals("b", 0)), present("c")),
            "attribute_not_exists(a) AND (attribute_not_exists(b) OR b = '0') AND attribute_exists(c)",
        ),
    ],
)
def test_condition_is_an_expression(condition: Condition, expression: str) -> None:
    """Each condition becomes its expression."""
    assert spelled(render(condition), "ConditionExpression") == expression
    update = Update().set("status", "A").only_if(condition).expression()
    assert spelled(update, "ConditionExpression") == expression
    assert spelled(update) == "SET status = 'A'"


def test_no_condition_has_no_arguments() -> None:
    """A write without a condition has no arguments for one."""
    assert render(None) == {}


def test_name_has_one_placeholder() -> None:
    """A name has one placeholder, however often it is used, and no placeholder is unused."""
    update = Update().set("sequence", 1).set_to_next("republished", "sequence").only_if(equals("sequence", 0))
    arguments = update.expression()
    assert sorted(arguments["ExpressionAttributeNames"].values()) == ["republished", "sequence"]
    expressions = arguments["UpdateExpression"] + arguments["ConditionExpression"]
    for place in arguments["ExpressionAttributeNames"] | arguments["ExpressionAttributeValues"]:
        assert place in expressions


def test_empty_arguments_are_left_out() -> None:
    """Without names or values their arguments are left out: DynamoDB refuses empty ones."""
    assert Update().remove("open").expression().keys() == {"UpdateExpression", "ExpressionAttributeNames"}


def test_an_expression_is_the_same_every_time() -> None:
    """A write that is repeated has no values left over from the first."""
    update = Update().set("status", "A").only_if(equals("version", 4))
    assert update.expression() == update.expression()


def test_condition_can_be_used_twice() -> None:
    """One condition serves several writes."""
    condition = all_of(absent("a"), equals("b", 1))
    first, second = (Update().set("c", 2).only_if(condition).expression() for _ in range(2))
    assert first == second


def test_a_hundred_removed_bodies_stay_within_4_kb() -> None:
    """As many as the orders table moves out of a row at once, with names of the length of a digest."""
    update = Update().increment("body_bytes", -1).increment("version").only_if(equals("version", 1))
    for number in range(100):
        update.remove(f"e#{number:032x}", "body")
    arguments = update.expression()
    assert len(arguments["UpdateExpression"].encode()) <= MAX_EXPRESSION / 2
    assert len(arguments["ExpressionAttributeNames"]) == 103
