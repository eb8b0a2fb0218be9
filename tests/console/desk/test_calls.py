"""The AWS calls of each page of the desk and of each of its parts, when nothing is remembered."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.pages import PAGES
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import counted_calls, watch_calls
from tests.support.desk import Browser
from tests.support.orders import order

ORDER = "dc39170c-8fb6-4e20-aa52-36fa898df1d1"
# A stack with one store, an order with an answer, and a rejected event.
_STORES = {"BatchGetItem": 1, "Query": 5, "Scan": 1}
_ONE_ORDER = {"BatchGetItem": 1, "Query": 2}
CALLS: dict[str, dict[str, int]] = {
    "/": {"GetMetricData": 1, "GetQueueAttributes": 3, "Query": 4, "Scan": 1},
    "/now/flow": {"GetMetricData": 1, "GetQueueAttributes": 3, "Query": 3, "Scan": 1},
    "/now/open": {"Query": 1, "Scan": 1},
    "/now/webhooks": {"BatchGetItem": 1, "Query": 3},
    "/orders": {"Query": 4},
    "/orders/rows": {"Query": 4},
    "/orders?open=1": {"Query": 1, "Scan": 1},
    "/orders?status=CANCELLED": {"Query": 4},
    "/orders?id=unknown": {"BatchGetItem": 1, "Query": 5},
    f"/orders/{ORDER}": _ONE_ORDER,
    f"/orders/{ORDER}/life": _ONE_ORDER,
    f"/orders/{ORDER}/answer": {"Query": 2},
    "/events": {"Query": 6},
    "/reconciliation": {"Query": 3},
    "/reconciliation/missed": {"GetMetricData": 1, "Query": 2},
    "/reconciliation/runs": {"Query": 1},
    "/reconciliation/runs/2026-10-14T08:00:00.000Z": {"Query": 1},
    "/reconciliation/backfills": {"Query": 2},
    "/trouble": {"BatchGetItem": 1, "Query": 2},
    "/trouble/rejected": {"BatchGetItem": 1, "Query": 2},
    "/trouble/rejected/302631e7f1f3fdcc": {"BatchGetItem": 1, "GetItem": 1, "Query": 2},
    "/trouble/rejected/unknown": {"BatchGetItem": 1, "GetItem": 1, "Query": 1},
    "/trouble/letters": {"GetQueueAttributes": 5},
    "/trouble/letters/order-events": {"ReceiveMessage": 1},
    "/trouble/queues": {"GetMetricData": 1},
    "/trouble/refused": {},
    "/trouble/secrets": {"DescribeSecret": 1, "GetMetricData": 1, "GetSecretValue": 3},
    "/stores": _STORES,
    "/stores/rows": _STORES,
    "/stores/148020": {"BatchGetItem": 1, "GetItem": 1, "Query": 8},
    "/answers": {"GetMetricData": 1, "Query": 5},
    "/answers/waiting": {"GetMetricData": 1, "Query": 2},
    "/answers/outcomes": {"Query": 4},
    "/catalogue": {"BatchGetItem": 1, "Query": 9},
    "/catalogue/stores": {"Query": 7},
    "/catalogue/held": {"BatchGetItem": 1, "Query": 3},
    "/catalogue/stores/148020": {"BatchGetItem": 1, "GetItem": 3, "Query": 9},
    "/catalogue/stores/148020/work": {"Query": 2},
    "/catalogue/stores/148020/counts": {"GetItem": 2, "Query": 16},
    "/catalogue/stores/148020/drift": {"Query": 1},
    "/catalogue/stores/148020/held": {"BatchGetItem": 1, "Query": 2},
    "/catalogue/stores/148020/product?sku=WM-520955": {"BatchGetItem": 1, "GetItem": 1, "Query": 3},
    "/promotions": {"Query": 3},
    "/promotions/calendar": {"Query": 3},
    "/promotions/5f2a70f2b288": {"GetItem": 2, "GetObject": 1, "Query": 3},
    "/changes": {},
}
# The doctor's own calls, in the background.
UNCOUNTED = {"/now/findings"}
NOT_FOUND = {"/orders?id=unknown", "/reconciliation/runs/2026-10-14T08:00:00.000Z", "/trouble/rejected/unknown"}


def test_each_page_is_counted() -> None:
    """No page or part is without a number of calls; what a change calls is the change's own."""
    paths = [route.path for page in PAGES for route in page.routes if not route.path.startswith("/changes/")]
    patterns = {re.sub(r"{\w+}", "[^/]+", path) for path in paths if path not in UNCOUNTED}
    counted = [path.split("?")[0] for path in CALLS]
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in counted)] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", CALLS)
def test_calls_of_a_page(example_stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A page asks AWS as often as is written down, no more and no less."""
    example_stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}
    example_stack.__dict__["resources"] = {}
    with serving(lambda: example_stack, Options()) as desk:
        browser = Browser(desk)
        desk.kept.forget()
        calls = counted_calls(monkeypatch)
        assert browser.get(path).status_code == (404 if path in NOT_FOUND else 200)
    assert calls == CALLS[path]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/now/webhooks", "/stores"])
def test_stores_share_a_request(
    stack: DeployedStack, store_order: Callable[..., None], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The newest orders of all stores are read in one request, and the stores themselves in one."""
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}
    for number in range(4):
        store_order(order(order_id=f"o-{number}", client={**order()["client"], "store_id": f"s{number}"}))
    with serving(lambda: stack, Options()) as desk:
        browser = Browser(desk)
        desk.kept.forget()
        calls, stores = Counter[str](), []

        def see(operation: str, parameters: dict[str, Any], _: Any) -> None:
            calls.update([operation])
            stores.append({"S": keys.STORES} in parameters.get("ExpressionAttributeValues", {}).values())

        watch_calls(monkeypatch, see)
        assert "s3" in browser.get(path).text
    assert calls["BatchGetItem"] == 1
    assert sum(stores) == 1
