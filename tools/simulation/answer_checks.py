"""What must hold of the answers to orders: each accepted one ends once, as the platform has it, and in its turn."""

import json
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.put_body import UPDATE_CART
from partner_orders.answers.stored import StoredAnswer
from partner_orders.answers.table import AnswersTable
from tools.local.picks import differences
from tools.local.simulated_platform.lives import Life
from tools.simulation.violation import Violation
from tools.simulation.world import RATE_LIMIT, RETENTION_DAYS, World

WINDOW_SECONDS = 60.0
# Of 60 requests, what all but the answers get together (docs/platform.md 4.5).
OF_THE_OTHERS = 36
# What no story has a reason for: the platform can be read in time, and nobody else changes lines.
_NEVER = {Outcome.APPLIED_DIFFERENTLY, Outcome.EXPIRED, Outcome.UNKNOWN}


def have_ended(world: World) -> bool:
    """Whether every answer has its outcome."""
    return all(stored.ending for life in world.picked for stored in _stored(world, life))


def check_answers(world: World) -> Counter[str]:
    """Every answer, after the trouble. How many ended how. Raises Violation."""
    check_requests(world)
    effects: dict[str, list[str]] = defaultdict(list)
    for _, order_id, body in world.api.answers:
        effects[order_id].append(body["status"])
        if {line["_id"] for line in body["items"] if "_id" in line} - world.tills.said[order_id].seen:
            raise Violation(f"{order_id}: an answer says something of a line that its till never saw")
    account: Counter[str] = Counter()
    for life in world.picked:
        answers = _stored(world, life)
        _accepted(world, life, answers)
        _effects(world, life, answers, effects[life.order_id])
        _told(world, life, answers)
        account.update(f"answers {stored.ending.outcome.value}" for stored in answers if stored.ending)
    return account


def check_requests(world: World) -> None:
    """The platform was never asked more often than it allows, and answers had what is kept for them."""
    _within([at for at, _ in world.asked], RATE_LIMIT, "the platform was asked")
    of_others = [at for at, function in world.asked if function != "sender"]
    _within(of_others, OF_THE_OTHERS, "all but the sender asked the platform")


def _within(times: list[float], most: int, what: str) -> None:
    first = 0
    for number, at in enumerate(sorted(times)):
        while at - times[first] >= WINDOW_SECONDS:
            first += 1
        if number - first + 1 > most:
            raise Violation(f"{what} {number - first + 1} times within a minute")


def _stored(world: World, life: Life) -> tuple[StoredAnswer, ...]:
    table = AnswersTable(world.dynamodb.client, world.table, timedelta(days=RETENTION_DAYS))
    return table.get(life.order_id).answers


def _accepted(world: World, life: Life, answers: tuple[StoredAnswer, ...]) -> None:
    """What the till was told is taken is stored, in its order, and nothing else is."""
    taken = [content["answer_id"] for content in world.tills.said[life.order_id].accepted]
    stored = [answer.answer.answer_id for answer in answers]
    if taken != stored:
        raise Violation(f"{life.order_id}: taken were {taken}, and stored are {stored}")


def _effects(world: World, life: Life, answers: tuple[StoredAnswer, ...], sent: list[str]) -> None:
    """An answer has an effect if it is applied, and none if not; one that adds lines has one; all in their order."""
    wanted = [_status(life, stored) for stored in answers]
    if unasked := {*sent} - {*wanted}:
        raise Violation(f"{life.order_id}: {unasked} took effect, and nobody said so")
    if sent != sorted(sent, key=wanted.index):
        raise Violation(f"{life.order_id}: answers took effect in the order {sent}")
    effects, applied = Counter(sent), []
    present = world.api.shown(life.order_id) or life
    body = present.steps[-1].body
    body = body | {"items": [line for line in body["items"] if line["_id"] != world.lines_added.get(life.order_id)]}
    said = {content["answer_id"]: content for content in world.tills.said[life.order_id].accepted}
    for stored, status in zip(answers, wanted, strict=True):
        name = f"{life.order_id} {stored.answer.answer_id}"
        if stored.ending is None:
            raise Violation(f"{name} has no outcome after hours of calm")
        outcome = stored.ending.outcome
        is_changed = life.order_id in world.lines_added and outcome is Outcome.APPLIED_DIFFERENTLY
        if outcome in _NEVER and not is_changed:
            raise Violation(f"{name} is {outcome}: {stored.ending.reason}")
        if outcome is Outcome.APPLIED:
            applied.append(said[stored.answer.answer_id])
        least, most = _possible(stored, outcome)
        if not least <= effects[status] <= most:
            raise Violation(f"{name} is {outcome}, and took effect {effects[status]} times")
        if outcome is Outcome.OVERTAKEN and body["status"] != "CANCELLED":
            raise Violation(f"{name} is overtaken, and the order is {body['status']}")
    if applied and (wrong := differences(life.steps[0].body, applied, body)) and body["status"] != "CANCELLED":
        raise Violation(f"{life.order_id}: applied, and {wrong}")


def _possible(stored: StoredAnswer, outcome: Outcome) -> tuple[int, int]:
    """How often an answer may have had an effect: the same cart twice is the same cart."""
    if outcome in {Outcome.OVERTAKEN, Outcome.APPLIED_DIFFERENTLY}:
        # A customer may cancel what has just become ready, and somebody add a line to what was just changed.
        return 0, 1
    if outcome is not Outcome.APPLIED:
        return 0, 0
    return 1, 1 if stored.answer.has_new_lines else len(stored.answered_lines) + 10


def _status(life: Life, stored: StoredAnswer) -> str:
    """The status that the request has which sends an answer."""
    is_own_delivery = life.steps[0].body["transport_type"] == "VENDOR_DELIVERY"
    ready = "DISPATCHED" if is_own_delivery else "READY_FOR_PICKUP"
    kinds = {"update": UPDATE_CART, "cancel": "CANCELLED", "accept": "ACCEPTED"}
    return kinds.get(stored.answer.kind.value, ready)


def _told(world: World, life: Life, answers: tuple[StoredAnswer, ...]) -> None:
    """Each outcome is on the bus, or a dead letter; and no outcome is told that is not stored."""
    outcomes = {f"{life.order_id}/answers/{one.answer.answer_id}": one.ending for one in answers}
    told: dict[str, set[str]] = defaultdict(set)
    for detail in _details(world):
        if detail.get("order_id") == life.order_id and "answer_id" in detail:
            told[detail["id"]].add(detail["outcome"])
    for name, ending in outcomes.items():
        if ending is not None and told[name] != {ending.outcome.value}:
            raise Violation(f"{name} is {ending.outcome}, and told was {sorted(told[name])}")
    if unknown := told.keys() - outcomes.keys():
        raise Violation(f"outcomes of {sorted(unknown)} were told, and nobody knows these answers")


def _details(world: World) -> list[dict[str, Any]]:
    on_the_bus = [entry["Detail"] for entry in world.bus.entries]
    given_up = [json.loads(message.text)["detail"] for message in world.letters.sent]
    return [*map(json.loads, on_the_bus), *map(json.loads, filter(None, given_up))]
