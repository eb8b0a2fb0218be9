"""Whatever happens to promotions and stores, files say what is wished, and end each row by the row that was sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.catalogue import keys
from partner_orders.catalogue.channel import Channel, FilePlace, Layout
from partner_orders.platform.sftp_failures import ConnectionFailedError, WriteRefusedError
from partner_orders.promotions.bodies import key_of
from partner_orders.promotions.promotion import Discount, Promotion, Subtype, body_of, digest_of
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.trouble import is_late_end, is_not_sent
from partner_orders.promotions.wish import Outcome
from partner_orders.uploader import promotion_file
from partner_orders.uploader.promotion_file import (
    Cells,
    Group,
    Groups,
    KeptRows,
    Wanted,
    file_rows,
    from_bytes,
    next_groups,
    to_bytes,
)
from tests.support.pusher_world import Deaths
from tests.support.sender_world import KilledError
from tests.support.uploader_world import UploaderWorld

STORES = ("s1", "s2", "s3")
START = datetime(2026, 5, 6, tzinfo=UTC)
type Row = tuple[str, str, str]


# -- a story -----------------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """``wished``: what was wished last of each promotion that is to run. ``on``: the rows, each by its promotion, that
    should be on in each store: all that is wished where promotions may begin, elsewhere what was on and still is.
    ``is_relaid``: a store may get another layout, so no row that was ended is wished again (docs/files.md)."""

    world: UploaderWorld
    every: list[Promotion]
    wished: dict[str, Promotion] = field(default_factory=dict)
    on: dict[str, set[tuple[str, Row]]] = field(default_factory=lambda: {store_id: set() for store_id in STORES})
    is_relaid: bool = False
    prefix: int = 0
    puts: int = 0

    def put(self, number: int, price: str, skus: int) -> None:
        before, self.puts = self.every[number], self.puts + 1
        if self.is_relaid:
            price = f"0.{60 - self.puts}"
        named = before.discounts[0].skus[:skus]
        promotion = replace(before, discounts=(Discount(named, Subtype.FINAL_PRICE, Decimal(price)),))
        self.wished[promotion.promotion_id] = promotion
        self.world.wish(promotion)

    def end(self, number: int) -> None:
        promotion = self.wished.pop(self.every[number].promotion_id, None)
        if promotion is not None:
            self.world.wish(promotion, is_end=True)

    def rename(self) -> None:
        """Another prefix, here and in the portal."""
        self.prefix += 1
        self.world.picked.prefix = f"p{chr(97 + self.prefix % 26)}"
        for store_id in STORES:
            place = self._settings(store_id).place
            self.world.change_settings(store_id, place=replace(place, prefix=self.world.picked.prefix))

    def relay(self, store_id: str) -> None:
        """From a file of its own to the shared one, or back."""
        place = self._settings(store_id).place
        layout = Layout.ONE_VENDOR if place.layout is Layout.MANY_VENDORS else Layout.MANY_VENDORS
        self.world.change_settings(store_id, place=replace(place, layout=layout))

    def rest(self) -> None:
        """Run until nothing is to do; then the platform shows what is wished."""
        for _ in range(7):
            self.world.run(minutes=30)
        for store_id in STORES:
            settings = self._settings(store_id)
            here = {name: one for name, one in self.wished.items() if store_id in one.vendors}
            rows = {(name, row) for name, one in here.items() for row in _rows(one)}
            is_on = settings.sends_by_files and settings.is_promoting
            self.on[store_id] = rows if is_on else self.on[store_id] & rows
            shown = [(one["campaign_name"], one["sku"], one["discounted_price"]) for one in self._running(store_id)]
            assert (sorted(shown), store_id) == (sorted({row for _, row in self.on[store_id]}), store_id)

    def _running(self, store_id: str) -> list[dict[str, str]]:
        return self.world.picked.running(store_id)

    def _settings(self, store_id: str) -> Any:
        return self.world.tables.settings.get(store_id)


def _rows(promotion: Promotion) -> Iterator[Row]:
    for discount in promotion.discounts:
        for sku in discount.skus:
            yield promotion.name, sku, f"{discount.value.normalize():f}"


def story(layout: Layout = Layout.ONE_VENDOR, is_relaid: bool = False) -> Story:
    """``is_relaid``: a store may get another layout, so no two promotions have the same rows (docs/files.md)."""
    world = UploaderWorld(*STORES, layout=layout)
    for store_id in STORES:
        world.platform.stock(store_id, [replace(product) for product in world.platform.products(STORES[0])])
        world.change_settings(store_id, is_promoting=True)
    first, second, *_ = world.skus[STORES[0]]
    every = [
        world.promotion(first, second, days=40, vendors=vendors, names={"en": name})
        # The first two have the same rows where both are.
        for name, vendors in (("a", STORES), ("c" if is_relaid else "a", STORES[:1]), ("b", STORES[1:]))
    ]
    return Story(world, every, is_relaid=is_relaid)


def step(told: Story, act: str, number: int, price: str, skus: int) -> None:
    world, store_id = told.world, STORES[number]
    match act:
        case "put":
            told.put(number, price, skus)
        case "end":
            told.end(number)
        case "pause promotions":
            world.change_settings(store_id, is_promoting=False)
        case "pause":
            world.change_settings(store_id, is_sending=False)
        case "off":
            world.change_settings(store_id, is_sending=False, channel=Channel.API)
        case "resume":
            world.change_settings(store_id, is_sending=True, is_promoting=True, channel=Channel.FILES)
        case "rename":
            told.rename()
        case "layout":
            told.relay(store_id)


@pytest.mark.parametrize("act", ["pause promotions", "pause", "off"])
@pytest.mark.parametrize("layout", [*Layout])
def test_rows_of_two_promotions_are_both_kept(layout: Layout, act: str) -> None:
    """A second promotion with the rows of the first changes no file, and keeps them on where the first ends while the
    store is off."""
    told = story(layout)
    for done, number in (("put", 0), ("put", 1), (act, 0), ("end", 0)):
        step(told, done, number, "0.5", 2)
        told.rest()
    assert len(told.on[STORES[0]]) == 2


ACTS = ("put", "put", "put", "end", "end", "pause promotions", "pause", "off", "resume", "resume", "rename", "layout")
FAULTS = ("", "", "", "lost", "full", "cut", *("killed",) * 3)
STEPS = st.tuples(
    st.sampled_from(ACTS),
    st.integers(0, 2),
    st.sampled_from(["0.5", "0.4"]),
    st.integers(1, 2),
    st.sampled_from(FAULTS),
    st.integers(0, 60),
)


@given(st.sampled_from([*Layout]), st.lists(STEPS, min_size=3, max_size=14))
def test_files_say_what_is_wished(layout: Layout, steps: list[tuple[str, int, str, int, str, int]]) -> None:
    """Any sequence of puts, changes, ends, pauses, other prefixes and layouts, faults and deaths: at rest the platform
    runs what is wished, and in a store that is switched off what ran there and still is."""
    told, deaths = story(layout, any(act == "layout" for act, *_ in steps)), Deaths()
    world = told.world
    world.simulated.stand_between(deaths.pass_by, deaths.pass_by)
    world.s3.before = deaths.pass_by
    for act, number, price, skus, fault, moment in steps:
        step(told, act, number, price, skus)
        match fault:
            case "lost":
                world.server.fails = [ConnectionFailedError("lost")]
            case "full":
                world.server.fails = [WriteRefusedError("full")]
            case "cut":
                world.server.cut_after = moment
            case "killed":
                deaths.plan(moment)
                try:
                    world.run()
                except KilledError:
                    world.pick_up()
                    world.restart()
                deaths.plan(None)
        told.rest()
        world.server.fails, world.server.cut_after = [], None


# -- the rows ----------------------------------------------------------------------------------------------------------

NAMES = {name: name for name in "abc"}
ROW = st.tuples(st.sampled_from("xyz"), st.sampled_from("12"))
ONE = st.builds(
    lambda rows, stores: Wanted(START + timedelta(days=30), tuple(dict.fromkeys(rows)), tuple(sorted(stores))),
    st.lists(ROW, max_size=4),
    st.sets(st.sampled_from("abc")),
)
WISHES = st.lists(st.dictionaries(st.sampled_from("pq"), ONE, max_size=2), max_size=7)


LATER, X = START + timedelta(days=30), (("x", "1"),)
# A row of two stores is ended, and is on again while one of them is switched off.
ONE_IS_OFF = [{"p": Wanted(LATER, X, ("a", "b"))}, {"p": Wanted(LATER)}, {"p": Wanted(LATER, X, ("a",))}]


@given(WISHES, st.booleans())
@example(ONE_IS_OFF, True)
def test_rows_are_on_or_ended(wishes: list[dict[str, Wanted]], is_shared: bool) -> None:
    """A row that was ever in a file stays in it as it was, on or ended and never both; all that end come first."""
    groups: Groups = {}
    sent: set[Cells] = set()
    were_on: dict[str, set[tuple[Cells, str]]] = {}
    for wanted in wishes:
        groups, held = next_groups(groups, wanted, NAMES, START)
        groups = {group: from_bytes(to_bytes(kept)) for group, kept in groups.items()}
        rows = [*file_rows(groups, is_shared)]
        assert held == []
        assert len({row[:-1] for row in rows}) == len(rows)
        assert [row[-1] for row in rows] == sorted(row[-1] for row in rows)
        sent |= {row[:-1] for row in rows}
        assert {row[:-1] for row in rows} == sent
        for name, one in wanted.items():
            found = [
                (row, store)
                for group, kept in groups.items()
                if name in kept
                for row in kept[name].on
                for store in group.stores
            ]
            assert len(found) == len({*found})
            assert {row for row, _ in found} <= {*one.on}
            begins = {(row, store) for row in one.on for store in one.begins}
            assert begins <= {*found} <= begins | were_on.get(name, set())
            were_on[name] = {*found}


@given(st.lists(ROW, max_size=4), st.integers(0, 5), st.integers(0, 8))
def test_rows_go_after_the_end(rows: list[Cells], ends: int, days: int) -> None:
    """At a promotion's own end the rows that are on go, and those that ended a day later."""
    now, end = START + timedelta(days=days), START + timedelta(days=ends)
    group, on = Group(("a",), ("a",)), tuple(dict.fromkeys(rows))
    after, _ = next_groups({group: {"p": KeptRows(end, on, (("w", "9"),))}}, {}, NAMES, now)
    found = after[group].get("p")
    assert (found is None) is (now > end + timedelta(days=1))
    assert found is None or found.on == (on if now <= end else ())


