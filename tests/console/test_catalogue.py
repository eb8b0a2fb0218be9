"""``catalogue``: the stores and products of the catalogue, what became of them, and what an operator sets."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome
from partner_orders.catalogue.to_send import Margins
from partner_orders.clock import now
from partner_orders.pusher.urgent_message import urgent_change
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.catalogue import urgent
from partner_orders_console.operations.stack import DeployedStack
from tests.support.catalogue_stack import OTHER_STORE, STORE, Catalogue
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders_table import TABLE
from tools.local.simulated_platform.catalogue_records import Product
from tools.local.simulated_platform.server import Platform, serve

type Run = Callable[..., Ran]
WHY = ("--reason", "stocktaking")


def test_no_catalogue_says_how_to_deploy_it(run: Run) -> None:
    """Without the catalogue's stack each command says so, and how it is deployed."""
    for command in (
        ("status",),
        ("show", STORE),
        ("refused",),
        ("pause", STORE, *WHY),
        ("resume", "--all", *WHY),
        ("set", STORE),
        ("held",),
        ("release", "--store", STORE, "--all-prices", *WHY),
        ("drop", "--store", STORE, "--all-prices", *WHY),
        ("load", __file__, "--store", STORE, "--changes"),
        ("urgent", STORE, "A-1", "--off"),
        ("decisions",),
        ("export", STORE),
    ):
        ran = run("catalogue", *command)
        assert (ran.status, "make deploy-catalogue" in ran.err, ran.out) == (1, True, ""), ran


# -- reading -----------------------------------------------------------------------------------------------------------


def test_status_of_all_stores(run: Run, catalogue: Catalogue) -> None:
    """The status has a line for each store: whether it is sent, its figures, what waits, and its jobs."""
    catalogue.fill()
    catalogue.enrol(OTHER_STORE, is_sending=False)
    state = catalogue.tables.states.claim(STORE, NOW)
    assert state is not None
    catalogue.tables.states.begin_job(state, NOW)
    ran = run("catalogue", "status")
    assert (ran.status, "2 stores" in ran.err) == (0, True)
    assert all(text in ran.out for text in (STORE, OTHER_STORE, "paused", "yes", "1 ("))
    first, second = run("catalogue", "status", "--json").json
    assert (first["store_id"], first["is_sending"], first["waiting"]) == (STORE, True, 1)
    assert first["unfinished_jobs"] == [{"job": 1, "sent_at": "2026-10-14T09:00:00.000000Z"}]
    assert (second["is_sending"], second["waiting"], second["held_prices"]) == (False, 0, 0)


def test_status_without_stores_says_how_to_begin(run: Run, catalogue: Catalogue) -> None:
    """An empty catalogue names the command that puts a store in."""
    ran = run("catalogue", "status")
    assert (ran.status, "partner-orders catalogue set STORE" in ran.err) == (0, True)


@pytest.mark.parametrize("call", [("status", "--store", STORE), ("show", STORE)])
def test_one_store_is_counted(run: Run, catalogue: Catalogue, call: tuple[str, ...]) -> None:
    """Of one store each product is counted once, by its outcome; the refused ones are named with the platform's words.
    A product that the platform does not have, and that is off sale, needs nothing more."""
    catalogue.fill()
    catalogue.say("GONE", active=False, quantity=0)
    catalogue.settle("GONE", Outcome.REFUSED, "product not found in catalog")
    catalogue.say("C-3", minute=2, price=Decimal("2.05"))
    found = run("catalogue", *call, "--json").json
    assert found["counted"] == {
        "products": 4,
        "processed": 1,
        "shown": None,
        "waiting": 1,
        "refused": 1,
        "nothing_to_send": 1,
        "export_of": None,
        "processed_since": 0,
    }
    ran = run("catalogue", *call)
    assert (ran.status, "B-2" in ran.out, "product not found in catalog" in ran.out) == (0, True, True)


@pytest.mark.parametrize(
    ("price", "active", "shown"),
    [("3.5", True, 1), ("3.50", True, 1), ("3.51", True, 0), ("3.5", False, 0)],
)
def test_shown_products_are_counted(run: Run, catalogue: Catalogue, price: str, active: bool, shown: int) -> None:
    """A processed product is shown if the last export has it with its price, and on or off sale as it should be."""
    catalogue.fill()
    catalogue.export([("A-1", (), Decimal(price), active), ("B-2", (), Decimal("1.95"), True)])
    assert run("catalogue", "show", STORE, "--json").json["counted"]["shown"] == shown
    assert "by the platform's export of 2026-10-14 09:00:00" in run("catalogue", "show", STORE).err


