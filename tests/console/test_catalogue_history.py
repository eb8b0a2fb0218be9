"""``catalogue``: who decided what, why jobs failed, and what the platform showed last."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partner_orders.catalogue.files import Decision
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.clock import from_text
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders_console.operations.catalogue.decided import MOST
from tests.support.catalogue_stack import BUCKET, OTHER_STORE, STORE, TABLE, Catalogue
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]
TYPING_ERROR = ("--reason", "typing error", "--yes")


def hold(catalogue: Catalogue, *skus: str, store_id: str = STORE, minute: int = 0) -> None:
    """A guard holds the prices of products."""
    version = NOW + timedelta(minutes=minute)
    source = f"changes/{store_id}/prices.csv?versionId={minute}"
    catalogue.tables.held.hold_lines(store_id, source, version, {sku: Values(price=Decimal(35)) for sku in skus})


# -- who decided what --------------------------------------------------------------------------------------------------


def test_dropped_price_is_listed(run: Run, catalogue: Catalogue) -> None:
    """A dropped price is listed with when, who and why; so it is on the product's page and the store's."""
    catalogue.fill()
    hold(catalogue, "A-1")
    run("catalogue", "drop", "A-1", "--store", STORE, *TYPING_ERROR)
    ran = run("catalogue", "decisions")
    assert (ran.status, "1 decision" in ran.err) == (0, True)
    assert all(text in ran.out for text in (STORE, "A-1: price 35", "dropped", "arn:aws:", "typing error"))
    [one] = run("catalogue", "decisions", "--store", STORE, "--json").json["decisions"]
    assert (one["decision"], one["why"], one["values"]) == ("dropped", "typing error", {"A-1": {"price": 35}})
    assert one["file"] == f"changes/{STORE}/prices.csv"
    for call in (("show", STORE, "A-1"), ("show", STORE)):
        assert "typing error" in run("catalogue", *call).out
    [of_product] = run("catalogue", "show", STORE, "A-1", "--json").json["decided"]
    assert (of_product["why"], of_product["values"]) == ("typing error", {"price": 35})
    assert "typing error" not in run("catalogue", "show", STORE, "B-2").out


def test_decision_is_kept_400_days(run: Run, catalogue: Catalogue) -> None:
    """A decision expires 400 days after it was made, however long ago the price was held."""
    catalogue.fill()
    hold(catalogue, "A-1", minute=-600)
    run("catalogue", "drop", "A-1", "--store", STORE, *TYPING_ERROR)
    [one] = run("catalogue", "decisions", "--store", STORE, "--json").json["decisions"]
    rows = catalogue.stack.client("dynamodb").scan(TableName=TABLE)["Items"]
    [expires_at] = [int(row["expires_at"]["N"]) for row in rows if "decided_by" in row]
    assert expires_at == int((from_text(one["decided_at"]) + timedelta(days=400)).timestamp())


def hold_file(catalogue: Catalogue) -> None:
    """A guard holds the file short.csv."""
    header = "sku,price,active,quantity\n"
    catalogue.put("first.csv", header + "".join(f"K-{number},2,true,3\n" for number in range(30)), "lists")
    catalogue.put("short.csv", header + "K-1,2.1,true,3\n", "lists")


def test_held_file_decisions_are_listed(run: Run, catalogue: Catalogue) -> None:
    """The decision about a file names the file."""
    catalogue.enrol()
    hold_file(catalogue)
    run("catalogue", "drop", "--file", "short.csv", "--store", STORE, "--reason", "cut off", "--yes")
    assert "file short.csv" in run("catalogue", "decisions").out
    [one] = run("catalogue", "show", STORE, "--json").json["decisions"]
    assert (one["why"], one["values"]) == ("cut off", {})


@pytest.mark.parametrize(("verb", "decision"), [("drop", "dropped"), ("release", "released")])
@pytest.mark.parametrize("choice", [("A-1",), ("--all-prices",), ("--file", "short.csv")])
def test_decision_says_who_and_why(
    run: Run, catalogue: Catalogue, choice: tuple[str, ...], verb: str, decision: str
) -> None:
    """Whatever is decided of whatever is held, the caller's ARN and the reason are kept with it."""
    catalogue.enrol()
    if "--file" in choice:
        hold_file(catalogue)
    else:
        hold(catalogue, "A-1")
    run("catalogue", verb, *choice, "--store", STORE, *TYPING_ERROR)
    who = catalogue.stack.client("sts").get_caller_identity()["Arn"]
    [one] = run("catalogue", "decisions", "--json").json["decisions"]
    assert (one["decision"], one["decided_by"], one["why"]) == (decision, who, "typing error")
    if "--file" in choice:
        file = next(row for row in catalogue.tables.files.of_store(STORE) if row.decision)
        assert (file.decision, file.decided_by) == (decision, who)


