"""Rules 1 to 5 of the design, as far as the domain alone carries them."""

from itertools import permutations
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.exact_json import parse
from partner_orders.orders import lifecycle
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.history import MergedOrder, merge
from tests.support.lives import bodies, histories, numbers_spelled_twice, rewritten
from tests.support.orders import as_bytes, order

LEFT = {"DISPATCHED", "PICKED_UP", "DELIVERED"}
FINAL = {"CANCELLED", "PICKED_UP", "DELIVERED"}
IDENTIFIERS = [
    *(("order_id",), ("external_order_id",), ("order_code",), ("status",)),
    *(("client", name) for name in ("id", "chain_id", "store_id", "external_partner_config_id")),
]


def seen_as(merged: MergedOrder) -> tuple[Any, ...]:
    return merged.snapshot.digest, frozenset(merged.events), merged.sale, merged.disputed, merged.conflicts


@given(histories(), st.randoms(use_true_random=False))
def test_convergence_of_any_order_of_arrival(events: list[OrderEvent], chance: Any) -> None:
    """Convergence: any order of arrival gives the same order."""
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert seen_as(merge(shuffled)) == seen_as(merge(events))


@given(histories(max_size=4))
def test_convergence_of_every_permutation(events: list[OrderEvent]) -> None:
    """Convergence: every permutation of a short history gives the same order."""
    distinct = list(merge(events).events.values())
    assert len({seen_as(merge(arrangement)) for arrangement in permutations(distinct)}) == 1


@given(histories())
def test_convergence_of_repeated_events(events: list[OrderEvent]) -> None:
    """Convergence: repeated events change nothing."""
    assert seen_as(merge(events + events)) == seen_as(merge(events))


@given(histories(), histories(), histories())
def test_convergence_of_any_grouping(one: list[OrderEvent], two: list[OrderEvent], three: list[OrderEvent]) -> None:
    """Convergence: batches may be merged in any grouping."""
    left = merge([*merge(one + two).events.values(), *three])
    right = merge([*one, *merge(two + three).events.values()])
    assert seen_as(left) == seen_as(right)


@given(histories())
def test_nothing_lost_from_the_history(events: list[OrderEvent]) -> None:
    """Nothing lost: every distinct event stays in the history."""
    assert set(merge(events).events) == {event.digest for event in events}


@given(histories())
def test_latest_true_state_keeps_final(events: list[OrderEvent]) -> None:
    """Latest true state: a final status is never undone."""
    if any(event.status in FINAL for event in events):
        assert merge(events).snapshot.status in FINAL


@given(histories())
def test_latest_true_state_follows_the_clock(events: list[OrderEvent]) -> None:
    """Latest true state: no event of the same finality is later by the platform's clock."""
    snapshot = merge(events).snapshot
    for event in events:
        if (event.status in FINAL) == (snapshot.status in FINAL) and event.occurred_at is not None:
            assert snapshot.occurred_at is not None
            assert snapshot.occurred_at >= event.occurred_at


@example(
    [
        parse_event(as_bytes(order(12, status="RECEIVED", extra="more"))),
        parse_event(as_bytes(order(12, status="ACCEPTED"))),
    ]
)
@given(histories())
def test_latest_true_state_ranks_equal_times(events: list[OrderEvent]) -> None:
    """Latest true state: of events at one time, the status further on is shown."""
    way = ["RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED"]
    snapshot = merge(events).snapshot
    for event in events:
        if event.occurred_at == snapshot.occurred_at and {event.status, snapshot.status} <= {*way}:
            assert way.index(event.status) <= way.index(snapshot.status)


@given(bodies())
def test_latest_true_state_prefers_unmasked(body: dict[str, Any]) -> None:
    """Latest true state: a masked copy never hides a full one."""
    full = body | {"customer": {"first_name": "Amna", "phone_number": "+92300123441"}}
    masked = body | {"customer": {"first_name": "A**", "phone_number": "+92*******41"}}
    merged = merge([parse_event(as_bytes(masked)), parse_event(as_bytes(full))])
    assert merged.snapshot.body == as_bytes(full)
    assert merged.conflicts == 1