@given(st.integers(0, 2_000))
def test_too_many_rows_begin_later(most: int) -> None:
    """No more is kept than can be read: what would begin is held back and told, and ends go all the same."""
    rows = tuple((str(number), "1") for number in range(20))
    end = START + timedelta(days=9)
    before, _ = next_groups({}, {"p": Wanted(end, rows, ("a",))}, NAMES, START)
    wanted = {"p": Wanted(end), "q": Wanted(end, rows, ("a",)), "r": Wanted(end, rows[:1], ("a",))}
    after, held = next_groups(before, wanted, NAMES, START, most)
    [kept] = after.values()
    assert kept["p"] == KeptRows(end, (), rows)
    assert {*kept} | {*held} == {"p", "q", "r"}
    assert not {*kept} & {*held}
    assert {*kept} == {"p"} or sum(len(to_bytes({"": one})) for one in kept.values()) <= most


# -- one by one --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["pause promotions", "pause", "off"])
@pytest.mark.parametrize("layout", [*Layout])
def test_end_is_sent_whatever_is_off(layout: Layout, act: str) -> None:
    """A promotion is ended in a store whose promotions, catalogue or files were switched off."""
    told = story(layout)
    told.put(0, "0.5", 2)
    told.rest()
    for number in range(3):
        step(told, act, number, "", 0)
    told.rest()
    assert all(told.on.values())
    told.end(0)
    told.rest()
    assert not any(told.on.values())
    uploads = len(told.world.server.uploads)
    told.world.run(minutes=2 * 24 * 60)
    assert len(told.world.server.uploads) == uploads


