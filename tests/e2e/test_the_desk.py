"""The desk in a real browser, over the deployed stack after a played hour: figures, search, repairs, an answer."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from rich.console import Console

from partner_orders.aws import keys
from partner_orders.orders.rejected import RejectedEvent
from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.serving import serving
from tests.support.chromium import chromium, entered, needs_chromium, overflow, violations
from tests.support.deployed import eventually, invoke, platform
from tests.support.deployed_answers import DeployedAnswers
from tools.local.hour import Hour
from tools.local.metrics import collected
from tools.local.screen import Screen
from tools.local.stack import Stack
from tools.local.up import running_stack

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def played() -> Iterator[Stack]:
    """A stack of its own, whose hour was played while its metrics were collected."""
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}) as stack, collected(stack) as metrics:
        hour = Hour(stack, Screen(Console(quiet=True)), {"orders": 60, "stores": 3, "wall_seconds": 10, "seed": 5,
                                                         "faults": {"drop": 0.2, "garbage": 0.1}})  # fmt: skip
        hour.play()
        hour.wait_until_stored()
        invoke(stack, "Reconciler", {})
        hour.wait_until_stored()
        metrics.collect()
        yield stack


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(chrome: Chromium, played: Stack) -> Iterator[Page]:
    """A page that has entered a desk which may change things."""
    with (
        serving(played.deployed, Options(allows_changes=True)) as desk,
        entered(chrome, desk.guard.address, viewport={"width": 1400, "height": 900}) as (entered_page, errors),
    ):
        yield entered_page
        assert [error for error in errors if "404" not in error] == []


def go(page: Page, path: str) -> str:
    """Open a page of the desk; what it says."""
    host = re.match(r"http://[^/]+", page.url)
    assert host is not None
    page.goto(host[0] + path)
    page.wait_for_load_state("networkidle")
    return page.inner_text("main")


def confirm(page: Page, label: str) -> str:
    """Press a button, say yes to its question, and wait for what was done."""
    page.get_by_role("button", name=label, exact=False).first.click()
    page.locator("main form button").click()
    page.wait_for_selector("text=/^done$|^failed$|^finished, /", timeout=90_000)
    return page.inner_text("main")


def number(page: Page, stage: str, word: str) -> int:
    """A stage's figure of the last hour."""
    row = page.locator(f"#stage-{stage} tr", has_text=re.compile(rf"^\s*{word}")).first
    return int(row.locator("td").first.inner_text().replace(",", "").strip("▲ "))


def test_flow_has_the_figures_of_the_hour(page: Page) -> None:
    """Each stage shows what passed in the played hour; the doctor's findings come by themselves."""
    go(page, "/")
    assert number(page, "webhook", "received") > 50
    assert number(page, "consumer", "stored") > 50
    assert number(page, "consumer", "rejected") > 0
    assert number(page, "publisher", "published") > 50
    assert "rejected, unresolved" in page.inner_text("#stage-table")
    assert "Last webhook by store" in page.inner_text("#webhooks")
    page.wait_for_selector("#findings details", timeout=60_000)
    assert violations(page) == []


def test_order_is_found_in_a_list_and_by_code(page: Page) -> None:
    """An order of the day leads to its life; its code, typed into the search, leads there too."""
    go(page, "/orders")
    row = page.locator("tr[id^=order-]").first
    code, order_id = row.locator("td").first.inner_text(), row.locator("th a").inner_text()
    row.locator("th a").click()
    assert "present state" in page.inner_text("main")
    assert page.locator("svg .mark").count() > 0
    page.fill("#search", code)
    page.press("#search", "Enter")
    page.wait_for_load_state("networkidle")
    assert order_id in page.inner_text("main")


def test_every_page_is_whole(page: Page) -> None:
    """Every page over the played hour is in shape, on a wide screen and on a phone, and a barrier to nobody."""
    for width in (1400, 360):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", "/orders", "/reconciliation?span=2d", "/trouble", "/stores", "/answers", "/changes"):
            go(page, path)
            assert (path, overflow(page)) == (path, [])
            assert (path, violations(page)) == (path, [])


def test_missed_webhooks_are_seen(page: Page) -> None:
    """Which stores missed webhooks is on the heat map, with the run that found them below."""
    said = go(page, "/reconciliation?span=2d")
    assert page.locator(".heat tbody tr").count() > 0
    assert re.search(r"[1-9]\d* webhooks? missed and recovered", said)
    page.locator("#runs tbody a").first.click()
    assert "What it found" in page.inner_text("main")


def lost_order(stack: Stack) -> str:
    """Delete an order of the platform from the table, as if no webhook had brought it; its id."""
    client, table = stack.client("dynamodb"), stack.outputs["OrdersTableName"]
    truth = [str(order["order_id"]) for order in platform(stack, "GET", "truth")["orders"]]
    order_id = next(iter(stack.deployed().orders.known(truth)))
    key = {":pk": {"S": keys.order(order_id).pk}}
    rows = client.query(TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key)["Items"]
    for row in rows:
        client.delete_item(TableName=table, Key={"pk": row["pk"], "sk": row["sk"]})
    return order_id


def test_window_is_compared_and_enqueued(page: Page, played: Stack) -> None:
    """A preview says what a backfill would enqueue, and leads to the backfill, which does it."""
    order_id = lost_order(played)
    go(page, "/reconciliation")
    said = confirm(page, "Preview")
    assert re.search(r"A backfill would enqueue [1-9]\d* orders?", said)
    page.locator("a", has_text="enqueue").first.click()
    page.locator("main form button").click()
    page.wait_for_selector("text=/^done$/", timeout=90_000)
    assert re.search(r"[1-9]\d* orders? (is|are) enqueued\.", page.inner_text("main"))
    orders = played.deployed().orders
    assert eventually(lambda: orders.get(order_id)).order_id == order_id
    assert "preview" in go(page, "/reconciliation")


def test_rejected_event_is_replayed(page: Page, played: Stack) -> None:
    """A rejected event is looked at and replayed; it is rejected again, and the page says how often it came."""
    go(page, "/trouble")
    page.locator("#rejected a.id").first.click()
    assert "What is wrong" in page.inner_text("main")
    digest = page.url.rpartition("/")[2]
    assert "on the queue again" in confirm(page, "Replay")
    stack = played.deployed()

    def came_again() -> RejectedEvent | None:
        event = stack.rejected.get(digest)
        return event if event is not None and event.times_received > 1 else None

    kept = eventually(came_again)
    assert kept.resolved_at is None
    assert str(kept.times_received) in go(page, f"/trouble/rejected/{digest}")


def test_order_is_answered(page: Page, played: Stack) -> None:
    """An order that waits is answered from its page, after a preview of what the platform gets; its outcome shows."""
    [made] = DeployedAnswers(played).placed()
    go(page, f"/orders/{made['order_id']}")
    page.locator("a.button", has_text="Answer").click()
    page.fill("#content", '{"answer_id": "desk-1", "sequence": 1, "kind": "cancel", "reason": "TOO_BUSY"}')
    page.get_by_role("button", name="Check").click()
    assert '"status": "CANCELLED"' in page.inner_text("main")
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector("text=/^done$/", timeout=90_000)
    assert "The answer desk-1 is applied." in page.inner_text("main")
    assert "cancel applied" in go(page, f"/orders/{made['order_id']}")
    assert "desk-1" in go(page, "/answers")