def test_decisions_are_bounded_and_newest_first(run: Run, catalogue: Catalogue) -> None:
    """The decisions of all stores are in one list, the newest first, and no more than a hundred."""
    for store_id in (STORE, OTHER_STORE):
        catalogue.enrol(store_id)
        for minute in range(60):
            hold(catalogue, *(f"A-{number}" for number in range(5)), store_id=store_id, minute=minute)
            [held] = catalogue.tables.held.of_store(store_id)
            at = NOW + timedelta(minutes=minute)
            catalogue.tables.decisions.note(store_id, held, Decision.DROPPED, "anna", "wrong", at)
            catalogue.tables.held.remove(store_id, held)
    found = run("catalogue", "decisions", "--json").json["decisions"]
    times = [one["decided_at"] for one in found]
    assert (len(found), {one["store_id"] for one in found}) == (MOST, {STORE, OTHER_STORE})
    assert times == sorted(times, reverse=True)
    ran = run("catalogue", "decisions")
    assert "at most 100 are shown" in ran.err
    assert "A-2: price 35; and 2 more products" in ran.out


def test_last_pause_is_listed(run: Run, catalogue: Catalogue) -> None:
    """Who paused or resumed each store last is listed with the reason."""
    catalogue.enrol()
    run("catalogue", "pause", STORE, "--reason", "stocktaking", "--yes")
    ran = run("catalogue", "decisions")
    assert all(text in ran.out for text in (STORE, "paused", "arn:aws:", "stocktaking")), ran.out
    [one] = run("catalogue", "decisions", "--json").json["stores"]
    assert (one["is_sending"], one["why"]) == (False, "stocktaking")


# -- why a job failed --------------------------------------------------------------------------------------------------


def write_job(catalogue: Catalogue, number: int, state: JobState, **end: Any) -> None:
    sent = {"A-1": Values(price=Decimal(4)), "B-2": Values(price=Decimal(5))}
    catalogue.tables.jobs.write(STORE, Job(number, NOW + timedelta(minutes=number), sent))
    catalogue.tables.jobs.ended(JobPlace(STORE, number), state, **end)


@pytest.mark.parametrize(
    ("state", "end", "text"),
    [
        ("settled", {"failure": "not taken: not_found:platform"}, "ask the account manager"),
        ("settled", {"failure": "not taken: forbidden"}, "the account may not write the catalogue of this store"),
        ("settled", {"failure": "not taken: unauthorized"}, "the platform rejects the credentials"),
        ("settled", {"failure": "not taken: not_found"}, "the platform does not know the store, or the only product"),
        ("settled", {"failure": "not taken: too_large"}, "the platform did not take it: too large"),
        ("settled", {"failure": "refused: no such vendor"}, "the platform refused the call: no such vendor"),
        ("given_up", {"notes": {"A-1": "unknown", "B-2": "unknown"}}, "no result came within 30 minutes"),
        ("settled", {"notes": {"A-1": "unknown", "B-2": "unknown"}}, "the platform gave the job up"),
        ("settled", {"notes": {"A-1": "refused: unknown product"}}, "1 refused"),
    ],
)
def test_failed_job_says_why(run: Run, catalogue: Catalogue, state: str, end: dict[str, Any], text: str) -> None:
    """The table of jobs has the reason in words, and the store's summary says why it waits."""
    catalogue.fill()
    write_job(catalogue, 1, JobState.SETTLED)
    write_job(catalogue, 2, JobState(state), **end)
    catalogue.tables.states.fail(STORE, NOW)
    ran = run("catalogue", "show", STORE)
    assert text in ran.out
    assert "not_found:platform" not in ran.out
    is_whole = text != "1 refused"
    assert ("the last one failed because" in ran.out) is is_whole
    found = run("catalogue", "show", STORE, "--json").json
    assert (text in (found["waits_because"] or "")) is is_whole
    assert found["jobs"][1]["because"] is None


