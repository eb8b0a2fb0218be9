"""Promotions in the table, and their bodies in the bucket."""

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_orders.catalogue.store_settings import CatalogueSettings, SettingsTable
from partner_orders.promotions import state as after
from partner_orders.promotions.bodies import Bodies, BodyGoneError, DocumentKind, key_of
from partner_orders.promotions.promotion import EVERY_STORE, MAX_BODY_BYTES, body_of, ended
from partner_orders.promotions.sending import are_switched_on, is_free
from partner_orders.promotions.table import (
    NewerWishError,
    NotPlannedError,
    OtherChannelError,
    PromotionsTable,
    WrittenMeanwhileError,
)
from partner_orders.promotions.wish import Channel, Outcome
from tests.support.promotions import NOW, BucketOfTest, end_of, promotion, wish_of
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB


@pytest.fixture
def dynamodb() -> SimulatedDynamoDB:
    return SimulatedDynamoDB()


@pytest.fixture
def table(dynamodb: SimulatedDynamoDB) -> PromotionsTable:
    return PromotionsTable(dynamodb.client, dynamodb.new_table())


def test_wishes_are_found_again(table: PromotionsTable) -> None:
    """A promotion is found by its id, in the list, and in its history, with the newest wish."""
    promoted = promotion()
    table.wish(promoted, wish_of(promoted), lambda: NOW)
    state = table.wish(ended(promoted), end_of(promoted), lambda: NOW + timedelta(minutes=1))
    assert table.get(promoted.promotion_id) == state
    assert table.all() == {promoted.promotion_id: state}
    assert (state.wish.number, state.wish.is_end, state.summary.name) == (2, True, "Dairy week")
    history = [(record.wish.number, record.outcome) for record in table.history(promoted.promotion_id)]
    assert history == [(2, Outcome.DONE), (1, Outcome.OVERTAKEN)]
    assert table.get("none") is None


def test_a_time_is_cut_to_milliseconds(table: PromotionsTable) -> None:
    """A promotion whose end has microseconds is written again where it was read."""
    promoted = promotion(ends=NOW + timedelta(days=1, microseconds=1_234))
    state = table.wish(promoted, wish_of(promoted), lambda: NOW)
    written = table.write(after.claimed(state, "c", NOW))
    assert table.all() == {promoted.promotion_id: written} == {written.promotion_id: table.get(promoted.promotion_id)}


def test_a_query_leaves_out_what_is_over(table: PromotionsTable) -> None:
    """A query from a time on shows what ends then or later, in the order in which it ends."""
    ends = [NOW + timedelta(days=days) for days in (3, 1, 2)]
    for end in ends:
        promoted = promotion(ends=end)
        table.wish(promoted, wish_of(promoted), lambda: NOW)
    found = table.all(since=NOW + timedelta(days=2))
    assert [state.summary.ends for state in found.values()] == [ends[2], ends[0]]


def test_an_older_version_is_not_written(table: PromotionsTable) -> None:
    """What another worker wrote meanwhile stays."""
    promoted = promotion()
    state = table.wish(promoted, wish_of(promoted), lambda: NOW)
    table.write(after.claimed(state, "a", NOW))
    with pytest.raises(WrittenMeanwhileError):
        table.write(after.claimed(state, "b", NOW))


def test_a_wish_comes_through(table: PromotionsTable) -> None:
    """A wish is written whatever a worker writes at the same time, and the worker's job is not lost."""
    promoted = promotion()
    claim = table.write(after.claimed(table.wish(promoted, wish_of(promoted), lambda: NOW), "a", NOW))
    table.wish(ended(promoted), end_of(promoted), lambda: NOW)
    table.note_job(claim, "j1")
    state = table.get(promoted.promotion_id)
    assert state is not None
    assert ([one.job_id for one in state.older], state.claim, state.wish.is_end) == (["j1"], "", True)


def test_a_channel_keeps_its_promotions(table: PromotionsTable) -> None:
    """A promotion that was made by files is not changed by API."""
    promoted = promotion()
    table.wish(promoted, wish_of(promoted), lambda: NOW, Channel.FILES)
    with pytest.raises(OtherChannelError):
        table.wish(promoted, wish_of(promoted), lambda: NOW)


def test_an_end_can_be_taken_back(table: PromotionsTable) -> None:
    """An end that was planned can be taken back, and is on record as overtaken."""
    promoted = promotion()
    table.wish(promoted, wish_of(promoted), lambda: NOW)
    table.wish(ended(promoted), end_of(promoted, not_before=NOW + timedelta(hours=1)), lambda: NOW)
    state = table.unplan(promoted.promotion_id, "taken back by B: the stock lasts", lambda: NOW)
    assert (state.planned, state.wish.number) == (None, 1)
    record = next(table.history(promoted.promotion_id))
    assert record.outcome is Outcome.OVERTAKEN
    assert record.wish.why.endswith("; taken back by B: the stock lasts")
    for promotion_id in (promoted.promotion_id, "none"):
        with pytest.raises(NotPlannedError):
            table.unplan(promotion_id, "", lambda: NOW)


