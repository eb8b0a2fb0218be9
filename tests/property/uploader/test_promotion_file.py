"""Promotions by file: a row is ended by the identical row that was sent, whatever became of its promotion since."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.channel import Layout
from partner_orders.platform.sftp_failures import ConnectionFailedError
from partner_orders.promotions.promotion import Discount, Kind, Subtype, without
from partner_orders.promotions.wish import Outcome
from partner_orders.uploader import promotion_file
from partner_orders.uploader.file_names import MOST_ROWS, FileKind
from partner_orders.uploader.promotion_file import NotForFilesError, from_bytes, rows_of
from tests.support.sender_world import KilledError
from tests.support.uploader_world import OTHER_STORE, STORE, UploaderWorld

NAME = f"chain_{STORE}.csv"


def world_of(*stores: str, **place: Any) -> UploaderWorld:
    world = UploaderWorld(*stores, **place)
    for store_id in world.stores:
        world.change_settings(store_id, is_promoting=True)
    return world


def running(world: UploaderWorld, store_id: str = STORE) -> dict[str, str]:
    """The discounted price of each SKU on the platform."""
    return {row["sku"]: row["discounted_price"] for row in world.picked.running(store_id)}


def file(world: UploaderWorld, name: str = NAME) -> list[str]:
    return world.file(name, "promotions").splitlines()[1:]


def test_promotion_begins_and_ends() -> None:
    """A promotion goes with the next run and is submitted. It is ended by the identical row, which stays until a day
    after the promotion's own end."""
    world = world_of()
    first, second, *_ = world.skus[STORE]
    promotion = world.promotion(first, second)
    world.wish(promotion)
    world.run()
    assert running(world) == {first: "0.5", second: "0.5"}
    state = world.promotions.get(promotion.promotion_id)
    assert state is not None
    assert (state.outcome, state.job_id) == (Outcome.SUBMITTED, "")
    begun = file(world)
    assert begun[0].endswith(",1")
    world.wish(promotion, is_end=True)
    world.run()
    assert running(world) == {}
    assert file(world) == [row.removesuffix("1") + "0" for row in begun]
    assert world.failed_lines() == []
    for _ in range(7):
        world.run(minutes=24 * 60)
        assert file(world) == [row.removesuffix("1") + "0" for row in begun]
    uploads = len(world.server.uploads)
    for _ in range(3):
        world.run(minutes=24 * 60)
    assert len(world.server.uploads) - uploads <= 1
    assert from_bytes(b"") == {}


def test_changed_promotion_ends_the_row_that_was_sent() -> None:
    """Another price ends the row before, as it was sent, and begins a new one; a SKU that is taken out ends alone."""
    world = world_of()
    first, second, *_ = world.skus[STORE]
    promotion = world.promotion(first, second)
    world.wish(promotion)
    world.run()
    cheaper = replace(promotion, discounts=(Discount((first, second), Subtype.FINAL_PRICE, Decimal("0.4")),))
    world.wish(cheaper)
    world.run()
    assert running(world) == {first: "0.4", second: "0.4"}
    world.wish(without(cheaper, [first]))
    world.run()
    assert running(world) == {second: "0.4"}
    world.wish(cheaper)
    world.run()
    assert running(world) == {first: "0.4", second: "0.4"}
    assert world.failed_lines() == []


def test_end_after_a_crash_has_the_rows_that_were_sent() -> None:
    """What is about to be sent is kept first, so that a function that is killed after the upload can end it."""
    world = world_of()
    promotion = world.promotion(world.skus[STORE][0])
    world.wish(promotion)
    note, killed = world.uploads.note_sent, [0]

    def die(_: object) -> None:
        killed[0] += 1
        raise KeyboardInterrupt

    world.uploads.note_sent = die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.pick_up()
    world.uploads.note_sent = note  # type: ignore[method-assign]
    assert (killed[0], len(running(world))) == (1, 1)
    world.restart()
    world.wish(promotion, is_end=True)
    for _ in range(3):
        world.run()
    assert running(world) == {}
    assert world.failed_lines() == []


def test_promotion_that_files_cannot_tell_is_refused() -> None:
    """A percentage off is no strikethrough of a file: the promotion is refused with the reason, and the others go."""
    world = world_of()
    first, second, *_ = world.skus[STORE]
    bad = world.promotion(first, discounts=(Discount((first,), Subtype.PERCENTAGE, Decimal(10)),), names={"en": "bad"})
    good = world.promotion(second)
    for one in (bad, good):
        world.wish(one)
    report = world.run()
    assert [*running(world)] == [second]
    state = world.promotions.get(bad.promotion_id)
    assert state is not None
    assert (state.outcome, "FINAL_PRICE" in state.problem) == (Outcome.REFUSED, True)
    assert any("FINAL_PRICE" in note for sent in report.files for note in sent.notes)


