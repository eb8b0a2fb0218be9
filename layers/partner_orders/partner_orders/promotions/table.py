"""Promotions in the catalogue's table, and their history."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.keys import Key
from partner_orders.aws.update import absent, any_of, equals, less
from partner_orders.catalogue import keys
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.clock import Clock, to_text
from partner_orders.promotions import state as after
from partner_orders.promotions.promotion import Promotion
from partner_orders.promotions.record import Record
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.stored import attributes_of, record_attributes, record_of, state_of
from partner_orders.promotions.wish import Channel, Wish

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# After its end. A body is kept for the same time, from when it was written.
KEPT = timedelta(days=400)
_MAX_WRITES = 8


class WrittenMeanwhileError(RuntimeError):
    """Another worker, or an operator, wrote the promotion since it was read."""


class OtherChannelError(RuntimeError):
    """The promotion was made by another channel, and can be changed by that one only."""


class NewerWishError(RuntimeError):
    """Somebody wished something else since the promotion was read."""


class NotPlannedError(LookupError):
    """No end is planned for later."""


def _nobody(_promotion_id: str) -> None:
    """Nobody wants to know."""


class PromotionsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def all(
        self, since: datetime | None = None, tell_unreadable: Callable[[str], None] = _nobody
    ) -> dict[str, PromotionState]:
        """The promotions that end at a time or later, by id, in the order in which they end; consistent.
        ``tell_unreadable`` is told of each one whose row cannot be read, which costs no other."""
        place = Range() if since is None else Range(first=to_text(since))
        found = {}
        for row in self._table.query(keys.PROMOTIONS, place, consistent=True):
            try:
                state = state_of(row)
            except (AttributeError, LookupError, TypeError, ValueError):
                tell_unreadable(keys.promotion_id_of(str(row["sk"])))
            else:
                found[state.promotion_id] = state
        return found

    def get(self, promotion_id: str) -> PromotionState | None:
        """A promotion, consistent; None where there is none."""
        place = self._table.get(keys.promotion_place(promotion_id))
        row = None if place is None else self._table.get(Key(keys.PROMOTIONS, place["place"]))
        return None if row is None else state_of(row)

    def write(self, state: PromotionState) -> PromotionState:
        """Write a state over the version that it was read as; the state as it is then. Raises
        WrittenMeanwhileError."""
        key = _key(state.summary.ends, state.promotion_id)
        as_read = equals("version", state.version) if state.version else absent("pk")
        expires_at = int((state.summary.ends + KEPT).timestamp())
        attributes = attributes_of(state) | {"version": state.version + 1, "expires_at": expires_at}
        try:
            self._table.put(key, attributes, as_read)
        except ConditionFailedError:
            raise WrittenMeanwhileError from None
        return state_of({**attributes, "sk": key.sk})

    def wish(
        self,
        promotion: Promotion,
        wish_of: Callable[[int], Wish],
        clock: Clock,
        channel: Channel = Channel.API,
        over: int | None = None,
    ) -> PromotionState:
        """Write a new wish, whatever the pusher writes at the same time. ``wish_of`` gives it by its number; its body
        is kept already. ``over``: the number of the newest wish that was read, 0 where there was none. Raises
        OtherChannelError, and NewerWishError where that is not the newest one any more."""
        place = _key(promotion.ends, promotion.promotion_id)
        expires_at = int((promotion.ends + KEPT).timestamp())
        # Before the row, so that whatever is there can be found by its id.
        self._table.put(keys.promotion_place(promotion.promotion_id), {"place": place.sk, "expires_at": expires_at})

        def written(state: PromotionState | None) -> PromotionState:
            if over is not None and over != (0 if state is None else state.newest_number):
                raise NewerWishError
            if state is None:
                return after.first(promotion, wish_of(1), channel, clock())
            if state.channel is not channel:
                raise OtherChannelError(state.channel.value)
            return after.wished(state, promotion, wish_of(state.newest_number + 1), clock())

        return self._change(promotion.promotion_id, written)

    def unplan(self, promotion_id: str, words: str, clock: Clock) -> PromotionState:
        """Take back the end that was planned for later; ``words`` say who does, and why. Raises NotPlannedError where
        there is none."""

        def written(state: PromotionState | None) -> PromotionState:
            if state is None or state.planned is None:
                raise NotPlannedError(promotion_id)
            return after.unplanned(state, clock(), words)

        return self._change(promotion_id, written)

    def note_job(self, claim: PromotionState, job_id: str) -> None:
        """Give back a claim where a newer wish came meanwhile, and note the job of the body that was sent, empty where
        nobody knows it."""
        for _ in range(_MAX_WRITES):
            state = self.get(claim.promotion_id)
            if state is None or claim.put_at is None:
                return
            changed = after.job_known(state, claim.claim, claim.put_at, job_id)
            if changed == state:
                return
            try:
                self.write(changed)
            except WrittenMeanwhileError:
                continue
            return

    def _change(self, promotion_id: str, changed: Callable[[PromotionState | None], PromotionState]) -> PromotionState:
        for _ in range(_MAX_WRITES):
            try:
                written = self.write(changed(self.get(promotion_id)))
            except WrittenMeanwhileError:
                continue
            for record in written.untold:
                self.note(promotion_id, record)
            return written
        raise WrittenMeanwhileError

    # -- history -------------------------------------------------------------------------------------------------------

    def note(self, promotion_id: str, record: Record) -> None:
        """Write a record into a promotion's history, unless a newer copy of it is there."""
        expires_at = int((record.at + KEPT).timestamp())
        is_newer = any_of(absent("version"), less("version", record.version))
        try:
            attributes = record_attributes(record) | {"expires_at": expires_at}
            self._table.put(Key(keys.promotion_wishes(promotion_id), record.name), attributes, is_newer)
        except ConditionFailedError:
            return

    def history(self, promotion_id: str, most: int = 100) -> Iterator[Record]:
        """What was wished of a promotion and became of it, the last first; consistent."""
        place = keys.promotion_wishes(promotion_id)
        rows = self._table.query(place, newest_first=True, limit=most, consistent=True)
        return (_record(row) for row in rows)


def _key(ends: datetime, promotion_id: str) -> Key:
    """Where a promotion stands. A row has whole milliseconds only, as the platform does."""
    cut = ends.replace(microsecond=ends.microsecond // 1_000 * 1_000)
    return keys.promotion(to_text(cut), promotion_id)


def _record(row: Row) -> Record:
    return record_of(row["sk"], row)
