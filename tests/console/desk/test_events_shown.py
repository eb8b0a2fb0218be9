"""The log of what was received, as the desk shows it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.clock import now, to_text
from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.desk.pages import events
from partner_orders_console.operations.stack import DeployedStack
from tests.support.desk import Browser
from tests.support.orders import as_bytes, order


def receive(stack: DeployedStack, minutes_ago: int, source: str = "webhook", **fields: Any) -> None:
    """An event of an order that was created just now."""
    created = to_text(now() - timedelta(minutes=30))
    body = as_bytes(order(**{"sys": {"created_at": created, "updated_at": created}, **fields}))
    arrival = Arrival(source, now() - timedelta(minutes=minutes_ago), f"{source}-{minutes_ago}")
    stack.orders.write([(parse_event(body), arrival)])
    stack.stores.register(parse_event(body).order.client)


def shown(page: str) -> list[str]:
    """The correlation ids of a page, in its order."""
    return re.findall(r'<td class="id">([^<]*)</td>', page)


@pytest.fixture
def received(stack: DeployedStack) -> None:
    receive(stack, 20, order_id="a-1")
    receive(stack, 10, status="DISPATCHED", order_id="a-1")
    receive(stack, 5, "reconciliation", status="PICKED_UP", order_id="b-2")
    stack.rejected.keep(b"{}x", Arrival("webhook", now() - timedelta(minutes=2), "webhook-2"), "malformed_json", ["no"])


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("", ["webhook-2", "reconciliation-5", "webhook-10", "webhook-20"]),
        ("?age=15+minutes", ["webhook-2", "reconciliation-5", "webhook-10"]),
        ("?status=DISPATCHED", ["webhook-10"]),
        ("?source=reconciliation", ["reconciliation-5"]),
        ("?store=q7xk", ["reconciliation-5", "webhook-10", "webhook-20"]),
        ("?age=a+century&since=yesterday&until=never", ["webhook-2", "reconciliation-5", "webhook-10", "webhook-20"]),
    ],
)
@pytest.mark.usefixtures("received")
def test_events_are_chosen(browser: Browser, asked: str, ids: list[str]) -> None:
    """The newest event comes first, and store, time, status and source choose."""
    assert shown(browser.get(f"/events{asked}").text) == ids


@pytest.mark.usefixtures("received")
def test_event_leads_to_what_became_of_it(browser: Browser) -> None:
    """An event leads to its order and its store, a rejected one to its reason. None shows a body."""
    page = browser.get("/events").text
    assert 'href="/orders/a-1"' in page
    assert 'href="/stores/q7xk"' in page
    assert 'href="/trouble/rejected/' in page
    assert ("malformed json" in page, "first_name" in page) == (True, False)


@pytest.mark.usefixtures("received")
def test_older_events_are_on_further_pages(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is on one page, and the last one leads back."""
    monkeypatch.setattr(events, "_SHOWN", 3)
    first = browser.get("/events").text
    assert "4 events, here are the newest 3" in first
    [older] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = browser.get(older.replace("&amp;", "&")).text
    assert shown(second)[-1] == "webhook-20"
    assert {*shown(first), *shown(second)} == {"webhook-2", "reconciliation-5", "webhook-10", "webhook-20"}
    assert "First page" in second


def test_store_that_there_is_not(browser: Browser) -> None:
    """A store that nobody knows is told, with what to do."""
    assert "no store nobody" in browser.text("/events?store=nobody")


def test_no_event(open_desk: Callable[..., Browser]) -> None:
    """An empty log says so."""
    assert "No such event was received" in open_desk().text("/events")