def test_stores_that_come_and_go_change_no_row() -> None:
    """In a shared file a store that is paused takes nothing from the others, and a new one has rows of its own."""
    told = story(Layout.MANY_VENDORS)
    step(told, "pause promotions", 2, "", 0)
    everywhere = replace(told.every[0], vendors=("*",))
    told.world.wish(everywhere)
    told.world.run()
    text = told.world.file("chain.csv", "promotions")
    assert text.count('"s1,s2",,1') == 2
    step(told, "pause promotions", 0, "", 0)
    told.world.run()
    assert told.world.file("chain.csv", "promotions") == text
    step(told, "resume", 2, "", 0)
    told.world.run()
    rows = told.world.file("chain.csv", "promotions").splitlines()
    assert [row for row in rows if row not in text.splitlines()] == [row for row in rows if row.endswith(",s3,,1")]
    assert (len(rows), told.world.failed_lines()) == (5, [])


@pytest.mark.parametrize("is_sent_between", [True, False])
@pytest.mark.parametrize("number", range(3))
def test_ended_after_a_store_left_the_shared_file(number: int, is_sent_between: bool) -> None:
    """A promotion of stores that share a file is ended in each, also once one of them has a file of its own."""
    told = story(Layout.MANY_VENDORS, is_relaid=True)
    told.put(0, "0.5", 2)
    told.rest()
    told.relay(STORES[number])
    if is_sent_between:
        told.rest()
    told.end(0)
    told.rest()
    assert not any(told.on.values())


