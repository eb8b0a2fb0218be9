"""An answer is read from JSON with every problem at once, by path."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.answers.answer import Answer, AnswerProblemsError, CancelReason, Kind, LineChange, NewLine
from partner_orders.answers.reading import LONGEST_AHEAD, MAX_LINES, check_time, plain, read_answer
from tests.support.answers import read, said

NOW = datetime(2026, 10, 14, 9, 0, tzinfo=UTC)
BAG: dict[str, Any] = {"sku": "BAG", "quantity": 1, "unit_price": 0.1}


def problems(**content: Any) -> list[str]:
    """The paths of what is wrong with an answer."""
    with pytest.raises(AnswerProblemsError) as error:
        read(**content)
    return [problem.path for problem in error.value.problems]


def test_whole_answer_is_read() -> None:
    """Each field of an answer is read, exactly."""
    answer = read(
        lines=[{"id": "ln-1", "quantity": 1, "weight": 0.25}, {"sku": "A", "not_found": True}],
        added=[BAG | {"weight": 1.5, "name": "Bag"}],
    )
    assert (answer.answer_id, answer.sequence, answer.kind) == ("till-1", 1, Kind.READY)
    assert answer.lines == (LineChange("ln-1", None, 1, Decimal("0.25")), LineChange(None, "A", not_found=True))
    assert answer.added == (NewLine("BAG", 1, Decimal("0.1"), Decimal("1.5"), "Bag"),)
    assert answer.has_new_lines
    assert read(kind="cancel", reason="TOO_BUSY").reason is CancelReason.TOO_BUSY


@pytest.mark.parametrize("value", [None, [], "ready", 7, True])
def test_answer_is_an_object(value: Any) -> None:
    """A body that is no object is one problem, of the body."""
    with pytest.raises(AnswerProblemsError, match="body: the body should be a JSON object"):
        read_answer(value)


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        ({"answer_id": None}, ["answer_id"]),
        ({"answer_id": ""}, ["answer_id"]),
        ({"answer_id": "x" * 81}, ["answer_id"]),
        ({"answer_id": "é"}, ["answer_id"]),
        ({"answer_id": "a\n"}, ["answer_id"]),
        ({"sequence": 0}, ["sequence"]),
        ({"sequence": 1.5}, ["sequence"]),
        ({"sequence": True}, ["sequence"]),
        ({"kind": "READY"}, ["kind"]),
        ({"kind": ["ready"]}, ["kind"]),
        ({"reason": "CLOSED"}, ["body"]),
        ({"kind": "cancel"}, ["reason"]),
        ({"kind": "cancel", "reason": "closed"}, ["reason"]),
        ({"kind": "cancel", "reason": "CLOSED", "lines": []}, ["body"]),
        ({"kind": "accept"}, ["ready_at"]),
        ({"kind": "accept", "ready_at": "soon"}, ["ready_at"]),
        ({"kind": "accept", "ready_at": " "}, ["ready_at"]),
        ({"kind": "accept", "ready_at": 1_760_000_000}, ["ready_at"]),
        ({"lines": {}}, ["lines"]),
        ({"lines": [{"id": "a", "not_found": True}] * (MAX_LINES + 1)}, ["lines"]),
        ({"lines": [None]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "not_found": "yes"}]}, ["lines[0].not_found"]),
        ({"lines": [{"id": 7, "not_found": True}]}, ["lines[0].id"]),
        ({"lines": [{"id": " ", "not_found": True}]}, ["lines[0].id"]),
        ({"lines": [{"id": "a\ud800", "not_found": True}]}, ["lines[0].id"]),
        ({"lines": [{"id": "a", "sku": "b", "not_found": True}]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "quantity": 1, "not_found": True}]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "quantity": 0}]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "weight": 0.0}]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "weight": -0.1}]}, ["lines[0].weight"]),
        ({"lines": [{"id": "a", "weight": 0.00001}]}, ["lines[0].weight"]),
        ({"lines": [{"id": "a", "replaced_by": []}]}, ["lines[0]"]),
        ({"lines": [{"id": "a", "replaced_by": [{"sku": "b"}]}]}, ["lines[0].replaced_by[0].unit_price"]),
        (
            {"lines": [{"id": "a", "quantity": 1, "replaced_by": [{"sku": "b"}]}]},
            ["lines[0].replaced_by[0].unit_price"],
        ),
        ({"lines": [{"id": 7, "sku": "b", "not_found": True}]}, ["lines[0]", "lines[0].id"]),
        ({"added": [BAG | {"unit_price": "0.1"}]}, ["added[0].unit_price"]),
        ({"added": [BAG | {"unit_price": -1}]}, ["added[0].unit_price"]),
        ({"added": [BAG | {"weight": 0}]}, ["added[0]"]),
        ({"added": [BAG | {"name": "x" * 201}]}, ["added[0].name"]),
        ({"added": [{"sku": "b", "unit_price": 1}]}, ["added[0]"]),
    ],
)
def test_problem_is_told_by_its_path(content: dict[str, Any], paths: list[str]) -> None:
    """Each thing that may be wrong is told by where it is."""
    assert problems(**content) == paths


def test_problems_quote_nothing() -> None:
    """A problem names no unknown field and quotes no value: either may be personal."""
    with pytest.raises(AnswerProblemsError) as error:
        read(customer_amna="Amna R.", lines=[{"id": "Amna R.\n", "quantity": "Amna R."}])
    assert "amna" not in str(error.value).lower()


def test_whole_numbers_may_have_a_point() -> None:
    """A whole number that a program writes as 2.0 is the same number, as a whole one."""
    [line] = read(lines=[{"id": "a", "quantity": 2.0}]).lines
    assert (line.quantity, type(line.quantity)) == (2, int)


def test_null_is_as_good_as_left_out() -> None:
    """A field of a line that is null is as one that is left out."""
    line = {"id": "a", "sku": None, "quantity": None, "weight": None, "not_found": True, "replaced_by": None}
    assert plain(read(lines=[line]))["lines"] == [{"id": "a", "not_found": True}]


@pytest.mark.parametrize(
    ("text", "is_ahead"),
    [
        ("2026-10-14T09:00:01Z", True),
        ("2026-10-14T14:30:00+05:00", True),
        ("2026-10-14T09:30", True),
        ("2026-10-14T09:00:00Z", False),
        ("2026-10-14T10:00:00+05:00", False),
        ((NOW + LONGEST_AHEAD).isoformat(), True),
        ((NOW + LONGEST_AHEAD + timedelta(seconds=1)).isoformat(), False),
    ],
)
def test_ready_at_lies_ahead(text: str, is_ahead: bool) -> None:
    """The promised time of a new answer is still to come and at most 14 days away. Stored ones may be past."""
    answer = read(kind="accept", ready_at=text)
    if is_ahead:
        check_time(answer, NOW)
    else:
        with pytest.raises(AnswerProblemsError, match="ready_at: should be later than now"):
            check_time(answer, NOW)


def test_other_kinds_promise_no_time() -> None:
    """An answer without a time has none to check."""
    answer = read_answer(json.loads(json.dumps(said())))
    check_time(answer, NOW)
    assert answer.ready_at is None


WHOLE = "should be a whole number from 1 to 1000000000000"
SKU_TEXT = "should be a text of 1 to 200 printable characters"
LINE = {"id": "a", "not_found": True}
LINE_NAMES = "id, not_found, quantity, replaced_by, sku, weight"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"answer_id": ""}, "answer_id: should be 1 to 80 of the characters A-Z a-z 0-9 . _ : -"),
        ({"sequence": 0}, f"sequence: {WHOLE}"),
        ({"sequence": 10**12 + 1}, f"sequence: {WHOLE}"),
        ({"kind": "READY"}, "kind: should be one of ready, update, accept, cancel"),
        ({"kind": "accept"}, "ready_at: should be a time in ISO 8601, such as 2026-05-04T10:20:00Z"),
        ({"x": 1}, "body: 1 unknown or unsuitable field; known are added, answer_id, kind, lines, sequence"),
        ({"lines": {}}, "lines: should be a list"),
        ({"lines": [LINE] * 501}, "lines: should have at most 500 entries"),
        ({"added": [BAG] * 101}, "added: should have at most 100 entries"),
        ({"lines": ["a"]}, "lines[0]: should be an object"),
        ({"lines": [LINE | {"x": 1, "y": 2}]}, f"lines[0]: 2 unknown or unsuitable fields; known are {LINE_NAMES}"),
        ({"lines": [{"quantity": 1}]}, 'lines[0]: name the line by "id" or by "sku"'),
        ({"lines": [LINE | {"quantity": 1}]}, "lines[0]: say one of: an amount, not_found, replaced_by"),
        ({"lines": [{"id": "a"}]}, "lines[0]: says nothing: give a quantity, a weight, not_found or replaced_by"),
        ({"lines": [{"id": "a", "not_found": 1}]}, "lines[0].not_found: should be true or false"),
        ({"lines": [{"id": "a", "quantity": 100_001}]}, "lines[0].quantity: should be a whole number from 0 to 100000"),
        ({"lines": [{"id": "x" * 201, "quantity": 1}]}, f"lines[0].id: {SKU_TEXT}"),
        (
            {"lines": [{"id": "a", "weight": 100_001}]},
            "lines[0].weight: should be a number from 0 to 100000 with at most 4 decimals",
        ),
        (
            {"lines": [{"id": "a", "quantity": 0}]},
            "lines[0]: 0 is no amount: give not_found of an ordered line, and leave a new one out",
        ),
        ({"added": ["bag"]}, "added[0]: should be an object"),
        (
            {"added": [BAG | {"colour": "red"}]},
            "added[0]: 1 unknown or unsuitable field; known are name, quantity, sku, unit_price, weight",
        ),
        ({"added": [{"sku": "BAG", "quantity": 1}]}, "added[0].unit_price: is required"),
        (
            {"added": [{"sku": "BAG", "unit_price": 1}]},
            "added[0]: give a quantity, or a weight for a product sold by weight",
        ),
        (
            {"added": [BAG | {"unit_price": 100_000_001}]},
            "added[0].unit_price: should be a number from 0 to 100000000 with at most 4 decimals",
        ),
    ],
)
def test_problem_says_what_is_meant(content: dict[str, Any], problem: str) -> None:
    """The till's developers read what to change."""
    with pytest.raises(AnswerProblemsError) as error:
        read(**content)
    assert str(error.value) == problem


