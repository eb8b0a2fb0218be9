"""The page of the catalogue: stores, what is held, files and jobs, products by outcome; and what it changes."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from partner_orders.catalogue.files import FileState
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.to_send import off_at_once
from partner_orders.clock import now
from partner_orders.store_status import status as after
from partner_orders.store_status.shown import Reading
from partner_orders.store_status.wish import Kind, Wish
from partner_orders_console.operations.stack import DeployedStack
from tests.support.catalogue_stack import OTHER_STORE, STORE, Catalogue
from tests.support.desk import Browser, facts
from tests.support.fixed_clock import NOW

type Open = Callable[..., Browser]
PATH = f"/catalogue/stores/{STORE}"
HEADER = "sku,price,active,quantity\n"


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """A store with products of each outcome, a job, a file, and a held price."""
    catalogue.fill()
    catalogue.put("prices.csv", "sku,price\nA-1,35\nD-4,0\n")
    sent = {"B-2": Values(price=Decimal("1.95")), "A-1": Values(price=Decimal("3.5"))}
    job = Job(1, NOW + timedelta(minutes=1), sent)
    catalogue.tables.jobs.write(STORE, job)
    notes = {"B-2": "refused: product not found in catalog"}
    catalogue.tables.jobs.ended(JobPlace(STORE, 1), JobState.SETTLED, "job-7", notes)
    return catalogue


def test_no_page_without_a_catalogue(browser: Browser) -> None:
    """Without a catalogue the navigation does not name it, and its address says how it is deployed."""
    assert "/catalogue" not in browser.get("/stores").text
    assert "make deploy-catalogue" in browser.text("/catalogue")


@pytest.mark.usefixtures("filled")
def test_stores_of_the_catalogue(browser: Browser, catalogue: Catalogue) -> None:
    """Each store is shown with its figures, and whether it is sent; the navigation leads there."""
    catalogue.enrol(OTHER_STORE, is_sending=False)
    assert '<a href="/catalogue"' in browser.get("/stores").text
    shown = browser.text("/catalogue")
    assert all(text in shown for text in ("2 stores", STORE, OTHER_STORE, "paused", "loaded"))
    assert "1 held value of" in shown
    assert "the price changes too much within a day" in shown


def test_letters_of_the_catalogue(browser: Browser, catalogue: Catalogue) -> None:
    """The page of trouble has the catalogue's dead letters beside those of orders, and shows what each is about."""
    text = '{"store_id": "148020", "sku": "A-1", "active": false}'
    url = catalogue.stack.output("UrgentDeadLettersUrl")
    catalogue.stack.client("sqs").send_message(QueueUrl=url, MessageBody=text)
    shown = browser.text("/trouble/letters")
    assert all(part in shown for part in ("order-events", "files", "callbacks", "urgent", "148020 A-1"))
    assert "1 message" in browser.text("/trouble/letters/urgent")
    assert "The queue is empty" in browser.text("/trouble/letters/files")


@pytest.mark.usefixtures("filled")
def test_store_with_its_files_and_jobs(browser: Browser) -> None:
    """A store shows its settings, its newest files with their bad lines, and its newest jobs."""
    shown = facts(browser.get(PATH).text)
    assert (shown["sent"], shown["safety stock"]) == ("yes", "0")
    text = browser.text(f"{PATH}/work")
    assert all(part in text for part in ("prices.csv", "loaded", "settled", "changes"))


@pytest.mark.usefixtures("filled")
def test_status_that_was_never_read(browser: Browser) -> None:
    """A store whose status was not read yet says so."""
    assert facts(browser.get(PATH).text)["the platform shows"] == "not read yet"


def test_status_of_a_store(browser: Browser, filled: Catalogue) -> None:
    """A store shows its status, where it differs from what is wished, and the history with who, why and the outcome."""
    statuses = filled.stack.statuses
    until = now().replace(microsecond=0) + timedelta(hours=3)
    status = statuses.wish(
        lambda number: Wish(number, Kind.CLOSED_UNTIL, until, "OTHER", "arn:a-person", "no <power>", now()), STORE, now
    )
    status = statuses.write(after.sent(after.claimed(status, "c", now()), now(), refusal="LOCKED: ask us"))
    status = statuses.write(after.read(status, Reading("OPEN"), now()))
    for record in status.untold:
        statuses.note(STORE, record)
    shown = facts(browser.get(PATH).text)
    assert shown["the platform shows"].startswith("OPEN")
    assert all(part in shown["wished"] for part in ("CLOSED_UNTIL", "refused", "arn:a-person", "no <power>"))
    text = browser.text(PATH)
    assert all(part in text for part in ("the platform refused it: LOCKED: ask us", "History of the last 400 days"))