def test_ended_where_the_last_file_went() -> None:
    """A store that has no settings any more is ended where its last file went."""
    told = story()
    told.put(1, "0.5", 1)
    told.rest()
    [kept] = told.world.uploads.kept_groups()
    assert (kept.waiting, kept.place) == (("s1",), FilePlace("chain"))
    told.end(1)
    told.world.tables.settings._table.delete(keys.settings("s1"))
    told.world.run()
    assert told.world.picked.running("s1") == []


def test_row_keeps_the_vendor_ids_it_was_sent_with() -> None:
    """Another vendor id of a store changes no row of a shared file that was sent; a new row has it."""
    told = story(Layout.MANY_VENDORS)
    told.put(0, "0.5", 1)
    told.world.run()
    place = told._settings("s1").place
    told.world.change_settings("s1", place=replace(place, vendor_id="V-1"))
    told.put(0, "0.5", 2)
    told.world.run()
    rows = told.world.file("chain.csv", "promotions").splitlines()
    assert sorted(row.partition('"')[2] for row in rows[1:]) == ['V-1,s2,s3",,1', 's1,s2,s3",,1']
    told.end(0)
    told.world.run()
    rows = told.world.file("chain.csv", "promotions").splitlines()
    assert sorted(row.partition('"')[2] for row in rows[1:]) == ['V-1,s2,s3",,0', 's1,s2,s3",,0']


def _state(told: Story, number: int) -> PromotionState:
    state = told.world.promotions.get(told.every[number].promotion_id)
    assert state is not None
    return state


@pytest.mark.parametrize("is_end", [False, True])
def test_submitted_once_every_file_was_sent(is_end: bool) -> None:
    """A promotion of several stores is submitted, or ended, once the files of all of them were sent."""
    told = story()
    if is_end:
        told.put(0, "0.5", 1)
        told.rest()
        told.end(0)
    else:
        told.put(0, "0.5", 1)
    told.world.server.fails = [None, WriteRefusedError("full"), None]
    told.world.run()
    state = _state(told, 0)
    assert (state.outcome, state.may_run, state.has_ended) == (Outcome.WAITING, True, False)
    now = told.world.time.now() + timedelta(minutes=16)
    assert (is_late_end if is_end else is_not_sent)(state, now)
    for _ in range(3):
        told.world.run()
    state = _state(told, 0)
    assert (state.outcome, state.has_ended) == (Outcome.SUBMITTED, is_end)
    assert not (is_late_end if is_end else is_not_sent)(state, now)


def test_store_that_is_off_is_waited_for() -> None:
    """A promotion goes to the stores that are on, and counts as not sent until the others are."""
    told = story()
    step(told, "pause promotions", 2, "", 0)
    told.put(0, "0.5", 1)
    told.rest()
    assert _state(told, 0).outcome is Outcome.WAITING
    step(told, "resume", 2, "", 0)
    told.rest()
    assert _state(told, 0).outcome is Outcome.SUBMITTED


@pytest.mark.parametrize(("price", "outcome"), [("0.5", Outcome.SUBMITTED), ("0.4", Outcome.WAITING)])
def test_products_are_taken_out_whatever_is_off(price: str, outcome: Outcome) -> None:
    """A change that takes products out, and begins nothing, is submitted although a store is off; another one waits."""
    told = story()
    told.put(0, "0.5", 2)
    told.rest()
    step(told, "pause", 0, "", 0)
    told.put(0, price, 1)
    told.rest()
    assert _state(told, 0).outcome is outcome


def test_end_after_a_crash_is_not_done_unsent() -> None:
    """Killed between the upload and its note, or written over meanwhile: an end is done only once it was sent."""
    told = story()
    told.put(1, "0.5", 1)

    def die(_: object) -> None:
        raise KilledError

    told.world.uploads.note_sent, note = die, told.world.uploads.note_sent  # type: ignore[method-assign, assignment]
    with pytest.raises(KilledError):
        told.world.run()
    told.world.pick_up()
    told.world.uploads.note_sent = note  # type: ignore[method-assign]
    told.end(1)
    state = _state(told, 1)
    assert (len(told.world.picked.running("s1")), state.outcome, state.has_ended) == (1, Outcome.WAITING, False)
    told.rest()
    assert _state(told, 1).has_ended


