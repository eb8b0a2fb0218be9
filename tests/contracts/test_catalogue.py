"""The catalogue's rows do the same on the simulated DynamoDB, on moto and on DynamoDB Local."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue import changes
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.job import MAX_NOTE, Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import (
    MAX_SKUS,
    CatalogueSettings,
    InvalidSettingsError,
    SettingsChangedError,
)
from partner_orders.catalogue.store_state import CLAIM, FIRST_WAIT, ClaimLostError
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins
from tests.support.contracts import FAKE, LOCAL, MOTO
from tests.support.fixed_clock import NOW
from tests.support.orders_table import TABLE

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("dynamodb", [FAKE, MOTO, LOCAL], indirect=True)]

STORE = "q7zk"


@pytest.fixture
def tables(dynamodb: Any) -> Tables:
    return Tables.named(dynamodb, TABLE)


def say(tables: Tables, sku: str, values: Values, minute: int = 0, known: Desired | None = None) -> Desired:
    version = NOW + timedelta(minutes=minute)
    return tables.products.change(STORE, sku, lambda row: merged(row, values, version, {}), known)[1]


def test_products(tables: Tables) -> None:
    """Products are found one by one and all together, each with its newest values."""
    skus = [f"KW-{number}" for number in range(30)]
    for number, sku in enumerate(skus):
        say(tables, sku, Values(price=Decimal("1.95"), quantity=number))
    say(tables, "KW-3", Values(quantity=99), minute=1)
    say(tables, "KW-4", Values(quantity=99), minute=-1)
    assert sorted(row.sku for row in tables.products.all_of(STORE)) == sorted(skus)
    found = tables.products.many(STORE, ["KW-3", "KW-4", "unknown"])
    assert {sku: row.values.quantity for sku, row in found.items()} == {"KW-3": 99, "KW-4": 4}
    assert [*tables.products.all_of("another")] == []
    assert (tables.products.another(STORE, "KW-3") or Desired("")).sku in {*skus} - {"KW-3"}
    assert tables.products.another("another", "KW-3") is None


def test_faster_writer(tables: Tables) -> None:
    """A writer that read a product before another wrote it takes the other's values into account."""
    before = say(tables, "KW-1", Values(quantity=1))
    say(tables, "KW-1", Values(quantity=5), minute=2)
    late = say(tables, "KW-1", Values(quantity=3, active=True), minute=1, known=before)
    assert late.values == Values(quantity=5, active=True)
    assert tables.products.many(STORE, ["KW-1"])["KW-1"] == late


def test_changes(tables: Tables) -> None:
    """Changes come oldest first, up to a number of products, and go when they are removed."""
    tables.changes.add(STORE, ["a", "b", "a"], NOW)
    tables.changes.add(STORE, ["c"], NOW + timedelta(seconds=1), is_urgent=True)
    tables.changes.add(STORE, [f"sku-{number}" for number in range(changes.MAX_SKUS + 1)], NOW + timedelta(seconds=2))
    assert [(change.skus, change.is_urgent) for change in tables.changes.first(STORE, 3)] == [
        (["a", "b"], False),
        (["c"], True),
    ]
    assert [change.skus for change in tables.changes.first(STORE, 1)] == [["a", "b"]]
    tables.changes.remove(STORE, tables.changes.first(STORE, 3))
    assert sum(len(change.skus) for change in tables.changes.first(STORE, 10_000)) == changes.MAX_SKUS + 1


def test_wake_ups(tables: Tables) -> None:
    """A store in which something may wait is found, the oldest first, until it was looked at and nothing is left."""
    tables.changes.add("second", ["b"], NOW + timedelta(seconds=1))
    tables.changes.add(STORE, ["a"], NOW)
    found = tables.changes.stores()
    assert [(wake_up.store_id, wake_up.since) for wake_up in found] == [
        (STORE, NOW),
        ("second", NOW + timedelta(seconds=1)),
    ]
    tables.changes.add(STORE, ["c"], NOW + timedelta(seconds=2))
    tables.changes.served(found[0], None)
    tables.changes.served(found[1], None)
    [left] = tables.changes.stores()
    assert (left.store_id, left.since) == (STORE, NOW)
    tables.changes.served(left, tables.changes.first(STORE, 10)[-1].added_at)
    assert [wake_up.since for wake_up in tables.changes.stores()] == [NOW + timedelta(seconds=2)]
    tables.changes.served(left, None)
    assert tables.changes.stores() == []


def test_settings(tables: Tables) -> None:
    """The settings of a store are as they were put; a store without any is not in the catalogue."""
    assert tables.settings.get(STORE) is None
    margins = Margins(2, 6, {"KW-1": 0}, {"KW-2": 3})
    full = CatalogueSettings(STORE, True, False, margins, NOW, "anna", "opens today")
    tables.settings.put(full)
    tables.settings.put(CatalogueSettings("another"))
    tables.states.claim(STORE, NOW)
    assert tables.settings.get(STORE) == full
    assert tables.settings.all() == {STORE: full, "another": CatalogueSettings("another")}
    assert [*tables.states.all()] == [STORE]
    assert tables.settings.all_with_states() == (tables.settings.all(), [*tables.states.all().values()])
    of_many = dict.fromkeys((f"KW-{number}" for number in range(MAX_SKUS + 1)), 1)
    with pytest.raises(InvalidSettingsError):
        tables.settings.put(CatalogueSettings(STORE, margins=Margins(cap_of=of_many)))


