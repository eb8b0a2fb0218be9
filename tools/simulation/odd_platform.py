"""What is odd about a seed's platform from its first order to its last: no calm ends it, so we have to live with it."""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from partner_orders.answers.rules import ACCEPTING_BRANDS
from tools.local.simulated_platform.bad_orders import BAD_ORDERS
from tools.local.simulated_platform.lives import Life, Step, timestamp, to_text
from tools.local.simulated_platform.partner_api import Response, SimulatedPartnerApi, Unknowns
from tools.local.simulated_platform.profiles import PROFILES, Profile
from tools.simulation.faults import Faults

# How long after its creation an order is listed.
LATE = timedelta(minutes=40)
# A future year, and a local time that is called UTC.
_FUTURE = ("another century", "local time")
_LOCAL_TIME = timedelta(hours=5)
_WRONG_OBJECTS: tuple[Any, ...] = ("Calle Los Aromos 118", 5, [], True)
_WRONG_LISTS: tuple[Any, ...] = ({}, "none", -250, True)
_WRONG_NUMBERS: tuple[Any, ...] = ("***", "", {}, [], True)
_WRONG_TEXTS: tuple[Any, ...] = ({}, [], True, [["a"]])
_WRONG_TIMES: tuple[Any, ...] = ("yesterday", 5, {}, True)
_WRONG_FLAGS: tuple[Any, ...] = ("maybe", -250, {}, [])
# Every optional part of an order, with values of types that do not belong there. A number stands for a line.
ODD_PARTS: dict[tuple[str | int, ...], tuple[Any, ...]] = {
    **dict.fromkeys(
        (
            ("customer",), ("customer", "delivery_address"), ("payment",), ("sys",), ("items", 0),
            ("items", 0, "pricing"), ("items", 0, "original_pricing"),
        ),
        _WRONG_OBJECTS,
    ),
    **dict.fromkeys((("items",), ("items", 0, "promotion"), ("payment", "discounts")), _WRONG_LISTS),
    ("cancellation",): ([], True, [["a"]]),
    ("items", 0, "barcode"): ({}, [{}], [[]], True),
    ("payment", "additional_fees"): ("none", 5, True),
    **dict.fromkeys(
        (
            ("customer", "delivery_address", "latitude"), ("customer", "delivery_address", "longitude"),
            ("payment", "sub_total"), ("payment", "order_total"), ("payment", "delivery_fee"),
            ("payment", "discount"), ("payment", "total_taxes"), ("items", 0, "pricing", "quantity"),
            ("items", 0, "pricing", "weight"), ("items", 0, "pricing", "unit_price"), ("items", 0, "discount"),
        ),
        _WRONG_NUMBERS,
    ),
    **dict.fromkeys(
        (
            ("external_order_id",), ("order_code",), ("order_type",), ("transport_type",), ("comment",),
            ("promotion_status",), ("client", "id"), ("client", "country_code"), ("customer", "first_name"),
            ("customer", "delivery_address", "street"), ("items", 0, "sku"), ("items", 0, "name"),
            ("items", 0, "status"), ("items", 0, "instructions"), ("payment", "type"), ("sys", "created_by"),
        ),
        _WRONG_TEXTS,
    ),
    **dict.fromkeys(
        (("accepted_for",), ("promised_for",), ("sys", "created_at"), ("sys", "updated_at")), _WRONG_TIMES
    ),
    ("isPreorder",): _WRONG_FLAGS,
}  # fmt: skip


class Swap(NamedTuple):
    """Two stores (by store_id, with their codes) that have each other's code from a time on."""

    at: datetime
    codes: dict[str, str]


@dataclass(frozen=True)
class Odd:
    """Which orders (by number in the hour) are odd in which way, and which kinds of oddities a seed has. Of the
    ``unposted`` no webhook comes, so that the reconciler alone can bring them."""

    kinds: frozenset[str] = frozenset()
    bad: dict[int, str] = field(default_factory=dict)
    parts: dict[int, tuple[tuple[tuple[str | int, ...], Any], ...]] = field(default_factory=dict)
    future: dict[int, str] = field(default_factory=dict)
    late: frozenset[int] = frozenset()
    twice: frozenset[int] = frozenset()
    restless: frozenset[int] = frozenset()
    failing: frozenset[int] = frozenset()
    deadly: int | None = None  # the store of this order
    unposted: frozenset[int] = frozenset()


KINDS = (
    "platform_bad_order",
    "platform_odd_parts",
    "platform_future_orders",
    "platform_lists_late",
    "platform_listed_twice",
    "platform_restless_field",
    "platform_window_fails",
    "platform_kills",
    "platform_codes_swapped",
)