def test_a_newer_wish_is_not_overtaken_unseen(table: PromotionsTable) -> None:
    """A wish that was made of an older one is not written: somebody may have ended the promotion meanwhile."""
    promoted = promotion()
    table.wish(promoted, wish_of(promoted), lambda: NOW, over=0)
    table.wish(ended(promoted), end_of(promoted), lambda: NOW, over=1)
    for over in (0, 1):
        with pytest.raises(NewerWishError):
            table.wish(promoted, wish_of(promoted), lambda: NOW, over=over)
    state = table.get(promoted.promotion_id)
    assert state is not None
    assert state.wish.is_end


def test_an_unreadable_row_costs_no_other(dynamodb: SimulatedDynamoDB) -> None:
    """A row that cannot be read is told of, and the others are shown."""
    name = dynamodb.new_table()
    table, promoted = PromotionsTable(dynamodb.client, name), promotion()
    table.wish(promoted, wish_of(promoted), lambda: NOW)
    row = {"pk": {"S": "PROMOTIONS"}, "sk": {"S": "2026-09-01T00:00:00.000000Z#broken"}, "version": {"N": "1"}}
    dynamodb.client.put_item(TableName=name, Item=row)
    broken: list[str] = []
    assert list(table.all(tell_unreadable=broken.append)) == [promoted.promotion_id]
    assert broken == ["broken"]


def test_bodies_are_kept_byte_for_byte() -> None:
    """A body and its document come back as they were; one that was changed, or is not there, does not."""
    bucket, promoted = BucketOfTest(), promotion()
    bodies, body = Bodies(bucket, "files"), body_of(promotion())
    digest = bodies.write(promoted.promotion_id, body)
    name = bodies.write_document(promoted.promotion_id, b"sku\nKW-1\n", DocumentKind.CSV)
    assert bodies.read(promoted.promotion_id, digest) == body
    assert bodies.read_document(promoted.promotion_id, name) == b"sku\nKW-1\n"
    bucket.objects[f"files/{key_of(promoted.promotion_id, digest)}"] += b" "
    for missing in (digest, "0" * 64):
        with pytest.raises(BodyGoneError):
            bodies.read(promoted.promotion_id, missing)
    with pytest.raises(ValueError, match="bytes"):
        bodies.write(promoted.promotion_id, b"x" * (MAX_BODY_BYTES + 1))


def test_promotions_are_off_until_switched_on(dynamodb: SimulatedDynamoDB) -> None:
    """A store takes no promotions until it is switched on, also by a row of before; one for every store waits for each
    store of the catalogue (rule W8)."""
    table = SettingsTable(dynamodb.client, dynamodb.new_table())
    table.put(CatalogueSettings("s0", is_promoting=True))
    table.put(CatalogueSettings("s1", is_sending=True))
    settings = table.all()
    assert [settings[store].is_promoting for store in ("s0", "s1")] == [True, False]
    assert are_switched_on(("s0",), settings)
    assert not any(are_switched_on(vendors, settings) for vendors in (("s0", "s1"), ("s0", "s2"), (EVERY_STORE,)))
    table.put(CatalogueSettings("s1", is_promoting=True))
    assert are_switched_on((EVERY_STORE,), table.all())
    assert not are_switched_on((EVERY_STORE,), {})


def test_a_promotion_waits_for_another_to_end() -> None:
    """A promotion that takes another's place waits until the platform has ended that one, or its time is over."""
    promoted, other = promotion(), promotion(ends=NOW + timedelta(days=9))
    state = after.first(other, wish_of(other, after=promoted.promotion_id)(1), Channel.API, NOW)
    earlier = replace(after.first(promoted, wish_of(promoted)(1), Channel.API, NOW), may_run=True)
    assert not is_free(state, earlier, NOW)
    assert not is_free(state, replace(earlier, outcome=Outcome.DONE), NOW)
    end = after.wished(earlier, ended(promoted), end_of(promoted)(2), NOW)
    assert not is_free(state, end, NOW)
    assert is_free(state, replace(end, outcome=Outcome.DONE), NOW)
    assert is_free(state, after.over(earlier, NOW), NOW)
    assert is_free(state, None, NOW)
    assert is_free(state, earlier, promoted.ends)