def test_settings_are_not_overwritten(tables: Tables) -> None:
    """Settings that somebody else changed since they were read are not written over; a change is made of the newest."""
    tables.settings.write(CatalogueSettings(STORE))
    read = tables.settings.get(STORE)
    assert read is not None
    tables.settings.write(replace(read, is_sending=True))
    for stale in (read, CatalogueSettings(STORE)):
        with pytest.raises(SettingsChangedError):
            tables.settings.write(replace(stale, is_promoting=True))
    after = tables.settings.change(STORE, lambda found: replace(found, is_promoting=True))
    assert after == tables.settings.get(STORE)
    assert (after.is_sending, after.is_promoting) == (True, True)
    with pytest.raises(LookupError):
        tables.settings.change("nowhere", lambda found: found)


def test_jobs(tables: Tables) -> None:
    """A job is found by its number, and by the platform's id once that is known."""
    job = Job(7, NOW, {"KW-1": Values(price=Decimal("1.95"), quantity=0, active=False)})
    place = JobPlace(STORE, 7)
    tables.jobs.write(STORE, job)
    assert tables.jobs.get(place) == job
    assert tables.jobs.find("job-1") is None
    tables.jobs.submitted(STORE, 7, NOW, "job-1")
    assert tables.jobs.find("job-1") == place
    tables.jobs.ended(place, JobState.SETTLED, "job-1")
    assert tables.jobs.get(place) == replace(job, state=JobState.SETTLED, job_id="job-1")
    tables.jobs.submitted_alone(STORE, replace(job, number=0), "job-2")
    alone = tables.jobs.find("job-2")
    assert alone is not None
    assert tables.jobs.get(alone) == replace(job, number=0)
    tables.jobs.ended(alone, JobState.SETTLED)
    assert (tables.jobs.get(alone) or job).state is JobState.SETTLED


def test_end_of_a_job_is_noted(tables: Tables) -> None:
    """What became of a job's lines stands in its row, cut; a store's jobs are listed with the newest first."""
    for number in (1, 2, 11):
        tables.jobs.write(STORE, Job(number, NOW, {"a": Values(active=True), "b": Values(quantity=3)}))
    job = next(tables.jobs.newest(STORE))
    tables.jobs.ended(JobPlace(STORE, job.number), JobState.SETTLED, notes={"b": f"refused: {'x' * 200}"})
    tables.jobs.ended(JobPlace(STORE, 2), JobState.SETTLED, failure="refused: no price")
    newest = [*tables.jobs.newest(STORE)]
    assert [one.number for one in newest] == [11, 2, 1]
    assert ({*newest[0].notes}, len(newest[0].notes["b"]), newest[0].failure) == ({"b"}, MAX_NOTE, "")
    assert (newest[1].notes, newest[1].failure, newest[2].state) == ({}, "refused: no price", JobState.OPEN)


def test_one_sender(tables: Tables) -> None:
    """A store has one sender; one whose claim ran out is rejected once another has the store."""
    first = tables.states.claim(STORE, NOW)
    assert first is not None
    assert tables.states.claim(STORE, NOW + CLAIM) is None
    second = tables.states.claim(STORE, NOW + CLAIM + timedelta(seconds=1))
    assert second is not None
    with pytest.raises(ClaimLostError):
        tables.states.begin_job(first, NOW)
    tables.states.release(first)
    assert tables.states.claim(STORE, NOW + CLAIM + timedelta(seconds=1)) is None
    begun = tables.states.begin_job(second, NOW)
    assert (begun.last_job, begun.unfinished) == (1, {1: NOW})
    tables.states.end_job(STORE, 1)
    assert tables.states.get(STORE).unfinished == {}
    tables.states.release(second)
    third = tables.states.claim(STORE, NOW + CLAIM + timedelta(seconds=1))
    assert third is not None
    assert third.last_job == 1


def test_job_of_a_claim(tables: Tables) -> None:
    """A sender begins a job with its claim, unless another was there since it read the store's state."""
    unread = tables.states.get(STORE)
    first = tables.states.claim_for_job(unread, NOW)
    assert first is not None
    assert first.unfinished == {1: NOW}
    assert tables.states.claim_for_job(tables.states.get(STORE), NOW) is None
    taken = tables.states.submitted(first, "job-1", releases=True)
    assert (taken.unfinished, taken.job_ids) == ({1: NOW}, {1: "job-1"})
    assert tables.states.claim_for_job(unread, NOW) is None
    second = tables.states.claim_for_job(tables.states.get(STORE), NOW)
    assert second is not None
    tables.states.fail(STORE, NOW, 1)
    failed = tables.states.get(STORE)
    assert (failed.unfinished, failed.failed_jobs, failed.not_before) == ({2: NOW}, 1, NOW + FIRST_WAIT)
    tables.states.drop_job(STORE, 2)
    assert (tables.states.get(STORE).unfinished, tables.states.get(STORE).failed_jobs) == ({}, 1)


def test_urgent_off(tables: Tables) -> None:
    """Products that messages took off sale are counted for a day."""
    for minute in (0, 1, 20, 24 * 60 + 10):
        tables.states.note_urgent_off(tables.states.get(STORE), NOW + timedelta(minutes=minute))
    state = tables.states.get(STORE)
    assert state.figures(NOW + timedelta(minutes=21)).switched_off == 2
    assert state.figures(NOW + timedelta(days=1, minutes=10)).switched_off == 2


def test_list_versions(tables: Tables) -> None:
    """The version of a whole list only grows, by field."""
    later = NOW + timedelta(minutes=1)
    tables.states.raise_list_versions(STORE, ["price", "quantity"], later, "b")
    tables.states.raise_list_versions(STORE, ["price", "active"], NOW, "a")
    assert tables.states.get(STORE).list_versions == {"price": later, "quantity": later, "active": NOW}
    # A file is measured against other lists: its own version it may have raised before a crash.
    assert tables.states.get(STORE).list_versions_for("b") == {"active": NOW}
