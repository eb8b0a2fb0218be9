"""The morning of `make run`: what the chain says by files and by messages, and the price that somebody edits."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.catalogue.product import Values
from partner_orders.clock import now
from partner_orders.drift.differences import SETTLES
from tools.local.chain import Chain, File
from tools.local.morning import CHANGES, STORE_ID, Morning


class Told(Morning):
    """A morning whose platform and stack only note what they are told; the platform's list always ends at once."""

    def __init__(self) -> None:
        self._wrong: list[str] = []
        self._drift: int | None = None
        self.chain = Chain(STORE_ID, [], now, 1)
        self.told: list[tuple[str, Any]] = []
        self.files: list[File] = []
        self.messages: list[dict[str, Any]] = []
        self.settings: list[Any] = []
        self.exports: list[tuple[int, int]] = [(1, 0), (0, 0)]
        self.rows: list[Any] = []
        self._tables: Any = SimpleNamespace(
            settings=SimpleNamespace(put=self.settings.append),
            jobs=SimpleNamespace(newest=lambda _: [SimpleNamespace(lines=self.chain.said)]),
            products=SimpleNamespace(all_of=lambda _: self.rows),
        )

    def _platform(self, what: str, content: object) -> Any:
        self.told.append((what, content))
        return {"products": [{"sku": f"sku-{number}", "price": "2.5", "active": True} for number in range(2_010)]}

    def _upload(self, file: File) -> None:
        self.files.append(file)

    def _send(self, text: str) -> None:
        self.messages.append(json.loads(text))

    def _until(self, what: str, _: Callable[[], bool]) -> None:
        self.told.append(("until", what))

    def _come_to_rest(self) -> None:
        """At once."""

    def _shop(self) -> dict[str, Any]:
        return {sku: {"active": True} for sku in self.chain.said}

    def _lose_a_callback(self) -> None:
        self.told.append(("lose", ""))

    def _next_export(self) -> Any:
        different, left = self.exports.pop(0)
        self.told.append(("export", ""))
        return SimpleNamespace(different=different, left=left, findings=[])


def test_morning_is_told_by_files_and_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain says prices and stock by a whole list, by files of changes and by messages, all with mistakes."""
    morning = Told()
    monkeypatch.setattr(morning, "_edit_a_price", lambda: "sku-9")
    morning.begin().join()
    assert morning._wrong == []
    assert ("catalogue-fill", {"vendor": STORE_ID, "products": 2_010}) in morning.told
    assert [(given.store_id, given.is_sending) for given in morning.settings] == [(STORE_ID, True)]
    assert [file.key.split("/")[0] for file in morning.files] == ["lists", *["changes"] * len(CHANGES)]
    assert all(file.bad for file in morning.files)
    good = [message for message in morning.messages if message["sku"] not in morning.chain.held]
    said = [{*message} - {"store_id", "sku", "version"} for message in good]
    assert said == [{"active"}, {"price", "active", "quantity"}, {"active", "quantity"}, said[1], {"price"}]
    # Files and messages have wrong prices, and a message cannot be taken.
    assert (len(morning.chain.held), len(morning.messages), morning.chain.bad_messages) == (4, 6, 1)
    prices = {sku: values.price for sku, values in morning.chain.said.items() if sku.startswith("sku-")}
    assert len([sku for sku, price in prices.items() if price != Decimal("2.5")]) > 1_000
    assert all(values.quantity is not None for values in morning.chain.said.values())


def test_drift_is_that_of_the_last_export() -> None:
    """Somebody edits the oldest price; once the shop shows the chain's again, the next export says what drifts."""
    morning, old = Told(), now() - SETTLES - timedelta(minutes=1)
    morning.exports = [(1, 0), (0, 3)]
    morning.rows = [
        SimpleNamespace(settled_at=settled_at, sku=sku, confirmed=Values(price=price))
        for sku, settled_at, price in (
            ("new", old + timedelta(seconds=1), Decimal(2)),
            ("old", old, Decimal(10)),
            ("held", old - timedelta(hours=1), Decimal(3)),
            ("unsent", None, None),
        )
    ]
    morning.chain.held["held"] = Decimal(30)
    morning._repair_drift()
    assert morning.told == [
        ("until", "the outcome of old is no news"),
        ("catalogue-edit", {"vendor": STORE_ID, "sku": "old", "price": "11"}),
        ("export", ""),
        ("until", "old has the chain's price again"),
        ("export", ""),
    ]
    assert (morning._drift, morning._wrong) == (3, [])
