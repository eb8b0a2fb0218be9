"""What the pages show: orders, what is wrong, and nobody's data that was not asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from partner_orders.clock import now
from partner_orders.orders.event import Arrival
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import answer_calls
from tests.support.desk import Browser, facts
from tests.support.fixed_clock import NOW
from tests.support.orders import order

type Store = Callable[..., None]
PERSONAL = ("Amna", "+92300123441", "Khayaban-e-Saadi", "No plastic bags")
HOSTILE = "<script>alert(1)</script><b onclick=x>\u202egnp\u2066\x1b[2J" + "x" * 10_000


@pytest.fixture
def one_order(stack: DeployedStack, store_order: Store) -> str:
    """An order with a life, of a store with a currency and a time zone."""
    body = order(12)
    store_order(body, order(20, status="DISPATCHED"))
    stack.stores.set("q7xk", StoreSettings(currency="PKR", time_zone="Asia/Karachi"))
    return str(body["order_id"])


def test_order_is_shown(browser: Browser, one_order: str) -> None:
    """An order's page has its life in the store's time zone, its lines and its money."""
    page = browser.get(f"/orders/{one_order}")
    said = browser.text(f"/orders/{one_order}")
    assert page.status_code == 200
    assert "2026-10-14 13:12:00" in said  # 08:12 UTC.
    assert "status, sys.updated_at" in said
    assert "Full cream milk 1 L" in said
    assert facts(page.text)["order total"] == "669.0 PKR"
    assert page.text.count('class="mark webhook') == 2
    assert "present state" in said


def test_refused_requests_are_shown(browser: Browser, stack: DeployedStack) -> None:
    """The page of trouble says why requests were refused, and the network that they came from."""
    assert "None." in browser.text("/trouble/refused")
    stack.__dict__["resources"] = {"WebhookLogGroup": "/logs/webhook"}
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="/logs/webhook")
    logs.create_log_stream(logGroupName="/logs/webhook", logStreamName="s")
    line = '{"message": "refused", "reason": "no_authorization", "network": "203.0.113.0/24", "unlisted": 7}'
    event: Any = {"timestamp": int(now().timestamp() * 1000), "message": line}
    logs.put_log_events(logGroupName="/logs/webhook", logStreamName="s", logEvents=[event])
    browser.desk.kept.forget()
    said = browser.text("/trouble/refused")
    assert "1 request, and 7 more that are only counted" in said
    assert "no Authorization (401)" in said
    assert "203.0.113.0/24 (1)" in said


@pytest.mark.privacy
@pytest.mark.parametrize("reveals", [False, True])
def test_personal_data_is_hidden(open_desk: Callable[..., Browser], one_order: str, reveals: bool) -> None:
    """No page shows a customer's data unless the desk may, and then only that of the order that was asked for."""
    browser = open_desk(shows_personal_data=reveals)
    for path in (f"/orders/{one_order}", f"/orders/{one_order}/life", "/orders?day=2026-10-14", "/", "/trouble"):
        assert [word for word in PERSONAL if word in browser.get(path).text] == []
    revealed = browser.get(f"/orders/{one_order}?reveal=1")
    if reveals:
        assert [word for word in PERSONAL if word not in revealed.text] == []
    else:
        assert (revealed.status_code, "Amna" in revealed.text) == (403, False)


@pytest.mark.privacy
def test_unparsable_bodies_are_hidden(open_desk: Callable[..., Browser], stack: DeployedStack) -> None:
    """A body that is no JSON object is shown only where personal data may be, a wrong order without it."""
    stack.rejected.keep(b'{"customer": "Amna', Arrival("webhook", NOW), "malformed_json", ["not JSON (at character 9)"])
    body = b'{"status": "RECEIVED", "customer": {"first_name": "Amna"}}'
    stack.rejected.keep(body, Arrival("webhook", NOW), "not_an_order", ["order_id: Field required"])
    digests = {event.reason: event.digest for event in stack.rejected.newest()}
    browser = open_desk()
    for digest in digests.values():
        assert "Amna" not in browser.get(f"/trouble/rejected/{digest}?reveal=1").text
    assert '"order_id": (missing) ← is missing' in browser.text(f"/trouble/rejected/{digests['not_an_order']}")
    assert "hidden" not in browser.text(f"/trouble/rejected/{digests['not_an_order']}")
    revealing = open_desk(shows_personal_data=True)
    assert "Amna" in revealing.get(f"/trouble/rejected/{digests['malformed_json']}?reveal=1").text


@pytest.mark.parametrize("name", ["k4vd-2611-r8mz", "0417", "6F2A9D34-8C55-4D0B-9C7E-51F0A2B7C801"])
def test_order_is_found_by_each_id(browser: Browser, one_order: str, name: str) -> None:
    """Each of an order's three ids leads to its page."""
    answer = browser.get(f"/orders?id={name}")
    assert answer.url.endswith(f"/orders/{one_order}")


def test_stores_are_found_by_name(browser: Browser, store_order: Store) -> None:
    """Words that name a store lead to it, and to the order of a code among them."""
    body = order(12)
    body["client"]["name"] = "Clifton Market"
    store_order(body)
    page = browser.get("/orders?id=clift")
    assert page.status_code == 404
    assert 'href="/stores/q7xk"' in page.text
    page = browser.get("/orders?id=0417 at the Clifton store")
    assert 'href="/orders?id=0417&amp;store=q7xk"' in page.text
    assert "Type an order code alone, e.g. 0417" in page.text
    assert browser.get("/orders?id=0417&store=q7xk").url.endswith(f"/orders/{body['order_id']}")
    assert "Did you mean" not in browser.get("/orders?id=the store").text