def test_only_stores_that_promote_get_a_file() -> None:
    """A store whose promotions are off gets none, and a promotion of another store is not in its file."""
    world = world_of(STORE, OTHER_STORE)
    world.change_settings(OTHER_STORE, is_promoting=False)
    world.wish(world.promotion(world.skus[STORE][0], vendors=("*",)))
    world.wish(world.promotion(world.skus[OTHER_STORE][0], vendors=(OTHER_STORE,), names={"en": "other"}))
    world.run()
    assert [*world.server.folders["promotions"]] == [NAME]
    assert [*running(world)] == [world.skus[STORE][0]]


def test_shared_file_names_the_stores() -> None:
    """In a file of many stores a row names those of its promotion."""
    world = world_of(STORE, OTHER_STORE, layout=Layout.MANY_VENDORS)
    world.platform.stock(OTHER_STORE, [replace(product) for product in world.platform.products(STORE)])
    first, second, *_ = world.skus[STORE]
    world.wish(world.promotion(first, vendors=("*",)))
    world.wish(world.promotion(second, vendors=(OTHER_STORE,), names={"en": "other"}))
    world.run()
    assert (set(running(world)), set(running(world, OTHER_STORE))) == ({first}, {first, second})
    assert world.failed_lines() == []


def test_many_rows_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promotions of more rows than a file takes go in numbered parts."""
    assert MOST_ROWS[FileKind.PROMOTIONS] == 20_000 - 1
    monkeypatch.setitem(MOST_ROWS, FileKind.PROMOTIONS, 3)
    world = world_of()
    world.wish(world.promotion(*world.skus[STORE]))
    world.run()
    assert sorted(world.server.folders["promotions"]) == [f"chain{number}_{STORE}.csv" for number in (1, 2, 3)]
    assert set(running(world)) == set(world.skus[STORE])


# -- the rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subtype", "value", "said"),
    [
        (Subtype.PERCENTAGE, Decimal(100), ("free_item", "")),
        (Subtype.PERCENTAGE, Decimal(50), ("percentage_value_off", "50")),
        (Subtype.ABSOLUTE, Decimal("1.5"), ("absolute_value_off", "1.5")),
    ],
)
def test_bundles(subtype: Subtype, value: Decimal, said: tuple[str, str]) -> None:
    """A bundle names its pieces, its sub type and its discount, in the columns of the docs."""
    world = world_of()
    sku = world.skus[STORE][0]
    discount = Discount((sku,), subtype, value, max_quantity=3)
    limits: Any = {"global_limit": 500, "max_items_per_order": 2}
    bundle = world.promotion(kind=Kind.SAME_ITEM_BUNDLE, discounts=(discount,), buy=2, get=1, limits=limits)
    [row] = rows_of(bundle)
    found = dict(zip(promotion_file.COLUMNS, row, strict=True))
    assert (found["promotion_sub_type"], found["bundle_discount"]) == said
    assert (found["bundle_details"], found["discounted_price"], found["reason"]) == ("B2G1", "", "competitiveness")
    limits_told = (found["max_no_of_orders"], found["maximum_sales_quantity"], found["discount_usage_limit"])
    assert limits_told == ("500", "3", "2")
    world.wish(bundle)
    world.run()
    assert [one["sku"] for one in world.picked.running(STORE)] == [sku]
    for limit in ("max_discount_per_order", "a_new_one"):
        with pytest.raises(NotForFilesError, match=f"no column for the limit {limit}"):
            rows_of(replace(bundle, limits={**limits, limit: 1}))
    with pytest.raises(NotForFilesError, match="one name"):
        rows_of(replace(bundle, names={"en_PK": "Two", "ur_PK": "دو"}))
    with pytest.raises(NotForFilesError):
        rows_of(replace(bundle, buy=None))
    with pytest.raises(NotForFilesError):
        rows_of(replace(bundle, discounts=(replace(discount, subtype=Subtype.FINAL_PRICE),)))


@pytest.mark.parametrize("fault", [KilledError(), ConnectionFailedError("lost")])
def test_end_after_a_death_behind_the_upload(fault: BaseException) -> None:
    """Rows are kept before they go: where the function dies, or the connection is lost, once the server has the file,
    an end that is wished afterwards ends what began."""
    world = world_of()
    promotion = world.promotion(world.skus[STORE][0])
    world.wish(promotion)
    upload = world.server.upload

    def lost(*given: Any) -> Any:
        upload(*given)
        raise fault

    world.server.upload = lost  # type: ignore[assignment,method-assign]
    with suppress(KilledError):
        world.run()
    world.server.upload = upload  # type: ignore[method-assign]
    world.pick_up()
    assert running(world) != {}
    world.restart()
    world.wish(promotion, is_end=True)
    for _ in range(30):
        world.run(minutes=10)
    assert running(world) == {}