def test_product_with_its_history(run: Run, catalogue: Catalogue) -> None:
    """A product shows what is wanted, confirmed and refused, and each job that carried it with the outcome."""
    catalogue.fill()
    sent = {"B-2": Values(price=Decimal("1.95"), active=True, quantity=2), "A-1": Values(price=Decimal("3.5"))}
    for number in (1, 2, 3):
        catalogue.tables.jobs.write(STORE, Job(number, NOW + timedelta(minutes=number), sent))
    job = next(catalogue.tables.jobs.newest(STORE))
    notes = {"B-2": "refused: product not found in catalog"}
    end_job(catalogue, job, JobState.SETTLED, notes)
    found = run("catalogue", "show", STORE, "B-2", "--json").json
    assert (found["state"], found["refusal"]) == ("refused", "product not found in catalog")
    assert found["values"] == {"price": 1.95, "active": True, "quantity": 2}
    assert [one["job"] for one in found["sent"]] == [3, 2, 1]
    outcomes = [one["outcome"] for one in found["sent"]]
    assert outcomes == ["refused: product not found in catalog", "waits for its result", "waits for its result"]
    ran = run("catalogue", "show", STORE, "A-1")
    assert all(text in ran.out for text in ("A-1  processed", "price 3.5, on sale, quantity 7", "processed"))


def end_job(catalogue: Catalogue, job: Job, state: JobState, notes: dict[str, str]) -> None:
    catalogue.tables.jobs.ended(JobPlace(STORE, job.number), state, notes=notes)


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        (("show", "nowhere"), 1, "there is no store nowhere"),
        (("show", STORE, "Z-9"), 1, "has no product Z-9"),
        (("show", STORE, "x" * 129), 1, "1 to 128 characters"),
        (("show", "", "A-1"), 1, "1 to 200 characters"),
        (("show", STORE, "--ask"), 2, "name a product as well"),
        (("status", "--store", OTHER_STORE), 1, "is not in the catalogue"),
        (("refused", "--store", OTHER_STORE), 1, "partner-orders catalogue set q7zk"),
    ],
)
def test_unknown_names_are_explained(
    run: Run, catalogue: Catalogue, call: tuple[str, ...], status: int, text: str
) -> None:
    """A store or product that there is not is a sentence."""
    catalogue.fill()
    catalogue.stack.orders.stores.set(OTHER_STORE, StoreSettings(currency="PKR"))
    ran = run("catalogue", *call)
    assert (ran.status, text in ran.err, ran.out) == (status, True, ""), ran.err


def test_wrong_sku_is_forgotten(run: Run, catalogue: Catalogue) -> None:
    """A product that the platform does not have is refused no longer, once it is to be off sale."""
    catalogue.enrol()
    catalogue.say("A-1", price=Decimal(1), active=True)
    catalogue.settle("A-1", Outcome.REFUSED, "product not found in catalog")
    assert "A-1" in run("catalogue", "refused", "--store", STORE).out
    catalogue.say("A-1", minute=1, active=False)
    catalogue.settle("A-1", Outcome.REFUSED, "product not found in catalog")
    assert "A-1" not in run("catalogue", "refused", "--store", STORE).out
    assert json.loads(run("catalogue", "show", STORE, "A-1", "--json").out)["state"] == "nothing to send"


def test_refused_products(run: Run, catalogue: Catalogue) -> None:
    """What the platform refused is listed with what was sent and the platform's words."""
    catalogue.fill()
    ran = run("catalogue", "refused")
    assert (ran.status, "1 refused product" in ran.err) == (0, True)
    assert all(text in ran.out for text in ("B-2", "price 1.95", "product not found in catalog"))
    [one] = run("catalogue", "refused", "--store", STORE, "--json").json
    assert (one["refused"], [product["sku"] for product in one["products"]]) == (1, ["B-2"])


# -- what the platform shows -------------------------------------------------------------------------------------------


