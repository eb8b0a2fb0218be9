"""Answers in the orders table: a row beside the order, so that one conditional write decides what is accepted, who
sends it, and how it ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.answers.stored import (
    REPUBLISHED,
    Ending,
    OrderAnswers,
    Progress,
    StoredAnswer,
    attribute,
    attribute_name,
    order_answers,
)
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import OPEN_ORDERS, ConditionFailedError, Range, Table
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, equals, less, present
from partner_orders.clock import to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
# What rows with an open answer are listed under, in the index of open orders.
OPEN_ANSWERS = "ANSWERS"
# Longer than the sender's function may take, with the HTTP request that it may be in.
CLAIM = timedelta(seconds=120)
# The wake-up of a new answer comes within seconds; what is not awake by then is found by the sweep.
AWAKE_WITHIN = timedelta(seconds=30)


class ClaimLostError(RuntimeError):
    """Another sender has claimed the order; this one writes nothing any more."""


class AcceptedMeanwhileError(RuntimeError):
    """Another answer to the order was accepted since it was read."""


class AnswersTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str, retention: timedelta) -> None:
        self._table = Table(client, table_name)
        self._retention = retention

    def get(self, order_id: str) -> OrderAnswers:
        return order_answers(order_id, self._table.get(keys.answers(order_id)))

    # -- accepting ----------------------------------------------------------------------------------------------

    def accept(self, earlier: OrderAnswers, answer: StoredAnswer, store_id: str) -> None:
        """Store a new answer behind the ``earlier`` ones. Raises AcceptedMeanwhileError if there are more by now."""
        update = Update().set("schema_version", SCHEMA_VERSION).set("store_id", store_id)
        update.set("accepted", earlier.accepted + 1).set(attribute_name(answer.number), attribute(answer))
        update.set("expires_at", int((answer.accepted_at + self._retention).timestamp()))
        if earlier.oldest_open is None:
            update.set("open", OPEN_ANSWERS).set("listed_at", to_text(answer.accepted_at + AWAKE_WITHIN))
        # Open ones may have ended since they were read: then nothing lists the order any more.
        is_as_read = _still_accepted(earlier)
        if earlier.oldest_open is not None:
            is_as_read = all_of(is_as_read, present("open"))
        try:
            self._table.update(keys.answers(earlier.order_id), update.only_if(is_as_read))
        except ConditionFailedError:
            raise AcceptedMeanwhileError from None

    # -- sending ------------------------------------------------------------------------------------------------

    def claim(self, order_id: str, now: datetime) -> OrderAnswers | None:
        """Claim an order, to send its answers; None if another sender has it, or there is nothing to send."""
        update = Update().set("claimed_until", to_text(now + CLAIM)).set("listed_at", to_text(now + CLAIM))
        update.increment("fence")
        is_free = any_of(absent("claimed_until"), less("claimed_until", to_text(now)))
        update.only_if(all_of(present("open"), is_free))
        try:
            row = self._table.update(keys.answers(order_id), update, returned="ALL_NEW")
        except ConditionFailedError:
            return None
        return order_answers(order_id, row)

    def note(self, claimed: OrderAnswers, answer: StoredAnswer, progress: Progress) -> OrderAnswers:
        """Note how far an answer is, and keep the claim. Raises ClaimLostError."""
        noted = replace(answer, progress=progress)
        self._write(claimed, Update().set(attribute_name(answer.number), attribute(noted)))
        return _with(claimed, noted)

    def put_off(self, claimed: OrderAnswers, answer: StoredAnswer, progress: Progress) -> None:
        """Note how far an answer is, and let go of the order until its next try. Raises ClaimLostError."""
        noted = replace(answer, progress=progress)
        update = Update().set(attribute_name(answer.number), attribute(noted)).remove("claimed_until")
        self._write(claimed, update.set("listed_at", to_text(progress.next_try_at)))

    def end(self, claimed: OrderAnswers, answer: StoredAnswer, ending: Ending) -> OrderAnswers:
        """Note how an answer ended. The claim stays while others are open. Raises ClaimLostError, and
        AcceptedMeanwhileError where this was the last and another has come: nothing is written then."""
        ended = replace(answer, ending=ending)
        update = Update().set(attribute_name(answer.number), attribute(ended))
        after = _with(claimed, ended)
        if after.oldest_open is not None:
            self._write(claimed, update)
            return after
        update.remove("claimed_until").remove("open").remove("listed_at")
        try:
            self._table.update(
                keys.answers(claimed.order_id),
                update.only_if(all_of(equals("fence", claimed.fence), _still_accepted(claimed))),
                row_on_failure=True,
            )
        except ConditionFailedError as error:
            if error.row is not None and error.row.get("fence") == claimed.fence:
                raise AcceptedMeanwhileError from None
            raise ClaimLostError from None
        return after

    def present_claim(self, claimed: OrderAnswers) -> OrderAnswers:
        """The answers of a claimed order, read again. Raises ClaimLostError."""
        read = self.get(claimed.order_id)
        if read.fence != claimed.fence:
            raise ClaimLostError
        return read

    def let_go(self, claimed: OrderAnswers, until: datetime) -> None:
        """Let go of an order that has to wait for something other than its own next try. Raises ClaimLostError."""
        self._write(claimed, Update().remove("claimed_until").set("listed_at", to_text(until)))

    def publish_again(self, order_id: str, answer_id: str, now: datetime) -> bool:
        """Have the outcome of an answer published once more; whether there is one."""
        stored = self.get(order_id).by_id(answer_id)
        if stored is None or stored.is_open:
            return False
        update = Update().set(REPUBLISHED, f"{stored.number}#{to_text(now)}")
        try:
            self._table.update(keys.answers(order_id), update.only_if(present(attribute_name(stored.number))))
        except ConditionFailedError:  # It has just expired.
            return False
        return True

    def due(self, now: datetime, limit: int) -> Iterator[str]:
        """The ids of orders with an answer that should have been taken up by now, the longest waiting first."""
        rows = self._table.query(OPEN_ANSWERS, Range(last=to_text(now)), OPEN_ORDERS, limit=limit)
        return (keys.order_id_of(row["pk"]) for row in rows)

    def _write(self, claimed: OrderAnswers, update: Update) -> None:
        try:
            self._table.update(keys.answers(claimed.order_id), update.only_if(equals("fence", claimed.fence)))
        except ConditionFailedError:
            raise ClaimLostError from None


def _still_accepted(read: OrderAnswers) -> Condition:
    return equals("accepted", read.accepted) if read.accepted else absent("accepted")


def _with(answers: OrderAnswers, changed: StoredAnswer) -> OrderAnswers:
    return replace(
        answers, answers=tuple(changed if stored.number == changed.number else stored for stored in answers.answers)
    )