def test_values_at_their_bounds() -> None:
    """The largest values are taken, and a new line sold by weight is one piece."""
    answer = read(
        sequence=10**12,
        answer_id="x" * 80,
        lines=[{"id": "x" * 200, "quantity": 100_000}, {"sku": "b", "weight": 100_000}, *[LINE] * 498],
        added=[{"sku": "c", "weight": 0.0001, "unit_price": 100_000_000}, *[BAG] * 99],
    )
    assert (answer.sequence, len(answer.lines), len(answer.added)) == (10**12, 500, 100)
    assert answer.added[0] == NewLine("c", 1, Decimal(100_000_000), Decimal("0.0001"))


def test_problems_are_told_together() -> None:
    """All problems are told at once, with one separator."""
    with pytest.raises(AnswerProblemsError) as error:
        read(sequence=0, lines=[{"id": "a", "not_found": 1}])
    assert str(error.value) == f"sequence: {WHOLE}; lines[0].not_found: should be true or false"
    with pytest.raises(AnswerProblemsError) as error:
        read(answer_id=None, sequence=None, kind=None)
    assert [problem.path for problem in error.value.problems] == ["kind", "answer_id", "sequence"]


def test_answer_may_add_lines() -> None:
    """Additions and replacements are new lines; a line that is not found is none."""
    assert read(added=[BAG]).has_new_lines
    assert read(lines=[LINE, {"id": "b", "replaced_by": [BAG]}]).has_new_lines
    assert not read(lines=[LINE]).has_new_lines


