"""The simulated platform's hostility: every kind of it happens, is counted, and is what it claims to be."""

import gzip
import io
import json
import random
import zlib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from partner_orders.exact_json import MalformedJsonError, parse
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.lifecycle import is_final, rank
from tools.local.simulated_platform.bad_orders import BAD_ORDERS
from tools.local.simulated_platform.lives import Life, to_text
from tools.local.simulated_platform.partner_api import Request, Response, SimulatedPartnerApi
from tools.simulation import hostile_responses, oracle
from tools.simulation.faults import HOSTILE, KINDS, OFF, Faults
from tools.simulation.hostile_responses import DrippingBody, HugeBody, compressed, inflating, to_requests
from tools.simulation.hour import CHAIN_ID, trading
from tools.simulation.odd_platform import ODD_PARTS, Odd, OddPartnerApi, brand, odd, put, unknowns
from tools.simulation.story import ORDERS
from tools.simulation.world import START, TOKEN

AFTER = START + timedelta(hours=3)
ORDER: dict[str, Any] = json.loads((Path(__file__).parents[3] / "events" / "order.json").read_text(encoding="utf-8"))
EVERY_ODD_PART = [(path, value) for path, values in ODD_PARTS.items() for value in values]


def with_odd_part(path: tuple[str | int, ...], value: Any) -> bytes:
    body = json.loads(json.dumps(ORDER)) | {"cancellation": {"reason": "CLOSED", "post_picked_up": False}}
    body["items"][0] |= {"promotion": [{"name": "Fresh week"}], "instructions": "cold", "discount": 1}
    put(body, path, value)
    return to_text(body).encode()


def platform(odds: Odd, seed: int = 4) -> tuple[OddPartnerApi, list[Life]]:
    """The Partner API of a seed whose orders are odd in one way, with its orders."""
    faults = Faults(seed, without=frozenset(KINDS))
    hour = trading(seed, START, ORDERS, None, None, odds, faults)
    api = OddPartnerApi(CHAIN_ID, TOKEN, 10_000, faults=faults)
    api.show_odd(hour.lives, hour.numbers, odds, hour.swap)
    return api, hour.lives


def listed(api: SimulatedPartnerApi, life: Life, at: Any = AFTER) -> Response:
    """The list of an order's store."""
    query = "start_time=2026-03-14T00:00:00Z&end_time=2026-03-15T00:00:00Z&page_size=500"
    path = f"/v2/chains/{CHAIN_ID}/vendors/{life.shop.store_id}/orders?{query}"
    return api.handle(Request("GET", path, {"authorization": f"Bearer {TOKEN}"}), at)


def ids(response: Response) -> list[str]:
    return [order["order_id"] for order in json.loads(response.body)["orders"]]


# -- that it happens ---------------------------------------------------------------------------------------------------


def test_forty_seeds_have_every_oddity() -> None:
    """Within forty seeds the platform is odd in every way, and of every brand."""
    kinds: set[str] = set()
    bad: set[str] = set()
    for seed in range(1, 41):
        faults = Faults(seed)
        odds = odd(seed, ORDERS, faults)
        unknowns(seed, faults)
        bad |= {*odds.bad.values()}
        kinds |= faults.counts.keys()
    assert kinds >= {kind for kind in HOSTILE if kind.startswith("platform_")} - OFF
    assert bad == BAD_ORDERS.keys()
    brands = Counter(None if (profile := brand(seed)) is None else profile.name for seed in range(1, 41))
    assert len(brands) == 5


def test_shorter_story_may_leave_out_a_kind() -> None:
    """A kind that is left out, or is off, never happens."""
    for seed in range(1, 41):
        assert odd(seed, ORDERS, Faults(seed, without=frozenset(HOSTILE))) == Odd()
        drawn = unknowns(seed, Faults(seed, without=frozenset(HOSTILE)))
        assert (drawn.times_refused, drawn.page_size_refused, drawn.counts, drawn.empty) == (
            *(False, False),
            *("numbers", "list"),
        )


def test_every_kind_names_what_it_needs() -> None:
    """Every hostile kind says which part of the product it tries, and can be drawn."""
    assert all(needs for _, needs in HOSTILE.values())
    assert HOSTILE.keys() <= {*KINDS}
    assert HOSTILE.keys() >= OFF


# -- that it is what it claims to be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "value"), EVERY_ODD_PART)
def test_odd_part_leaves_the_order_stored(path: tuple[str | int, ...], value: Any) -> None:
    """An order with an odd part is an event with a problem, and the second opinion ranks it as we do."""
    body = with_odd_part(path, value)
    event = parse_event(body)
    assert event.problems == (".".join(part for part in path if isinstance(part, str)),)
    assert oracle.precedence(body, 0.0) == precedence(event)
    assert oracle.status(body) == event.status


def precedence(event: OrderEvent) -> tuple[bool, float, int, int, float, int]:
    """What our own reading says of an event, in the second opinion's form."""
    clock = event.occurred_at.timestamp() if event.occurred_at else float("-inf")
    return is_final(event.status), clock, rank(event.status), event.unmasked, 0.0, event.richness