def test_failed_job_says_why(browser: Browser, filled: Catalogue) -> None:
    """The table of jobs has the reason in words, and the store says why it waits."""
    filled.tables.jobs.write(STORE, Job(2, now(), {"A-1": Values(price=Decimal(4))}))
    failure = "not taken: not_found:platform"
    filled.tables.jobs.ended(JobPlace(STORE, 2), JobState.SETTLED, failure=failure)
    filled.tables.states.fail(STORE, now())
    text = "the account may not write its catalogue: ask the account manager"
    assert text in facts(browser.get(PATH).text)["the last job failed because"]
    shown = browser.text(f"{PATH}/work")
    assert all(part in shown for part in (text, "not taken", "1 refused"))
    assert "not_found" not in shown


def test_old_export_is_marked(browser: Browser, filled: Catalogue) -> None:
    """The counts say where the platform processed products after the last export."""
    filled.export([("A-1", (), Decimal("3.5"), True)], asked_at=NOW - timedelta(hours=3))
    assert "the platform processed 1 product since" in browser.text(f"{PATH}/counts")


def test_urgent_off_tells_what_waits(browser: Browser, filled: Catalogue) -> None:
    """A product that went off alone shows when, and that its quantity follows."""
    row = filled.say("A-1", minute=5, active=False)
    off = off_at_once(row)
    assert off is not None
    filled.tables.products.change(STORE, "A-1", partial(settled, sent=off, outcome=Outcome.PROCESSED, now=NOW))
    shown = facts(browser.get(f"{PATH}/product?sku=A-1").text)
    assert "off sale, quantity 7; that changed last 2026-10-14 09:00" in shown["the platform confirmed"]
    assert shown["still to be processed"] == "quantity 0"
    assert "ahead of everything else is in no job" in browser.text(f"{PATH}/product?sku=A-1")


@pytest.mark.usefixtures("filled")
def test_products_are_counted_by_outcome(browser: Browser) -> None:
    """The counts come in a part of their own, with the refused products and the platform's words."""
    assert "product not found in catalog" not in browser.text(PATH)
    text = browser.text(f"{PATH}/counts")
    assert "3 1 \N{EN DASH} 1 1" in text
    assert "B-2" in text
    assert "product not found in catalog" in text


@pytest.mark.usefixtures("filled")
def test_product_with_what_was_sent(browser: Browser) -> None:
    """A product shows its values, what the platform said, and each job that carried it."""
    text = browser.text(f"{PATH}/product?sku=B-2")
    assert all(part in text for part in ("refused", "price 1.95", "refused: product not found in catalog", "job-7"))
    assert "price 35, said at" in browser.text(f"{PATH}/product?sku=A-1")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        (f"{PATH}/product?sku=Z-9", 404, "has no product Z-9"),
        (f"{PATH}/product?sku=", 404, "1 to 128 characters"),
        ("/catalogue/stores/nowhere", 200, "is not in the catalogue"),
        ("/catalogue/stores/nowhere/counts", 200, "is not in the catalogue"),
        ("/catalogue/stores/nowhere/work", 200, "No file came"),
    ],
)
def test_unknown_names_are_explained(browser: Browser, path: str, status: int, text: str) -> None:
    """A store or a product that there is not is a sentence."""
    response = browser.get(path)
    assert (response.status_code, text in browser.text(path)) == (status, True), browser.text(path)


def test_values_from_files_are_escaped(browser: Browser, catalogue: Catalogue) -> None:
    """A SKU with markup is text."""
    catalogue.enrol()
    catalogue.say("<b>A</b>", price=Decimal(2), active=True)
    catalogue.tables.held.hold_lines(STORE, "x?versionId=1", NOW, {"<b>A</b>": Values(price=Decimal(9))})
    for path in ("/catalogue", PATH, f"{PATH}/product?sku=%3Cb%3EA%3C/b%3E"):
        assert "<b>A</b>" not in browser.get(path).text
    assert "&lt;b&gt;A&lt;/b&gt;" in browser.get("/catalogue").text


# -- changes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def changing(open_desk: Open) -> Browser:
    return open_desk(allows_changes=True)