@pytest.fixture
def platform(stack: DeployedStack, catalogue: Catalogue) -> Iterator[Platform]:
    """The Partner API over HTTP, of a stack that has a request budget and a token."""
    made = Platform(stack.parameters["ChainId"], "static-token", 60, {})
    server = serve(made, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stack.parameters["PartnerApiBaseUrl"] = f"http://127.0.0.1:{server.server_port}"
    stack.parameters["RateLimitPerMinute"] = "60"
    stack.outputs["RequestBudgetTableName"] = TABLE
    content = json.dumps({"token": "static-token"})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=content)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def listed(platform: Platform) -> Platform:
    """The platform, which shows a product of the store."""
    product = Product("A-1", ("5012345678900",), {"en": "Orange juice"}, Decimal("3.40"), active=True)
    platform.catalogue.state.stock(STORE, [product], "code-1")
    return platform


@pytest.mark.usefixtures("listed")
def test_ask_shows_what_the_platform_has(run: Run, catalogue: Catalogue) -> None:
    """--ask makes one request, and prints the product as the platform shows it now."""
    catalogue.fill()
    found = run("catalogue", "show", STORE, "A-1", "--ask", "--json").json
    assert found["shown_now"] == {"price": 3.4, "active": True, "barcodes": ["5012345678900"]}
    assert "price 3.4, on sale" in run("catalogue", "show", STORE, "A-1", "--ask").err
    assert run("catalogue", "show", STORE, "B-2", "--ask", "--json").json["shown_now"] is None


@pytest.mark.usefixtures("platform")
def test_ask_for_an_unknown_store(run: Run, catalogue: Catalogue) -> None:
    """A store that the platform does not know is a sentence."""
    catalogue.fill()
    ran = run("catalogue", "show", STORE, "A-1", "--ask")
    assert (ran.status, f"Does the platform know the store {STORE}" in ran.err) == (1, True), ran.err


def test_ask_needs_a_budget(run: Run, catalogue: Catalogue) -> None:
    """Without a request budget nothing is asked, and the parameter that makes one is named."""
    catalogue.fill()
    ran = run("catalogue", "show", STORE, "A-1", "--ask")
    assert (ran.status, "Catalogue=ENABLED" in ran.err, ran.out) == (1, True, "")


# -- settings ----------------------------------------------------------------------------------------------------------


def test_store_is_put_in_and_set(run: Run, catalogue: Catalogue, folder: Path) -> None:
    """A store comes into the catalogue switched off; a later call changes only what it gives."""
    catalogue.stack.orders.stores.set(STORE, StoreSettings(currency="PKR"))
    ran = run("catalogue", "set", STORE, "--safety-stock", "2")
    assert (ran.status, f"partner-orders catalogue resume {STORE}" in ran.err) == (0, True)
    settings = catalogue.tables.settings.get(STORE)
    assert settings is not None
    assert (settings.is_sending, settings.margins, settings.changed_by[:8]) == (False, Margins(2), "arn:aws:")
    exceptions = folder / "margins.csv"
    exceptions.write_text("sku,safety_stock,cap\nA-1,5,\nB-2,,3\n")
    assert run("catalogue", "set", STORE, "--cap", "9", "--exceptions", str(exceptions), "--absent-stay").status == 0
    settings = catalogue.tables.settings.get(STORE)
    assert settings is not None
    assert settings.margins == Margins(2, 9, {"A-1": 5}, {"B-2": 3})
    assert not settings.switches_absent_off
    assert run("catalogue", "set", STORE, "--cap", "0", "--json").json["cap"] is None


def test_set_dry_run_changes_nothing(run: Run, catalogue: Catalogue) -> None:
    """A dry run shows the settings as they would be."""
    catalogue.enrol()
    ran = run("catalogue", "set", STORE, "--safety-stock", "4", "--dry-run", "--json")
    assert (ran.status, ran.json["safety_stock"], ran.json["is_new"]) == (0, 4, False)
    settings = catalogue.tables.settings.get(STORE)
    assert settings is not None
    assert settings.margins.safety_stock == 0