def odd(seed: int, orders: int, faults: Faults) -> Odd:
    """What is odd in a seed. Each order is odd in one way at most."""
    kinds = frozenset(kind for kind in KINDS if faults.strikes(kind))
    chance = random.Random(f"{seed}/odd")
    numbers = chance.sample(range(orders), orders)
    bad = dict(zip(numbers[:3], chance.sample([*BAD_ORDERS], 3), strict=False))
    parts = {
        number: tuple((path, chance.choice(ODD_PARTS[path])) for path in chance.sample([*ODD_PARTS], 2))
        for number in numbers[3:6]
    }
    future = dict(zip(numbers[6:8], _FUTURE, strict=False))
    late, twice, restless, failing = (frozenset(numbers[place : place + 1]) for place in range(8, 12))
    return Odd(
        kinds,
        bad if "platform_bad_order" in kinds else {},
        parts if "platform_odd_parts" in kinds else {},
        future if "platform_future_orders" in kinds else {},
        late if "platform_lists_late" in kinds else frozenset(),
        twice if "platform_listed_twice" in kinds else frozenset(),
        restless if "platform_restless_field" in kinds else frozenset(),
        failing if "platform_window_fails" in kinds else frozenset(),
        numbers[0] if "platform_kills" in kinds else None,
        frozenset(numbers[4:6] if "platform_kills" in kinds else [])
        | (late if "platform_lists_late" in kinds else set()),
    )


# -- the brand ---------------------------------------------------------------------------------------------------------


def brand(seed: int) -> Profile | None:
    """The brand of a seed; none where it is the plain platform of docs/platform.md."""
    return random.Random(f"{seed}/brand").choice([None, *PROFILES])


def brand_accepts(seed: int) -> bool:
    """Whether the stores of a seed's brand accept their orders, and cannot cancel them."""
    chosen = brand(seed)
    return chosen is not None and chosen.name in ACCEPTING_BRANDS


def unknowns(seed: int, faults: Faults) -> Unknowns:
    """One of the ways in which the platform may do what the contract does not say; what a brand does is a fault where
    it makes a guess of ours fail."""
    chance = random.Random(f"{seed}/unknowns")
    drawn = Unknowns(
        filter_by=chance.choice(["created", "updated"]),
        order=chance.choice(["ascending", "descending", "none"]),
        start_included=chance.random() < 0.5,
        end_included=chance.random() < 0.5,
        times=chance.choice(["any", "with_z", "without_z"]),
        page_size_honoured=chance.random() < 0.8,
        sort_by=chance.choice(["created", "updated"]),
    )
    chosen = brand(seed)
    drawn.times = drawn.times if chosen is None else chosen.unknowns.times
    if drawn.times != "any":
        drawn.times_refused = faults.strikes("platform_times_refused")
    if drawn.page_size_honoured and faults.strikes("platform_page_size_refused"):
        drawn.largest_page_size, drawn.page_size_refused = 3, True
    if faults.strikes("platform_counts"):
        drawn.counts = chance.choice(["text", "missing"])
    if faults.strikes("platform_empty"):
        drawn.empty = chance.choice(["null", "missing", "object", "no_content"])
    return drawn


# -- the orders --------------------------------------------------------------------------------------------------------


def as_odd(life: Life, number: int, odds: Odd) -> Life:
    """The life as its oddities have it."""
    if number in odds.parts:
        return _rewritten(life, lambda body: _put_all(body, odds.parts[number]))
    if number in odds.future:
        return _rewritten(life, lambda body: _move_times(body, odds.future[number]))
    return life


def _put_all(body: dict[str, Any], parts: Iterable[tuple[tuple[str | int, ...], Any]]) -> None:
    for path, value in parts:
        put(body, path, value)