def test_long_wait_is_marked(browser: Browser, store_order: Store) -> None:
    """An open order over an hour old is marked, in the list and on Now; a new one is not."""
    made = {"old": now() - timedelta(hours=2), "new": now() - timedelta(minutes=10)}
    for name, created in made.items():
        store_order(order(order_id=name, status="RECEIVED", sys={"created_at": created.isoformat()}))
    rows = browser.get("/orders?open=1").text
    old, new = (rows.partition(f'<tr id="order-{name}"')[2].partition("</tr>")[0] for name in made)
    assert ("▲" in old, "▲" in new) == (True, False)
    assert "▲" in browser.get("/now/open").text


def test_missing_zone_is_said(browser: Browser, stack: DeployedStack, store_order: Store) -> None:
    """Times of a store without a time zone are said to be UTC, not the store's."""
    store_order(order(12))
    assert "created, UTC (no zone set)" in browser.text("/orders?day=2026-10-14")
    stack.stores.set("q7xk", StoreSettings(time_zone="Asia/Karachi"))
    browser.desk.kept.forget()
    said = browser.text("/orders?day=2026-10-14")
    assert "created, in the store" in said
    assert "no zone set" not in said


@pytest.mark.slow
def test_orders_of_a_day_are_paged(browser: Browser, store_order: Store) -> None:
    """Each order of a day is on one page, in order, also where many are of one instant."""
    for number in range(120):
        sys = {"created_at": f"2026-10-14T08:{number // 40:02d}:00.000Z"}
        store_order(order(order_id=f"order-{number:03d}", status=["RECEIVED", "DELIVERED"][number % 2], sys=sys))
    for sort, status, expected in (
        ("newest", "", [f"order-{number:03d}" for number in reversed(range(120))]),
        ("oldest", "", [f"order-{number:03d}" for number in range(120)]),
        ("oldest", "DELIVERED", [f"order-{number:03d}" for number in range(1, 120, 2)]),
    ):
        seen: list[str] = []
        path: str | None = f"/orders?day=2026-10-14&sort={sort}&status={status}"
        while path:
            text = browser.get(path).text
            seen += [part.partition('"')[0] for part in text.split('<tr id="order-')[1:]]
            after = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
            path = after or None
        assert seen == expected


def test_hostile_text_is_only_text(browser: Browser, stack: DeployedStack, store_order: Store) -> None:
    """Markup, directions and control characters in an order are shown as text, of bounded length."""
    hostile = order(12, order_code=HOSTILE[:150], comment=HOSTILE, status=f"NEW {HOSTILE[:60]}")
    hostile["client"]["name"] = HOSTILE
    hostile["items"][0]["name"] = HOSTILE
    store_order(hostile)
    assert "&lt;script&gt;alert" in browser.get(f"/orders/{hostile['order_id']}").text
    for path in (f"/orders/{hostile['order_id']}", "/orders?day=2026-10-14", "/stores", "/stores/q7xk", "/"):
        text = browser.get(path).text
        assert "<script>alert" not in text
        assert "<b onclick" not in text
        assert not {*"\u202e\u2066\x1b"} & {*text}
        assert "x" * 2_500 not in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/orders/no-such-order", 404),
        ("/orders/" + "x" * 3_000, 404),
        ("/orders?id=no-such-order", 404),
        ("/orders?store=nobody", 200),
        ("/orders?day=2026-02-30", 200),
        ("/orders?after=nonsense", 200),
        ("/stores/nobody", 404),
        ("/reconciliation?span=9y", 404),
        ("/reconciliation/runs/2026-01-01T00:00:00Z", 404),
        ("/trouble/rejected/ffff", 404),
        ("/trouble/letters/nothing", 404),
        ("/trouble/letters/files", 404),
        ("/answers?outcome=splendid", 200),
        ("/changes/done/nothing", 404),
        ("/changes/nothing", 404),
        ("/orders/%00%ff", 404),
    ],
)
def test_what_is_not_there(browser: Browser, path: str, status: int) -> None:
    """Whatever there is not gets a sentence and a way back."""
    answer = browser.get(path)
    assert answer.status_code == status
    assert "a fault in partner-orders itself" not in answer.text, browser.text(path)
    assert 'href="/' in answer.text


@pytest.mark.usefixtures("example_stack")
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "User: arn:aws:a-secret is not authorized"
                               " to perform: dynamodb:Query on resource: arn"}}, "Query"),
        pytest.param(
            ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "a-secret"}}, "Query"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ClientError({"Error": {"Code": "ThrottlingException", "Message": "a-secret"}}, "Query"),
            marks=pytest.mark.slow,
        ),
        pytest.param(NoCredentialsError(), marks=pytest.mark.slow),
    ],
    ids=["denied", "expired", "throttled", "no credentials"],
)  # fmt: skip
def test_refused_part_says_why(browser: Browser, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Where AWS refuses one operation, the parts that need it say so, and the rest of the page is there."""

    def answer(operation: str, _: dict[str, Any], call: Callable[[], Any]) -> Any:
        if operation == "Query":
            raise error
        return call()

    answer_calls(monkeypatch, answer)
    browser.desk.kept.forget()
    for path in ("/", "/orders", "/stores", "/trouble"):
        page = browser.get(path)
        assert page.status_code == 200
        assert 'class="fault"' in page.text, path
        assert "a-secret" not in page.text
    if isinstance(error, ClientError) and error.response["Error"]["Code"] == "AccessDeniedException":
        assert "Your AWS user lacks the right dynamodb:Query" in browser.text("/stores")
    assert "dead letters" in browser.text("/")  # Of the queues, which may be looked at.
    monkeypatch.undo()
    browser.desk.kept.forget()
    assert 'class="fault"' not in browser.get("/stores").text