@pytest.mark.parametrize("kind", BAD_ORDERS)
def test_bad_order_is_one_of_many(kind: str) -> None:
    """A bad order cannot be read, and the list has it among others that can."""
    with pytest.raises(MalformedJsonError):
        parse(BAD_ORDERS[kind](to_text(ORDER).encode()))
    api, lives = platform(Odd(bad={0: kind}))
    bad = next(life for life in lives if api.number_of(life) == 0)
    content = listed(api, bad).body
    step = bad.step_shown_at(AFTER)
    assert step is not None
    assert content.count(api.bad_text(bad, step)) == 1
    others = [life for life in lives if life.shop == bad.shop and life is not bad]
    assert all(life.order_id.encode() in content for life in others)


def test_window_with_one_order_fails() -> None:
    """The platform fails at a window that has a certain order, and at no other store's."""
    api, lives = platform(Odd(failing=frozenset({0})))
    failing = next(life for life in lives if api.number_of(life) == 0)
    other = next(life for life in lives if life.shop != failing.shop)
    assert listed(api, failing).status == 500
    assert listed(api, other).status == 200


def test_order_is_listed_late() -> None:
    """An order appears in the list forty minutes after it was made."""
    api, lives = platform(Odd(late=frozenset({0})))
    late = next(life for life in lives if api.number_of(life) == 0)
    assert late.order_id not in ids(listed(api, late, late.created_at + timedelta(minutes=39)))
    assert late.order_id in ids(listed(api, late, late.created_at + timedelta(minutes=41)))


def test_order_is_listed_in_two_states() -> None:
    """One answer lists an order twice, first as it was and then as it is."""
    api, lives = platform(Odd(twice=frozenset({0})))
    twice = next(life for life in lives if api.number_of(life) == 0)
    shown = [
        order["status"]
        for order in json.loads(listed(api, twice).body)["orders"]
        if order["order_id"] == twice.order_id
    ]
    assert shown == [twice.steps[0].status, twice.steps[-1].status]


def test_restless_order_differs_at_each_look() -> None:
    """An order looks different at each look, in one field."""
    api, lives = platform(Odd(restless=frozenset({0})))
    restless = next(life for life in lives if api.number_of(life) == 0)
    looks = {listed(api, restless).body for _ in range(3)}
    assert len(looks) == 3
    assert len({oracle.identity(text) for text in api.texts[restless.order_id]}) == 3


def test_stores_take_each_others_code() -> None:
    """Two stores have each other's code from a time on, in their orders and in the Partner API."""
    api, lives = platform(Odd(kinds=frozenset({"platform_codes_swapped"})))
    swap = api.swap
    assert swap is not None
    life = next(life for life in lives if life.shop.external_partner_config_id in swap.codes)
    codes = {step.at >= swap.at: step.body["client"]["external_partner_config_id"] for step in life.steps}
    code, other = life.shop.external_partner_config_id, swap.codes[life.shop.external_partner_config_id]
    assert codes.items() <= {False: code, True: other}.items()
    by_other_code = Life("", life.shop.__class__("", other, "", ""), life.steps, masked=False)
    assert ids(listed(api, by_other_code)) == ids(listed(api, life))


def test_future_orders_are_listed_where_they_are() -> None:
    """An order dated in the future is listed at the time at which it was made."""
    api, lives = platform(Odd(future={0: "another century", 1: "local time"}))
    for life in lives:
        if api.number_of(life) in (0, 1):
            assert life.steps[0].body["sys"]["created_at"] > "2026-03-14T15"
            assert life.order_id in ids(listed(api, life))


# -- responses ---------------------------------------------------------------------------------------------------------


def test_huge_response_is_made_as_it_is_read() -> None:
    """A huge response counts what was read of it, and has no more than that in memory."""
    huge = HugeBody(b'{"orders":[]')
    answer = to_requests(Response(200, {}, b""), io.BufferedReader(huge))
    assert answer.raw.read1(20) == b'{"orders":[]        '
    assert 0 < huge.taken < 2**20 < hostile_responses.HUGE_BYTES


@pytest.mark.slow
def test_response_inflates() -> None:
    """A response of less than a megabyte inflates to hundreds of them."""
    packed = zlib.decompressobj(31)
    assert len(inflating()) < 2**20
    size = len(packed.decompress(inflating(), 2**20))
    while packed.unconsumed_tail:
        size += len(packed.decompress(packed.unconsumed_tail, 2**20))
    assert size > hostile_responses.INFLATED_BYTES


def test_response_drips() -> None:
    """A response drips, and ends with the session's patience."""
    slept: list[float] = []
    drips = DrippingBody(b"x" * 10_000, slept.append, random.Random(1), patience=40.0)
    with pytest.raises(TimeoutError):
        drips.read()
    assert 40.0 < sum(slept) < 50.0
    patient = DrippingBody(b"x" * 300, slept.append, random.Random(1), patience=400.0)
    assert patient.read() == b"x" * 300


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_response_is_compressed(encoding: str) -> None:
    """A compressed response is read as what it was."""
    packed = compressed(Response(200, {}, b'{"orders":[]}'), encoding)
    assert to_requests(packed).content == b'{"orders":[]}'
    assert packed.body != b'{"orders":[]}'
    assert encoding == "deflate" or gzip.decompress(packed.body) == b'{"orders":[]}'