def put(body: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Put a value at a place of an order, if there is such a place."""
    *above, last = path
    node: Any = body
    for name in above:
        places: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        if name not in places:
            return
        node = node[name]
    has_place = isinstance(node, dict if isinstance(last, str) else list) and bool(node)
    if has_place:
        node[last] = value


def _rewritten(life: Life, change: Callable[[dict[str, Any]], object]) -> Life:
    steps = []
    for step in life.steps:
        body = json.loads(to_text(step.body))
        change(body)
        steps.append(replace(step, body=body))
    return replace(life, steps=tuple(steps), made_at=life.created_at)


def _move_times(body: dict[str, Any], how: str) -> None:
    for name in ("created_at", "updated_at"):
        if name in body["sys"]:
            at = datetime.fromisoformat(body["sys"][name])
            at = at.replace(year=at.year + 100) if how == "another century" else at + _LOCAL_TIME
            body["sys"][name] = timestamp(at)


def swap_codes(lives: list[Life], at: datetime) -> tuple[list[Life], Swap | None]:
    """The lives of a chain of which two stores have each other's code, and other names, from a time on."""
    codes = {life.shop.store_id: life.shop.external_partner_config_id for life in lives}
    if len(codes) < 2:
        return lives, None
    one, other = sorted(codes)[:2]
    new = {one: codes[other], other: codes[one]}

    def moved(step: Step) -> Step:
        client = step.body["client"]
        if step.at < at or str(client["store_id"]) not in new:
            return step
        changed = {"external_partner_config_id": new[str(client["store_id"])], "name": f"{client['name']} (moved)"}
        return replace(step, body=step.body | {"client": client | changed})

    moved_lives = [replace(life, steps=tuple(map(moved, life.steps))) for life in lives]
    return moved_lives, Swap(at, {codes[one]: codes[other], codes[other]: codes[one]})


# -- the list ----------------------------------------------------------------------------------------------------------


class OddPartnerApi(SimulatedPartnerApi):
    """The Partner API of a seed. ``texts`` are what it has shown of the orders that look different each time."""

    def __init__(self, *arguments: Any, faults: Faults, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._faults = faults
        self.odd = Odd()
        self._numbers: dict[str, int] = {}
        self.swap: Swap | None = None
        self._looks = 0
        self.texts: dict[str, list[bytes]] = {}

    def show_odd(self, lives: Iterable[Life], numbers: dict[str, int], odds: Odd, swap: Swap | None) -> None:
        """Make these the orders that the API knows; ``numbers`` are their places in the hour."""
        self.odd, self._numbers, self.swap = odds, numbers, swap
        self.show(lives)

    def number_of(self, life: Life) -> int:
        """The place of an order in the hour."""
        return self._numbers[life.order_id]

    def listed(self, life: Life, step: Step) -> bytes:
        """An order as a page shows it; not the order that its webhook had, where it is odd."""
        text, number = super().listed(life, step), self.number_of(life)
        if number in self.odd.bad:
            self._faults.show("platform_bad_order")
            self._faults.show(f"bad_order_{self.odd.bad[number]}")
            return BAD_ORDERS[self.odd.bad[number]](text)
        if number in self.odd.restless:
            self._faults.show("platform_restless_field")
            self._looks += 1
            body = json.loads(text)
            body["items"][0]["image_url"] = f"https://images.example.com/1.jpg?signature={self._looks}"
            text = to_text(body).encode()
            self.texts.setdefault(life.order_id, []).append(text)
        return text

    def _response_to_put(self, life: Life, now: datetime) -> Response:
        """Also: keep what is shown in another form."""
        response = super()._response_to_put(life, now)
        if response.status == 200:
            self.texts.setdefault(life.order_id, []).append(response.body)
        return response

    def bad_text(self, life: Life, step: Step) -> bytes:
        """What a page shows of a bad order in a state."""
        return BAD_ORDERS[self.odd.bad[self.number_of(life)]](super().listed(life, step))

    def is_listed(self, life: Life, now: datetime) -> bool:
        """Whether an order is in the list yet."""
        if self.number_of(life) not in self.odd.late:
            return super().is_listed(life, now)
        self._faults.show("platform_lists_late")
        return now >= life.created_at + LATE

    def _read(self, path: str, query: str, method: str, now: datetime) -> Response:
        if self.swap is not None:
            for code, other in self.swap.codes.items():
                store = next(life for life in self._orders.values() if life.shop.external_partner_config_id == code)
                name = other if now >= self.swap.at else code
                self._shops[name] = self._shops[store.shop.store_id]
        return super()._read(path, query, method, now)

    def _page(self, lives: list[Life], query: dict[str, str], now: datetime) -> Response:
        start, end = (self._time(query.get(name, "")) for name in ("start_time", "end_time"))
        found = self._found(lives, start, end, now) if start and end else []
        if any(self.number_of(life) in self.odd.failing for life, _ in found):
            self._faults.show("platform_window_fails")
            return Response(
                500, {"Content-Type": "application/json"}, b'{"status":500,"error":"Internal Server Error"}'
            )
        return super()._page(lives, query, now)

    def _found(self, lives: list[Life], start: datetime, end: datetime, now: datetime) -> list[tuple[Life, Step]]:
        found: list[tuple[Life, Step]] = []
        for life, step in super()._found(lives, start, end, now):
            if self.number_of(life) in self.odd.twice and step is not life.steps[0]:
                self._faults.show("platform_listed_twice")
                found.append((life, life.steps[0]))
            found.append((life, step))
        return found
