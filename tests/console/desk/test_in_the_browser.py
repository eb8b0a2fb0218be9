"""The desk in a real browser: nothing fails or is forbidden, everybody can read and use it, and it stays in shape."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser as Chromium

from partner_orders.clock import now
from partner_orders.reconciler.report import Repair, Report
from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.pages import PAGES
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.stack import DeployedStack
from tests.support.chromium import chromium, entered, needs_chromium, overflow, violations
from tests.support.orders import order
from tests.support.promotion_documents import EXAMPLE

pytestmark = needs_chromium
PHONE, DESKTOP, WALL = ({"width": 360, "height": 740}, {"width": 1400, "height": 900}, {"width": 3840, "height": 2160})


@pytest.fixture(scope="module")
def browser_() -> Iterator[Chromium]:
    with chromium() as started:
        yield started


@pytest.fixture
def address(stack: DeployedStack) -> Iterator[str]:
    """Where a desk over a stack is opened."""
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}
    stack.__dict__["resources"] = {}
    with serving(lambda: stack, Options(allows_changes=True)) as desk:
        yield desk.guard.address


def paths(stack: DeployedStack) -> list[str]:
    """The pages, and one of each thing that has a page."""
    [event] = stack.rejected.newest()
    order_id = "dc39170c-8fb6-4e20-aa52-36fa898df1d1"
    things = [
        f"/orders/{order_id}",
        f"/orders/{order_id}/answer",
        "/stores/148020",
        f"/trouble/rejected/{event.digest}",
        f"/promotions/{EXAMPLE.promotion_id}",
    ]
    return [page.path for page in PAGES] + [*things, "/trouble/letters/order-events", "/nothing"]


@pytest.mark.parametrize(
    ("scheme", "step"),
    [("light", 8), *(pytest.param(scheme, 1, marks=pytest.mark.slow) for scheme in ("light", "dark"))],
)
def test_everybody_can_read_every_page(
    browser_: Chromium, example_stack: DeployedStack, address: str, scheme: str, step: int
) -> None:
    """On no page anything fails, is forbidden by the policy, sticks out of a phone, or is a barrier to somebody."""
    options = {"color_scheme": scheme, "viewport": PHONE}
    with entered(browser_, address, **options) as (page, errors):
        host = page.url.rstrip("/")
        for path in paths(example_stack)[::step]:
            page.goto(host + path)
            page.wait_for_load_state("networkidle")
            assert (path, overflow(page)) == (path, [])
            assert (path, violations(page)) == (path, [])
        assert [error for error in errors if "404" not in error] == []


def test_event_is_repaired_by_keyboard(browser_: Chromium, example_stack: DeployedStack, address: str) -> None:
    """With the keyboard alone, somebody gets from the first page to the rejected event, and deletes it."""
    with entered(browser_, address, viewport=DESKTOP) as (page, errors):

        def follow(label: str) -> None:
            for _ in range(60):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.textContent").strip().startswith(label):
                    with page.expect_navigation():
                        page.keyboard.press("Enter")
                    return
            pytest.fail(f"no way to {label}")

        for label in ("Trouble", "302631e7f1f3fdcc", "Delete"):
            follow(label)
        assert page.evaluate("document.activeElement.tagName") == "H1"
        follow("Delete")
        assert "1 rejected event is deleted." in page.inner_text("main")
        assert errors == []
    assert example_stack.rejected.count() == 0


@pytest.mark.slow
def test_page_is_live_and_keeps_its_place(
    browser_: Chromium, stack: DeployedStack, store_order: Callable[..., None], address: str
) -> None:
    """A new order appears by itself. What is scrolled, focused and opened stays; a hidden page asks for nothing."""
    for number in range(45):
        sys = {"created_at": f"2026-10-14T08:{number:02d}:00.000Z"}
        store_order(order(order_id=f"order-{number:02d}", sys=sys))
    with entered(browser_, address, viewport=DESKTOP) as (page, errors):
        host = page.url.rstrip("/")
        page.goto(f"{host}/orders?day=2026-10-14&sort=oldest")
        page.focus("#order-order-40 a")
        page.evaluate("window.scrollTo(0, 700)")
        before = page.evaluate("window.scrollY")
        store_order(order(order_id="order-99", sys={"created_at": "2026-10-14T09:00:00.000Z"}))
        page.wait_for_selector("#order-order-99", timeout=15_000)
        assert page.evaluate("document.activeElement.textContent") == "order-40"
        assert page.evaluate("window.scrollY") == before
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})")
        page.wait_for_timeout(12_000)
        assert asked == []
        page.evaluate("Object.defineProperty(document, 'hidden', {get: () => false, configurable: true})")
        page.wait_for_timeout(12_000)
        assert asked
        assert errors == []


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP, WALL])
def test_shape_fits_every_screen(
    browser_: Chromium, example_stack: DeployedStack, address: str, viewport: dict[str, int]
) -> None:
    """On a phone, a desktop and a wall nothing sticks out of any page."""
    with entered(browser_, address, viewport=viewport, color_scheme="dark") as (page, _):
        host = page.url.rstrip("/")
        for path in paths(example_stack):
            page.goto(host + path)
            page.wait_for_load_state("networkidle")
            assert (path, overflow(page)) == (path, [])


@pytest.mark.slow
def test_phone_scrolls_no_page_sideways(
    browser_: Chromium, stack: DeployedStack, example_stack: DeployedStack, address: str
) -> None:
    """On a phone no page scrolls sideways, no button is torn, words are whole, and the drawing can be read."""
    report = Report(now(), failed_stores={"148020": "not_found"})
    report.add(Repair("order-1", "148020", "missing", "RECEIVED", webhook_missed=True, late_seconds=60))
    stack.reconciliation.save_report(report.started_at, report.to_json())
    with entered(browser_, address, viewport=PHONE) as (page, _):
        host = page.url.rstrip("/")
        for path in paths(example_stack):
            page.goto(host + path)
            page.wait_for_load_state("networkidle")
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, PHONE["width"])
            heights = page.evaluate("[...document.querySelectorAll('button, .state')].map((it) => it.offsetHeight)")
            assert (path, [height for height in heights if height > 50]) == (path, [])
        page.goto(f"{host}{paths(example_stack)[len(PAGES)]}")
        drawn = page.evaluate("document.querySelector('.life .label').getBoundingClientRect().height")
        assert drawn > 10
        assert page.is_visible("text=Scroll sideways")


@pytest.mark.slow
@pytest.mark.usefixtures("example_stack")
def test_refresh_moves_the_time(browser_: Chromium, address: str) -> None:
    """When a part is refreshed, the page says that it was read then."""
    with entered(browser_, address, viewport=DESKTOP) as (page, errors):
        page.goto(page.url.rstrip("/") + "/orders")
        before = page.inner_text("#read-at")
        page.wait_for_selector(f"#read-at:not(:text-is('{before}'))", timeout=25_000)
        after = page.inner_text("#read-at")
        assert (len(after), after > before) == (len(before), True)
        assert errors == []


HOSTILE = st.text(max_size=200) | st.sampled_from(
    ["<script>window.hurt = 1</script>", "<img src=x onerror=window.hurt=1>", "\u202eabc", "x" * 10_000, "\u0601" * 400]
)


@pytest.mark.slow
def test_generated_orders_are_only_text(
    browser_: Chromium, stack: DeployedStack, store_order: Callable[..., None], address: str
) -> None:
    """Whatever an order's texts are, they run nothing and leave the page in shape."""
    with entered(browser_, address, viewport=PHONE) as (page, errors):
        host = page.url.rstrip("/")

        @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        @given(HOSTILE, HOSTILE, HOSTILE, st.integers(0, 10**9))
        def shows(name: str, status: str, code: str, number: int) -> None:
            made = order(12, order_id=f"o{number}", order_code=code, status=status or "RECEIVED", comment=name)
            made["client"]["name"] = name
            made["items"][0]["name"] = name
            try:
                store_order(made)
            except (ValueError, UnicodeError):
                return  # No order to us: it is among the rejected.
            for path in (f"/orders/o{number}", "/orders?day=2026-10-14"):
                page.goto(host + path)
                assert page.evaluate("window.hurt") is None
                assert overflow(page) == []

        shows()
        assert errors == []