def test_new_margins_send_what_they_change(run: Run, catalogue: Catalogue) -> None:
    """Products that are offered otherwise with other margins are sent again; a dry run only counts them."""
    catalogue.fill()
    ran = run("catalogue", "set", STORE, "--safety-stock", "3", "--dry-run")
    assert (ran.status, "other values of 3 products would be sent" in ran.err) == (0, True), ran.err
    catalogue.tables.changes.remove(STORE, catalogue.tables.changes.first(STORE, 100))
    assert run("catalogue", "set", STORE, "--safety-stock", "3", "--json").json["affected"] == 3
    assert {sku for change in catalogue.tables.changes.first(STORE, 100) for sku in change.skus} == {
        "A-1",
        "B-2",
        "C-3",
    }
    assert run("catalogue", "set", STORE, "--absent-stay", "--json").json["affected"] == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("sku;cap\nA-1;3\n", "the first line should name the columns"),
        ("sku,cap,sku\nA-1,3,A-1\n", "the first line should name the columns"),
        ("sku,cap\nA-1\n", "line 2: a cell too many or too few"),
        ("sku,cap\nA-1,3.5\n", "line 2: cap: use a whole number from 1"),
        ("sku,cap\nA-1,0\n", "line 2: cap: use a whole number from 1"),
        ("sku,cap\nA-1,99999999999999999999\n", "line 2: cap: use a whole number from 1"),
        ("sku,safety_stock,cap\nA-1,,\n", "line 2: give a safety_stock, a cap, or both"),
        ("sku,cap\nA-1,3\nA-1,4\n", "line 3: the SKU is in line 2 already"),
        (f"sku,cap\n{'x' * 129},3\n", "line 2: a SKU has 1 to 128"),
        ("sku,cap\n" + "".join(f"A-{number},3\n" for number in range(1_001)), "more than 1,000 SKUs"),
        ("sku,cap\n" + "x,\n" * 30, "and 10 more problems"),
        ('sku,cap\n"A-1,3\n', "is not CSV"),
        ("sku,cap\nA-\N{LATIN SMALL LETTER E WITH ACUTE},3\n".encode("latin-1"), "is not UTF-8"),
        (b"x" * 1_100_000, "has more than 1,048,576 bytes"),
    ],
)
def test_bad_exceptions_are_explained(
    run: Run, catalogue: Catalogue, folder: Path, content: str | bytes, text: str
) -> None:
    """A file of exceptions with a bad line changes nothing, and each bad line is named."""
    catalogue.enrol()
    file = folder / "margins.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    ran = run("catalogue", "set", STORE, "--exceptions", str(file))
    assert (ran.status, text in ran.err) == (1, True), ran.err
    settings = catalogue.tables.settings.get(STORE)
    assert settings is not None
    assert settings.margins == Margins()


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ((), 1, "there is nothing to set"),
        (("--safety-stock", "-1"), 2, "0"),
        (("--cap", "1000001"), 2, "1000000"),
        (("--exceptions", "nowhere.csv"), 2, "does not exist"),
    ],
)
def test_wrong_settings_are_explained(
    run: Run, catalogue: Catalogue, options: tuple[str, ...], status: int, text: str
) -> None:
    """A setting that makes no sense is a sentence."""
    catalogue.enrol()
    ran = run("catalogue", "set", STORE, *options)
    assert (ran.status, text in ran.err) == (status, True), ran.err


# -- pause and resume --------------------------------------------------------------------------------------------------


def test_pause_and_resume_a_store(run: Run, catalogue: Catalogue) -> None:
    """Who paused a store, when and why is recorded; pausing it again does nothing."""
    catalogue.enrol()
    ran = run("catalogue", "pause", STORE, *WHY, "--yes")
    assert (ran.status, f"{STORE} is paused" in ran.err) == (0, True)
    settings = catalogue.tables.settings.get(STORE)
    assert settings is not None
    assert (settings.is_sending, settings.reason) == (False, "stocktaking")
    assert settings.changed_by.startswith("arn:aws:")
    assert settings.changed_at is not None
    assert "nothing to do" in run("catalogue", "pause", STORE, *WHY).err
    [resumed] = run("catalogue", "resume", STORE, "--reason", "counted", "--yes", "--json").json
    assert (resumed["is_sending"], resumed["reason"]) == (True, "counted")