def test_read_only_desk_offers_no_decision(browser: Browser, filled: Catalogue) -> None:
    """A desk that was not started for changes shows no form of one."""
    for path in ("/catalogue", PATH):
        shown = browser.get(path).text
        assert STORE in shown
        assert "/changes/" not in shown


def test_store_is_paused_and_resumed(changing: Browser, filled: Catalogue) -> None:
    """A pause asks first, is done once, and records the reason."""
    said = changing.change("pause-catalogue", store=STORE, reason="stocktaking")
    assert f"Send nothing more of store {STORE} (stocktaking)?" in said
    settings = filled.tables.settings.get(STORE)
    assert settings is not None
    assert (settings.is_sending, settings.reason) == (False, "stocktaking")
    assert "is paused already" in changing.change("pause-catalogue", store=STORE, reason="again")
    assert "is sent, within a minute" in changing.change("resume-catalogue", store=STORE, reason="counted")
    assert "a reason has 1 to 300" in changing.change("pause-catalogue", store=STORE, reason=" ")


def test_held_price_is_released(changing: Browser, filled: Catalogue) -> None:
    """The question shows what the held price would replace; then it is what the product should be."""
    assert 'formaction="/changes/drop-held"' in changing.get(PATH).text
    said = changing.change("release-held", store=STORE, sku="A-1", reason="checked")
    assert "A-1: price 35 in place of price 3.5, on sale, quantity 7, takes effect" in said
    assert "released." in said
    assert filled.tables.products.many(STORE, ["A-1"])["A-1"].values.price == Decimal(35)
    assert "no price is held" in changing.change("release-held", store=STORE, sku="A-1", reason="again")


def test_held_price_is_dropped(changing: Browser, filled: Catalogue) -> None:
    """A dropped price is forgotten; being asked alone changes nothing."""
    assert changing.post("/changes/drop-held", step="ask", store=STORE, sku="A-1", reason="wrong").status_code == 200
    assert [*filled.tables.held.of_store(STORE)]
    assert "This cannot be undone." in changing.change("drop-held", store=STORE, sku="A-1", reason="wrong")
    assert [*filled.tables.held.of_store(STORE)] == []
    store = changing.text(PATH)
    assert all(part in store for part in ("1 decision", "A-1: price 35 dropped", "arn:aws:", "wrong"))
    assert ": wrong" in facts(changing.get(f"{PATH}/product?sku=A-1").text)["dropped"]


def test_held_file_is_decided(changing: Browser, catalogue: Catalogue) -> None:
    """A held file says what it would do and why it is held; once it is dropped it is never loaded."""
    catalogue.enrol()
    catalogue.put("first.csv", HEADER + "".join(f"K-{number},2,true,3\n" for number in range(60)), "lists")
    catalogue.put("short.csv", HEADER + "K-1,2.1,true,3\n", "lists")
    [held] = [it for it in catalogue.tables.held.of_store(STORE) if it.is_file]
    assert "it is much shorter than the last list" in changing.text("/catalogue")
    said = changing.change("drop-held", store=STORE, file=held.source, reason="cut off")
    assert "would go off sale" in said
    assert catalogue.state_of(f"lists/{STORE}/short.csv") is FileState.DROPPED


def test_changes_need_a_catalogue(changing: Browser, stack: DeployedStack) -> None:
    """Without a catalogue each change says so."""
    for action in ("pause-catalogue", "resume-catalogue", "release-held", "drop-held"):
        assert "there is no catalogue beside" in changing.change(action, store=STORE, reason="why")


def test_drift_of_a_store(browser: Browser, catalogue: Catalogue) -> None:
    """What the last export showed otherwise is named with both values, over a chart of the days."""
    catalogue.fill()
    assert f'hx-get="{PATH}/drift"' in browser.get(PATH).text
    catalogue.export([("A-1", (), Decimal(35), True), ("X-9", (), Decimal(1), True)], NOW + timedelta(hours=1))
    catalogue.compare()
    shown = browser.text(f"{PATH}/drift")
    for text in (
        "differs from your system in 1 product",
        "1 of them is not repaired",
        "price 3.5",
        "price 35",
        "X-9",
        "unknown to us",
    ):
        assert text in shown, text
    assert "Products that differ on the platform" in shown


@pytest.mark.usefixtures("filled")
def test_store_that_was_not_compared(browser: Browser) -> None:
    """Before the first comparison the page says when it comes."""
    assert "Not compared yet" in browser.text(f"{PATH}/drift")
