"""``catalogue drift`` and ``repair``: what the platform shows otherwise, and having it sent again."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.catalogue_stack import STORE, Catalogue
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]
WHY = ("--reason", "edited in the portal")
OURS, SHOWN, WILD = Decimal("3.50"), Decimal("3.20"), Decimal(35)


def show(catalogue: Catalogue, *products: tuple[str, Decimal, bool], hours: int = 1) -> None:
    """The platform's export, asked for some hours after all was processed, and compared."""
    exported = [(sku, ("0400638133393",), price, active) for sku, price, active in products]
    catalogue.export(exported, NOW + timedelta(hours=hours))
    catalogue.compare()


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """A store with three products that are processed."""
    catalogue.enrol()
    for sku in ("A-1", "B-2", "C-3"):
        catalogue.say(sku, price=OURS, active=True, quantity=7)
        catalogue.settle(sku)
    return catalogue


def price_of(catalogue: Catalogue, sku: str) -> Decimal | None:
    """The price that counts as confirmed."""
    return catalogue.tables.products.many(STORE, [sku])[sku].confirmed.price


def waiting(catalogue: Catalogue) -> list[str]:
    return sorted({sku for change in catalogue.tables.changes.first(STORE, 100) for sku in change.skus})


def test_drift_is_shown(run: Run, filled: Catalogue) -> None:
    """Of all stores by numbers; of one with its products and both values; and all products as CSV."""
    show(filled, ("A-1", SHOWN, True), ("B-2", OURS, False), ("NEW", OURS, True))
    ran = run("catalogue", "drift")
    assert (ran.status, "1 store compared" in ran.err, STORE in ran.out) == (0, True, True)
    ran = run("catalogue", "drift", STORE)
    for text in ("A-1", "price 3.5", "price 3.2", "on sale", "off sale", "unknown to platform", "C-3", "NEW"):
        assert text in ran.out, text
    [one] = run("catalogue", "drift", STORE, "--json").json
    assert (one["left"], one["fields"]) == (2, {"price": 1, "active": 1})
    assert one["findings"]["unknown_to_us"] == one["findings"]["unknown_to_platform"] == 1
    lines = [*csv.DictReader(io.StringIO(run("catalogue", "drift", STORE, "--csv").out))]
    assert {(line["sku"], line["ours"], line["shown"]) for line in lines} == {
        ("A-1", "3.50", "3.20"), ("B-2", "true", "false"), ("C-3", "", ""), ("NEW", "", "")
    }  # fmt: skip


def test_repair_sends_again(run: Run, filled: Catalogue) -> None:
    """A dry run changes nothing. The command notes who wanted it and why; the product then waits to be sent."""
    show(filled, ("A-1", SHOWN, True), ("B-2", OURS, True), ("C-3", OURS, True))
    ran = run("catalogue", "repair", STORE, *WHY, "--dry-run")
    assert (ran.status, "nothing was changed" in ran.err, waiting(filled)) == (0, True, [])
    ran = run("catalogue", "repair", STORE, *WHY, "--yes")
    assert (ran.status, "1 product is sent again" in ran.err, waiting(filled)) == (0, True, ["A-1"])
    assert price_of(filled, "A-1") is None
    newest, first = run("catalogue", "drift", STORE, "--json").json
    assert (newest["why"], newest["by"].startswith("arn:aws:"), newest["left"]) == ("edited in the portal", True, 0)
    assert (first["by"], first["left"]) == ("loader", 1)
    assert "edited in the portal" in run("catalogue", "drift", STORE).out


def test_guarded_price_needs_its_name(run: Run, filled: Catalogue) -> None:
    """A far price stays, until a person names the product and says that the guards do not count."""
    show(filled, ("A-1", WILD, True), ("B-2", SHOWN, True), ("C-3", SHOWN, True))
    ran = run("catalogue", "repair", STORE, "B-2", *WHY, "--yes")
    assert (ran.status, waiting(filled)) == (0, ["B-2"])
    ran = run("catalogue", "repair", STORE, *WHY, "--yes", "--json")
    assert (ran.json["repairs"], ran.json["guards"]) == ({"repaired": 1, "beyond_guards": 1}, ["price_step"])
    assert "too much within a day" in run("catalogue", "drift", STORE).out
    assert waiting(filled) == ["B-2", "C-3"]
    ran = run("catalogue", "repair", STORE, "A-1", *WHY, "--beyond-guards", "--yes")
    assert (ran.status, waiting(filled)) == (0, ["A-1", "B-2", "C-3"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("repair", STORE, "--reason", " "), "a reason has 1 to"),
        (("repair", STORE, *WHY, "--beyond-guards"), "Name them by SKU"),
        (("repair", "nobody", *WHY), "nobody"),
        (("drift", "--csv"), "name a store"),
        (("drift", STORE, "--csv", "--json"), "one of them"),
    ],
)
def test_bad_calls_are_refused(run: Run, filled: Catalogue, call: tuple[str, ...], told: str) -> None:
    """Each says what to do instead, and changes nothing."""
    show(filled, ("A-1", SHOWN, True))
    ran = run("catalogue", *call)
    assert (ran.status in {1, 2}, told in ran.err, waiting(filled)) == (True, True, [])


def test_before_the_first_comparison(run: Run, filled: Catalogue) -> None:
    """Without an export there is nothing to compare, and the command says when it comes."""
    for call in (("drift", STORE), ("repair", STORE, *WHY)):
        ran = run("catalogue", *call)
        assert (ran.status, "no export of the store" in ran.err) == (1, True)
    filled.export([("A-1", (), OURS, True)], NOW + timedelta(hours=1))
    ran = run("catalogue", "drift", STORE)
    assert (ran.status, "was not compared yet" in ran.err) == (1, True)
    assert "0 stores compared" in run("catalogue", "drift").err


def test_loading_store_is_left_alone(run: Run, filled: Catalogue) -> None:
    """While a file of the store is loaded, a repair has to wait."""
    show(filled, ("A-1", SHOWN, True))
    until: Any = filled.tables.leases.acquire(STORE, NOW + timedelta(days=36_500))
    ran = run("catalogue", "repair", STORE, *WHY, "--yes")
    assert (bool(until), ran.status, "is being loaded or compared" in ran.err, waiting(filled)) == (True, 1, True, [])