def test_pause_all_stores(run: Run, catalogue: Catalogue) -> None:
    """--all means each store of the catalogue; a dry run and a missing confirmation change none."""
    catalogue.enrol()
    catalogue.enrol(OTHER_STORE)
    assert "would be paused" in run("catalogue", "pause", "--all", *WHY, "--dry-run").err
    assert run("catalogue", "pause", "--all", *WHY).status == 3
    assert {one.is_sending for one in catalogue.tables.settings.all().values()} == {True}
    assert run("catalogue", "pause", "--all", *WHY, "--yes").status == 0
    assert {one.is_sending for one in catalogue.tables.settings.all().values()} == {False}


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        ((*WHY,), 2, "name a store, or use --all"),
        ((STORE, "--all", *WHY), 2, "name a store, or use --all"),
        ((STORE,), 2, "--reason"),
        ((STORE, "--reason", "  "), 1, "a reason has 1 to 300 characters"),
        ((STORE, "--reason", "x" * 301), 1, "a reason has 1 to 300 characters"),
        ((OTHER_STORE, *WHY), 1, "is not in the catalogue"),
    ],
)
def test_wrong_pauses_are_explained(
    run: Run, catalogue: Catalogue, call: tuple[str, ...], status: int, text: str
) -> None:
    """A pause of no store, of two kinds, or without a reason is a sentence."""
    catalogue.enrol()
    catalogue.stack.orders.stores.set(OTHER_STORE, StoreSettings(currency="PKR"))
    ran = run("catalogue", "pause", *call, "--yes")
    assert (ran.status, text in ran.err) == (status, True), ran.err


# -- urgent ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def taken(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A filled catalogue, whose urgent message is taken while a command waits, and processed."""
    catalogue.fill()

    def take(_: float) -> None:
        url = catalogue.stack.output("UrgentQueueUrl")
        for message in catalogue.stack.client("sqs").receive_message(QueueUrl=url).get("Messages", []):
            change = urgent_change(message["Body"], now(), now())
            sku = change.product.sku or ""
            merge = partial(merged, said=change.values, version=change.version, list_versions={})
            catalogue.tables.products.change(STORE, sku, merge)
            catalogue.settle(sku)

    monkeypatch.setattr(urgent, "time", SimpleNamespace(sleep=take))
    return catalogue


@pytest.mark.usefixtures("taken")
def test_urgent_off_is_followed(run: Run) -> None:
    """An urgent off is put on the queue, and followed to the platform's word."""
    ran = run("catalogue", "urgent", STORE, "A-1", "--off", "--yes", "--json")
    assert (ran.status, ran.json["confirmed"]["active"], ran.json["state"]) == (0, False, "processed")
    assert (ran.json["is_off"], ran.json["why_not"]) == (True, None)


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        (("A-1",), 2, "say what is urgent: --off"),
        (("A-1", "--off"), 3, "add --yes"),
        (("Z-9", "--off", "--yes"), 1, "has no product Z-9"),
        (("x" * 200, "--off", "--yes"), 1, "sku: use at most 128"),
    ],
)
def test_wrong_urgent_calls_are_explained(
    run: Run, taken: Catalogue, call: tuple[str, ...], status: int, text: str
) -> None:
    """An urgent message that could not be taken is not sent."""
    ran = run("catalogue", "urgent", STORE, *call)
    assert (ran.status, text in ran.err) == (status, True), ran.err
    url = taken.stack.output("UrgentQueueUrl")
    assert "Messages" not in taken.stack.client("sqs").receive_message(QueueUrl=url)


def test_urgent_off_of_a_paused_store(run: Run, catalogue: Catalogue) -> None:
    """Of a store that is paused nothing is sent, and it is said how that ends."""
    catalogue.fill()
    catalogue.enrol(is_sending=False)
    ran = run("catalogue", "urgent", STORE, "A-1", "--off", "--yes")
    assert (ran.status, f"partner-orders catalogue resume {STORE}" in ran.err) == (1, True)


def test_urgent_off_that_nobody_takes(run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that nobody takes for minutes ends the wait, with what to look at."""
    catalogue.fill()
    times = iter(range(0, 6_000, 60))
    monkeypatch.setattr(urgent, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(urgent, "now", lambda: datetime.fromtimestamp(1_800_000_000 + next(times), UTC))
    ran = run("catalogue", "urgent", STORE, "A-1", "--off", "--yes")
    assert (ran.status, "nobody has taken the message yet" in ran.err) == (1, True), ran.err


def test_urgent_off_that_is_held(run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """An off that a guard holds ends the wait, with status 1."""
    catalogue.fill()

    def hold(_: float) -> None:
        catalogue.tables.held.hold_line(STORE, Reason.SWITCHED_OFF, "message", now(), "A-1", Values(active=False))

    monkeypatch.setattr(urgent, "time", SimpleNamespace(sleep=hold))
    ran = run("catalogue", "urgent", STORE, "A-1", "--off", "--yes")
    assert (ran.status, "it is not off sale" in ran.err, "off sale" in ran.out) == (1, True, True), ran.err
