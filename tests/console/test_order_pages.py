"""Pages of orders of several stores: whole, in order, and read from the index in parts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import BY_TIME
from partner_orders.clock import from_text, to_text
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations import order_pages
from partner_orders_console.operations.order_pages import PAGE, Choice, Page, Place, page_of_ids, page_of_orders
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import watch_calls
from tests.support.orders import order

DAY = "2026-10-14"
# Orders of each store: one is busy, several orders share an instant, one store has none.
STORES = {"busy": range(140), "slow": range(3, 90, 30), "even": [minute // 3 for minute in range(60)], "none": ()}


@pytest.fixture
def day(stack: DeployedStack, store_order: Callable[..., None]) -> list[Place]:
    """The places of a day's orders, oldest first."""
    start, places = from_text(f"{DAY}T08:00:00.000Z"), []
    for store_id, minutes in STORES.items():
        stack.stores.set(store_id, StoreSettings(time_zone="UTC"))
        for number, minute in enumerate(minutes):
            place = Place(to_text(start + timedelta(minutes=minute)), f"{store_id}-{number}")
            places.append(place)
            client = {**order()["client"], "store_id": store_id, "external_partner_config_id": None}
            store_order(order(order_id=place.order_id, client=client, sys={"created_at": place.created_at}))
    return sorted(places)