NEW = NewLine("BAG", 1, Decimal("0.1"))


@pytest.mark.parametrize(
    ("part", "others"),
    [
        (
            Answer("till-1", 1, Kind.READY),
            {
                "answer_id": "till-2",
                "sequence": 2,
                "kind": Kind.UPDATE,
                "lines": (LineChange("ln-1", quantity=1),),
                "added": (NEW,),
                "ready_at": NOW,
                "reason": CancelReason.TOO_BUSY,
            },
        ),
        (
            LineChange(None, "A", 2),
            {
                "id": "ln-1",
                "sku": "B",
                "quantity": 1,
                "weight": Decimal("0.25"),
                "not_found": True,
                "replaced_by": (NEW,),
            },
        ),
        (NEW, {"sku": "BOX", "quantity": 2, "unit_price": Decimal("0.2"), "weight": Decimal("0.5"), "name": "Bag"}),
    ],
)
def test_every_field_is_content(part: Any, others: dict[str, Any]) -> None:
    """Two answers that differ in any one field say different things."""

    def content(one: Any) -> Any:
        if isinstance(one, Answer):
            return plain(one)
        lines, added = ((), (one,)) if isinstance(one, NewLine) else ((one,), ())
        return plain(Answer("till-1", 1, Kind.READY, lines, added))

    for field in fields(part):
        assert content(replace(part, **{field.name: others[field.name]})) != content(part), field.name