def test_wish_during_a_run_wins() -> None:
    """An end that is wished while a run is about to send the promotion goes with the next run."""
    told = story()
    told.put(1, "0.5", 1)
    keep_group = told.world.uploads.keep_group

    def with_an_end(kept: Any) -> None:
        told.world.uploads.keep_group = keep_group  # type: ignore[method-assign]
        told.end(1)
        keep_group(kept)

    told.world.uploads.keep_group = with_an_end  # type: ignore[method-assign]
    told.world.run()
    assert _state(told, 1).outcome is Outcome.WAITING
    told.rest()
    assert _state(told, 1).has_ended


def test_planned_end_within_a_run_is_sent_by_the_next() -> None:
    """An end that comes due while a file is sent is submitted only with the next file."""
    told = story()
    told.put(1, "0.5", 1)
    told.rest()
    told.put(1, "0.4", 1)
    told.world.wish(told.every[1], is_end=True, not_before=told.world.time.now() + timedelta(minutes=6))
    upload = told.world.server.upload

    def slow(*arguments: Any) -> Any:
        told.world.time.sleep(120)
        return upload(*arguments)

    told.world.server.upload = slow  # type: ignore[method-assign, assignment]
    told.world.run()
    assert (_state(told, 1).wish.is_end, len(told.world.picked.running("s1"))) == (False, 1)
    told.world.run()
    assert (_state(told, 1).has_ended, told.world.picked.running("s1")) == (True, [])


def test_next_begins_after_the_end_of_the_other() -> None:
    """A promotion that another has to end for waits for that end, and both go with one file, the end first."""
    told = story()
    told.put(1, "0.5", 1)
    told.rest()
    replacing = replace(told.every[1], ends=told.every[1].ends + timedelta(days=1))
    told.world.wish(replacing, after=told.every[1].promotion_id)
    told.world.run()
    assert len(told.world.picked.running("s1")) == 1
    waiting = told.world.promotions.get(replacing.promotion_id)
    assert waiting is not None
    assert waiting.outcome is Outcome.WAITING
    told.end(1)
    told.world.run()
    rows = told.world.file("chain_s1.csv", "promotions").splitlines()[1:]
    assert [row[-2:] for row in rows] == [",0", ",1", ",1"]
    assert {row["end_date"] for row in told.world.picked.running("s1")} == {f"{replacing.ends:%Y-%m-%d %H:%M:%S}"}


def test_body_that_is_gone_is_tried_again() -> None:
    """A promotion whose body is gone has failed, is told of, and goes once the body was restored."""
    told = story()
    promotion = told.every[1]
    key = (promotion.promotion_id, digest_of(body_of(promotion)))
    told.world.wish(promotion)
    objects = told.world.s3.objects
    gone = {name: objects.pop(name) for name in [*objects] if name[0] == key_of(*key)}
    report = told.world.run()
    state = _state(told, 1)
    assert (state.outcome, "gone" in state.problem, state.may_run) == (Outcome.FAILED, True, False)
    assert ["gone" in note for one in report.files for note in one.notes] == [True]
    for _ in range(3):
        told.world.run()
    objects |= gone
    for _ in range(14):
        told.world.run()
    assert len(told.world.picked.running("s1")) == 2
    assert _state(told, 1).outcome is Outcome.SUBMITTED


def test_too_many_rows_wait_and_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more would be kept than can be read, a promotion fails with the reason, and ends go all the same."""
    told = story()
    told.put(1, "0.5", 2)
    told.rest()
    monkeypatch.setattr(promotion_file.next_groups, "__defaults__", (600,))
    told.world.wish(told.every[0])
    told.world.run()
    failed = _state(told, 0)
    for _ in range(3):
        told.world.run()
    assert (_state(told, 0), "too many promotions" in failed.problem) == (failed, True)
    assert [len(told.world.picked.running(store_id)) for store_id in STORES] == [2, 2, 2]
    told.end(1)
    told.world.run()
    assert (_state(told, 1).has_ended, told.world.picked.running("s1")) == (True, [])


def test_planned_end_of_a_refused_change() -> None:
    """Where a change is refused the promotion before it runs on, and its planned end comes due all the same."""
    told = story()
    told.put(1, "0.5", 1)
    told.rest()
    told.world.wish(told.every[1], is_end=True, not_before=told.world.time.now() + timedelta(minutes=30))
    percent = Discount(told.every[1].discounts[0].skus, Subtype.PERCENTAGE, Decimal(10))
    told.world.wish(replace(told.every[1], discounts=(percent,)))
    told.world.run()
    assert (_state(told, 1).outcome, len(told.world.picked.running("s1"))) == (Outcome.REFUSED, 1)
    told.world.run(minutes=30)
    assert (_state(told, 1).has_ended, told.world.picked.running("s1")) == (True, [])