@pytest.mark.slow
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_hold_each_order_once(stack: DeployedStack, day: list[Place], newest_first: bool) -> None:
    """The pages of a day, one after the other, give each store's orders once and in order."""
    seen: list[str] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        choice = Choice(stack.stores.all(), DAY, newest_first=newest_first, after=after)
        ids, after = page_of_ids(stack, choice)
        assert len(ids) == PAGE or after is None
        seen, pages = seen + ids, pages + 1
    wanted = [place.order_id for place in sorted(day, reverse=newest_first)]
    assert seen == wanted
    assert pages == -(-len(wanted) // PAGE)


@pytest.mark.slow
@pytest.mark.usefixtures("day")
def test_of_many_stores_little_is_read(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of stores that share a page, less than a page of each is read from the index."""
    rows: list[int] = []

    def see(operation: str, parameters: dict[str, Any], response: Any) -> None:
        if operation == "Query" and "IndexName" in parameters:
            rows.append(len(response["Items"]))

    stores = stack.stores.all()
    watch_calls(monkeypatch, see)
    page_of_ids(stack, Choice(stores, DAY, newest_first=False))
    assert PAGE < sum(rows) < 2 * PAGE


@pytest.fixture
def read_places(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The listing of each query from now on, and how many places it read."""
    queries: list[tuple[str, int]] = []

    def see(operation: str, parameters: dict[str, Any], response: Any) -> None:
        if operation == "Query" and "IndexName" in parameters:
            [listing] = parameters["KeyConditions"][BY_TIME.partition]["AttributeValueList"]
            queries.append((listing["S"], len(response["Items"])))

    watch_calls(monkeypatch, see)
    return queries


@pytest.mark.parametrize("newest_first", [True, False])
def test_day_ends_where_it_ends(
    stack: DeployedStack, store_order: Callable[..., None], read_places: list[tuple[str, int]], newest_first: bool
) -> None:
    """A page has the orders from the beginning of the day to its last microsecond, by one query, whatever other days
    have."""
    stack.stores.set("q7xk", StoreSettings(time_zone="UTC"))
    times = ["2026-10-13T23:59:59.999999Z", f"{DAY}T00:00:00.000000Z", f"{DAY}T23:59:59.999999Z"]
    times += ["2026-10-15T00:00:00.000000Z"]
    client = {**order()["client"], "external_partner_config_id": None}
    for number in range(2 * PAGE):
        for time in times if number < 2 else (times[0], times[-1]):
            order_id = f"{times.index(time)}-{number}"
            store_order(order(order_id=order_id, client=client, sys={"created_at": time}))
    read_places.clear()
    ids, after = page_of_ids(stack, Choice(stack.stores.all(), DAY, newest_first=newest_first))
    assert ids == sorted(["1-0", "1-1", "2-0", "2-1"], reverse=newest_first)
    assert after is None
    assert [name for name, _ in read_places] == ["STORE#q7xk"]


@pytest.mark.parametrize("ahead", [0, 1, 2 * PAGE])
def test_day_leaves_out_what_is_dated_ahead(stack: DeployedStack, store_order: Callable[..., None], ahead: int) -> None:
    """A day's newest orders are those of the day, however many are dated later than it."""
    stack.stores.set("q7xk", StoreSettings(time_zone="UTC"))
    client = {**order()["client"], "external_partner_config_id": None}
    times = {f"ahead-{number}": "2026-10-16T08:00:00.000000Z" for number in range(ahead)}
    times |= {"old": "2026-10-13T23:59:59.999999Z", "first": f"{DAY}T08:00:00.000000Z", "second": f"{DAY}T13:00:00Z"}
    for order_id, time in times.items():
        store_order(order(order_id=order_id, client=client, sys={"created_at": time}))
    ids, after = page_of_ids(stack, Choice(stack.stores.all(), DAY))
    assert (ids, after) == (["second", "first"], None)
    stores = stack.stores.all()
    beyond = Place(f"{DAY}T13:00:00.000000Z", "second")
    assert page_of_ids(stack, Choice(stores, DAY, after=beyond))[0] == ["first"]


@pytest.mark.slow
def test_other_listings_take_no_share(
    stack: DeployedStack, store_order: Callable[..., None], read_places: list[tuple[str, int]]
) -> None:
    """Stores with two listings each are asked once for each listing, if they share a page evenly."""
    start = from_text(f"{DAY}T08:00:00.000Z")
    for number in range(4 * PAGE):
        client = {**order()["client"], "store_id": f"s{number % 10}", "external_partner_config_id": f"c{number % 10}"}
        created_at = to_text(start + timedelta(minutes=number))
        store_order(order(order_id=f"o-{number}", client=client, sys={"created_at": created_at}))
    read_places.clear()
    ids, _ = page_of_ids(stack, Choice(stack.stores.all(), DAY))
    assert len(ids) == PAGE
    listings = [name for name, _ in read_places]
    assert sorted(listings) == sorted({*listings})


# -- of a status -------------------------------------------------------------------------------------------------------


@pytest.fixture
def statuses(stack: DeployedStack, store_order: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of a day's cancelled orders, every third of thirty, oldest first. Few orders are looked at, and a page is
    small."""
    monkeypatch.setattr(order_pages, "PAGE", 3)
    monkeypatch.setattr(order_pages, "_LOOKED_AT_MOST", (6, 18))
    monkeypatch.setattr(order_pages, "_LOOKED_AT", 2)
    stack.stores.set("q7xk", StoreSettings(time_zone="UTC"))
    for number in range(30):
        status = "DELIVERED" if number % 3 else "CANCELLED"
        created_at = to_text(from_text(f"{DAY}T08:00:00.000Z") + timedelta(minutes=number))
        store_order(order(order_id=f"o-{number:02d}", status=status, sys={"created_at": created_at}))
    return [f"o-{number:02d}" for number in range(0, 30, 3)]


def of_status(stack: DeployedStack, status: str, after: Place | None = None) -> Page:
    return page_of_orders(stack, Choice(stack.stores.all(), DAY, [status], newest_first=False, after=after))


def ids_of(page: Page) -> list[str]:
    return [found.order_id for found in page.orders]


def test_status_is_looked_for_in_steps(stack: DeployedStack, statuses: list[str]) -> None:
    """Pages of a status give each of its orders once, also those beyond the places that are read at first."""
    pages = [of_status(stack, "CANCELLED")]
    while pages[-1].next is not None:
        pages.append(of_status(stack, "CANCELLED", pages[-1].next))
    assert [ids_of(page) for page in pages] == [statuses[:3], statuses[3:6], statuses[6:9], statuses[9:]]
    assert [page.is_cut for page in pages] == [False] * 4


@pytest.mark.usefixtures("statuses")
def test_page_of_no_order_goes_on(stack: DeployedStack) -> None:
    """A status that none of the orders has that are looked at gives an empty page with a place to go on from."""
    page = of_status(stack, "RECEIVED")
    assert (ids_of(page), page.is_cut) == ([], True)
    assert page.next is not None
    assert page.next.order_id == "o-17"
    last = of_status(stack, "RECEIVED", page.next)
    assert (ids_of(last), last.next, last.is_cut) == ([], None, False)


def test_only_shown_orders_are_read_whole(
    stack: DeployedStack, statuses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the orders that are looked at only the status is read, at half the units. Those shown are read whole."""
    looked_at: list[tuple[bool | None, list[str]]] = []
    whole: list[tuple[bool | None, list[str]]] = []

    def see(operation: str, parameters: dict[str, Any], _: Any) -> None:
        for request in parameters["RequestItems"].values() if operation == "BatchGetItem" else ():
            ids = [key["pk"]["S"] for key in request["Keys"]]
            (looked_at if "ProjectionExpression" in request else whole).append((request.get("ConsistentRead"), ids))

    watch_calls(monkeypatch, see)
    of_status(stack, "CANCELLED")
    assert whole == [(True, [keys.order_partition(order_id) for order_id in statuses[:3]])]
    assert {consistent for consistent, _ in looked_at} == {None}
    assert sum(len(ids) for _, ids in looked_at) == 8


def test_old_status_is_not_shown(stack: DeployedStack, statuses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose status has just changed is not shown under its old one."""
    monkeypatch.setattr(order_pages, "statuses_of", lambda _, ids: dict.fromkeys(ids, "CANCELLED"))
    assert ids_of(of_status(stack, "CANCELLED")) == statuses[:1]