def test_product_says_why_its_job_failed(run: Run, catalogue: Catalogue) -> None:
    """A product's page has the reason in words where its job was not taken."""
    catalogue.fill()
    write_job(catalogue, 1, JobState.SETTLED, failure="not taken: not_found:platform")
    assert "ask the account manager" in run("catalogue", "show", STORE, "A-1").out


# -- what the platform showed last -------------------------------------------------------------------------------------


def test_old_export_is_marked(run: Run, catalogue: Catalogue) -> None:
    """Where the platform processed products after the last export was asked for, the store says so."""
    catalogue.fill()
    catalogue.export([("A-1", (), Decimal("3.5"), True)])
    assert "older than the newest job" not in run("catalogue", "show", STORE).err
    catalogue.export([("A-1", (), Decimal("3.5"), True)], asked_at=NOW - timedelta(hours=3))
    assert "the platform processed 1 product since" in run("catalogue", "show", STORE).err
    assert run("catalogue", "show", STORE, "--json").json["counted"]["processed_since"] == 1


def test_last_export_is_written(run: Run, catalogue: Catalogue, folder: Path) -> None:
    """The last export is written as CSV, with its time; no cell of it is a formula."""
    catalogue.fill()
    catalogue.export([("A-1", ("5012", "5013"), Decimal("3.50"), True), ("=1+1", (), Decimal(2), False)])
    ran = run("catalogue", "export", STORE)
    lines = ["sku,barcode,price,active,maximum_sales_quantity", "A-1,5012 5013,3.50,true,", "'=1+1,,2,false,"]
    assert (ran.status, ran.out.splitlines()) == (0, lines)
    assert "2 products, as the platform showed them at 2026-10-14 09:00:00" in ran.err
    assert run("catalogue", "export", STORE, "--output", str(folder / "shown.csv")).out == ""
    assert (folder / "shown.csv").read_text().splitlines() == lines


def test_no_export_says_when_it_comes(run: Run, catalogue: Catalogue, folder: Path) -> None:
    """Before the first export the command says when it comes, and why it did not; no file is overwritten."""
    catalogue.fill()
    file = folder / "shown.csv"
    file.write_text("an earlier one")
    ran = run("catalogue", "export", STORE, "--output", str(file))
    assert (ran.status, "and then every 24 hours" in ran.err, file.read_text()) == (1, True, "an earlier one")
    table = ExportsTable(catalogue.stack.client("dynamodb"), TABLE)
    table.asking(AskedExport(STORE, NOW))
    assert "It was asked for at 2026-10-14 09:00:00" in run("catalogue", "export", STORE).err
    table.failed(STORE, "the platform's job failed")
    assert "yet: the platform's job failed" in run("catalogue", "export", STORE).err


def test_unreadable_export_is_explained(run: Run, catalogue: Catalogue) -> None:
    """An export that somebody overwrote is a sentence."""
    catalogue.fill()
    catalogue.export([])
    catalogue.stack.client("s3").put_object(Bucket=BUCKET, Key=f"exports/{STORE}.csv.gz", Body=b"\x1f\x8bnothing")
    ran = run("catalogue", "export", STORE)
    assert (ran.status, "cannot be read" in ran.err) == (1, True), ran.err


def test_unknown_store_says_how_to_register(run: Run, catalogue: Catalogue) -> None:
    """A store that no order named has to be registered first, and the message says how."""
    ran = run("catalogue", "set", "148020")
    assert (ran.status, "registered by its first order, or by `partner-orders" in ran.err) == (1, True), ran.err