@given(histories())
def test_sale_stays_a_sale(events: list[OrderEvent]) -> None:
    """A sale stays a sale: whether an order is one follows the written rule."""
    merged = merge(events)
    snapshot: Any = parse(merged.snapshot.body)
    status = snapshot["status"].upper()
    cancellation = snapshot.get("cancellation")
    said = cancellation.get("post_picked_up") if isinstance(cancellation, dict) else None
    left = any(event.status in LEFT for event in events)
    expected = {
        True: ("yes", False) if status in LEFT else ("not_yet_known", False),
        False: ("yes" if said or (said is None and left) else "no", said is None),
    }[status != "CANCELLED"]
    assert (merged.sale, merged.disputed) == expected


@given(bodies())
def test_open_to_the_unknown_keeps_the_body(body: dict[str, Any]) -> None:
    """Open to the unknown: the body is stored as it came, and unknown statuses are recognized."""
    event = parse_event(as_bytes(body))
    assert event.body == as_bytes(body)
    assert lifecycle.is_known(event.status) == (body["status"].upper() not in {"UPDATE_CART", "HANDED_TO_DRONE"})


@example({name: value for name, value in order().items() if name not in {"accepted_for", "external_order_id"}})
@given(bodies())
def test_rewritten_event_has_the_same_digest(body: dict[str, Any]) -> None:
    """The same event in other words has the same digest."""
    one, other = parse_event(as_bytes(body)), parse_event(as_bytes(rewritten(body)))
    assert one.snapshot_key == other.snapshot_key


@example(order(), ("order_id",), (f"-{'9' * 93}e-192", f"-9.{'9' * 92}e-100"))
@given(bodies(), st.sampled_from(IDENTIFIERS), numbers_spelled_twice())
def test_convergence_of_number_identifiers(
    body: dict[str, Any], place: tuple[str, ...], spellings: tuple[str, str]
) -> None:
    """Convergence: an identifier that is a number is read by its value."""
    text = as_bytes(identified_by(body, place, "spelled here"))
    one, other = (parse_event(text.replace(b'"spelled here"', spelling.encode())) for spelling in spellings)
    assert one.digest == other.digest
    assert one.order == other.order


@given(bodies(), st.sampled_from(IDENTIFIERS), st.booleans())
def test_boolean_is_not_an_identifier(body: dict[str, Any], place: tuple[str, ...], value: bool) -> None:
    """A boolean is rejected as an identifier."""
    wrong = as_bytes(identified_by(body, place, value))
    if place in (("order_id",), ("status",)):
        assert "valid string" in said_of(wrong)
    else:
        assert ".".join(place) in parse_event(wrong).problems


@given(bodies(), st.sampled_from(["sub_total", "order_total", "delivery_fee"]))
def test_other_amount_is_another_event(body: dict[str, Any], field: str) -> None:
    """Another amount makes another event."""
    changed = body | {"payment": body["payment"] | {field: 1234.5}}
    assert parse_event(as_bytes(body)).digest != parse_event(as_bytes(changed)).digest


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_rejected(body: bytes) -> None:
    """Any bytes are parsed or rejected."""
    try:
        parse_event(body)
    except (RejectedError, CatalogueCallbackError):
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["client", "customer", "items", "payment", "sys", "status", "order_id", "cancellation", "comment"]
)


@given(bodies(), FIELDS, JSON)
def test_any_value_is_parsed_or_rejected(body: dict[str, Any], field: str, value: Any) -> None:
    """Any value in any field is parsed, or rejected without being quoted."""
    marked = body | {field: [{"marked-4711": value}, "marked-4711", value]}
    for candidate in (body | {field: value}, marked):
        assert "marked-4711" not in said_of(as_bytes(candidate))


def identified_by(body: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The body with another identifier in a place of it."""
    *parts, name = place
    holder = body
    for part in parts:
        holder = holder[part]
    holder[name] = value
    return body


def said_of(body: bytes) -> str:
    """What a refusal of the body says; nothing if it is understood."""
    try:
        parse_event(body)
    except (RejectedError, CatalogueCallbackError) as refusal:
        return str(refusal)
    return ""
