"""An erasure, row by row: what concerns a customer, and what is left of it."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.update import Update
from partner_orders.clock import to_text
from partner_orders.exact_json import Json
from partner_orders.orders import table
from partner_orders.orders.erasure import MAX_TRIES, Erasure, is_behind
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.plan import history_entry
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import ContendedError, OrdersTable
from tests.support.contracts import stale_orders_table
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import LARGE, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE, Calls

pytestmark = pytest.mark.privacy

ARRIVAL = Arrival("webhook", NOW, "correlation-1")
NUMBER = b"300123441"
# All that is left of the object that a packed body holds; nothing in it is about a person.
BARE = b'{"order_id":"a","status":"RECEIVED"}'


def is_theirs(value: Json) -> bool:
    return isinstance(value, dict) and value.get("customer") == order()["customer"]


def erasure_in(client: Any) -> Erasure:
    return Erasure(client, TABLE, is_theirs, clock, lambda body: NUMBER in body)


@pytest.fixture
def erasure(dynamodb: Any) -> Erasure:
    return erasure_in(dynamodb)


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, **({"order_id": "a"} | fields))))


def entry(one: OrderEvent, body: bytes | None, is_redacted: bool) -> Row:
    return history_entry(one, ARRIVAL, None if body is None else pack(body), is_redacted)


def rows(dynamodb: Any) -> dict[str, Row]:
    """Every row of the table, by its sort key."""
    return {row["sk"]: row for row in map(from_attributes, dynamodb.scan(TableName=TABLE)["Items"])}


# -- what concerns the customer -----------------------------------------------------------------------------------

OTHERS = as_bytes(order(customer={"first_name": "Zara"}))
THEIRS = as_bytes(order())
NAMED_IN_COMMENT = as_bytes(order(customer=None, comment="call +92 300123441"))
NAMED_IN_ARTICLES = as_bytes(order(customer=None, items=[{"_id": "1", "sku": "300123441"}]))


@pytest.mark.parametrize(
    ("packed", "concerns"),
    [
        (pack(THEIRS), True),
        (pack(OTHERS), False),
        (pack(NAMED_IN_COMMENT), True),
        (pack(NAMED_IN_ARTICLES), False),
        (pack(b"[300123441]"), False),
        (pack(b"300123441, cut"), False),
        (b"of another version 300123441", False),
    ],
    ids=["theirs", "others", "comment", "articles", "no object", "no JSON", "not packed"],
)
def test_order_that_concerns_them(erasure: Erasure, packed: bytes, concerns: bool) -> None:
    """An order concerns a customer who is its customer, or whom its personal part names: in any of its bodies."""
    key = {"pk": "ORDER#a", "sk": "ORDER"}
    assert erasure.concerns(key | {"e#1": {"body": pack(OTHERS)}, "e#2": {"body": packed}, "e#3": {}}) is concerns
    assert erasure.concerns({"pk": "ORDER#a", "sk": "EVENT#1", "body": packed}) is concerns
    assert not erasure.concerns(key)


@pytest.mark.parametrize(
    ("packed", "concerns"),
    [
        (pack(THEIRS), True),
        (pack(b"300123441, cut"), True),
        (pack(NAMED_IN_ARTICLES), True),
        (pack(b"cut"), False),
        (b"of another version 300123441", False),
    ],
    ids=["theirs", "no JSON", "articles", "nothing", "not packed"],
)
def test_rejected_event_that_concerns_them(erasure: Erasure, packed: bytes, concerns: bool) -> None:
    """A rejected event concerns a customer whom it names anywhere, since nothing says what it means."""
    assert erasure.concerns({"pk": "REJECTED#1", "sk": "REJECTED", "body": packed}) is concerns


def test_other_rows_concern_nobody(erasure: Erasure) -> None:
    """A row without a body concerns no customer."""
    assert not erasure.concerns({"pk": "STORES", "sk": "STORE#q7xk", "name": "300123441"})


# -- orders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def events(orders: OrdersTable, monkeypatch: pytest.MonkeyPatch) -> list[OrderEvent]:
    """An order: two entries with rows of their own, then one whose body has one, and the snapshot. Nothing of the
    second event is personal."""
    events = [event(12), parse_event(BARE), event(13, **LARGE), event(14, status="DELIVERED")]
    monkeypatch.setattr(table, "MAX_ENTRIES", 2)
    monkeypatch.setattr(table, "MAX_MOVED", 2)
    orders.write([(one, ARRIVAL) for one in (events[0], events[1], events[3])])
    orders.write([(events[2], ARRIVAL)])
    return events


def test_order_is_erased_whole(erasure: Erasure, dynamodb: Any, events: list[OrderEvent]) -> None:
    """Every body of an order is redacted and every event marked; the rest of each row stays."""
    before = rows(dynamodb)
    left = [redacted(one.body) for one in events]
    assert erasure.erase_order("a") == 3
    after = rows(dynamodb)
    assert after.pop("ORDER") == before.pop("ORDER") | {
        "erased_at": to_text(NOW),
        "version": 4,
        "body_bytes": len(pack(left[3])),
        f"e#{events[2].digest}": entry(events[2], None, is_redacted=True),
        f"e#{events[3].digest}": entry(events[3], left[3], is_redacted=True),
    }
    names = [keys.order_event("a", one.digest).sk for one in events[:3]]
    assert after == {
        names[0]: before[names[0]] | entry(events[0], left[0], is_redacted=True),
        names[1]: before[names[1]] | {"redacted": True},
        names[2]: before[names[2]] | {"body": pack(left[2])},
    }


def test_second_erasure_writes_nothing(erasure: Erasure, dynamodb: Any, events: list[OrderEvent]) -> None:
    """An order that is erased already is read once more, and nothing of it is written."""
    assert erasure.erase_order(events[0].order_id) == 3
    calls = Calls(dynamodb)
    assert erasure.erase_order(events[0].order_id) == 0
    assert calls.made == ["GetItem", "Query"]


@pytest.mark.parametrize("done", range(4))
def test_interrupted_erasure_is_completed(erasure: Erasure, dynamodb: Any, events: list[OrderEvent], done: int) -> None:
    """An erasure that is killed between any two of its writes is completed by the next one."""
    left = done

    def kill(**_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    for operation in ("PutItem", "UpdateItem"):
        dynamodb.meta.events.register(f"before-call.dynamodb.{operation}", kill)
    with pytest.raises(KeyboardInterrupt):
        erasure.erase_order("a")
    left = 100
    erasure.erase_order("a")
    found = rows(dynamodb)
    row = found.pop("ORDER")
    assert [unpack(found[keys.order_event("a", one.digest).sk]["body"]) for one in events[:3]] == [
        redacted(one.body) for one in events[:3]
    ]
    assert (row["erased_at"], erasure.concerns(row)) == (to_text(NOW), False)


def test_bodies_just_written_are_erased() -> None:
    """A body that was written a moment ago in a row of its own is found and erased, too."""
    client = stale_orders_table()
    large = event(12, **LARGE)
    OrdersTable(client, TABLE, RETENTION).write([(large, ARRIVAL)])
    assert erasure_in(client).erase_order("a") == 1
    assert unpack(rows(client)[keys.order_event("a", large.digest).sk]["body"]) == redacted(large.body)


def test_answers_stay(erasure: Erasure, orders: OrdersTable, dynamodb: Any) -> None:
    """The answers to an order are no events, and stay as they are."""
    orders.write([(event(12), ARRIVAL)])
    Table(dynamodb, TABLE).put(keys.answers("a"), {"schema_version": 1})
    erasure.erase_order("a")
    assert rows(dynamodb)["ANSWERS"] == {"pk": "ORDER#a", "sk": "ANSWERS", "schema_version": 1}


def test_unknown_order_is_left_alone(erasure: Erasure, dynamodb: Any) -> None:
    """Nothing is stored of an order that is not there."""
    assert erasure.erase_order("a") == 0
    assert rows(dynamodb) == {}


@pytest.mark.parametrize("is_inline", [True, False])
def test_what_an_earlier_version_left(orders: OrdersTable, dynamodb: Any, erasure: Erasure, is_inline: bool) -> None:
    """Of an order that was erased before, what that version left goes, and the time of the erasure stays."""
    one = event(12, **({} if is_inline else LARGE))
    orders.write([(one, ARRIVAL)])
    erasure.erase_order("a")
    erased = rows(dynamodb)
    key, left = keys.order_event("a", one.digest), Update().set("body", pack(one.body))
    if is_inline:
        key, left = keys.order("a"), Update().set_in((f"e#{one.digest}", "body"), pack(one.body))
    Table(dynamodb, TABLE).update(key, left)
    later = Erasure(dynamodb, TABLE, is_theirs, lambda: NOW + timedelta(days=1))
    assert later.erase_order("a") == 1
    if is_inline:
        erased["ORDER"]["version"] += 1
    assert rows(dynamodb) == erased


def test_body_that_expires_meanwhile(erasure: Erasure, dynamodb: Any, events: list[OrderEvent]) -> None:
    """A row that expires while the order is erased does not come back, and the others are erased."""
    gone, *others = (keys.order_event("a", one.digest) for one in events[:3])

    def expire(params: dict[str, Any], **_: Any) -> None:
        if params["Key"]["sk"]["S"] == gone.sk:
            Table(dynamodb, TABLE).delete(gone)

    dynamodb.meta.events.register("provide-client-params.dynamodb.UpdateItem", expire)
    assert erasure.erase_order("a") == 2
    assert rows(dynamodb).keys() == {"ORDER", *(key.sk for key in others)}
    assert not any(erasure.concerns(row) for row in rows(dynamodb).values())


def test_erasure_that_never_wins(erasure: Erasure, orders: OrdersTable, dynamodb: Any) -> None:
    """An erasure that is overtaken again and again ends with an error that says so, and is tried twelve times."""
    orders.write([(event(12), ARRIVAL)])

    def overtake(**_: Any) -> None:
        orders.publish_again("a")

    calls = Calls(dynamodb)
    dynamodb.meta.events.register("before-call.dynamodb.PutItem", overtake)
    with pytest.raises(ContendedError, match=r"^concurrent writes of an order won every time$"):
        erasure.erase_order("a")
    assert calls.made.count("PutItem") == MAX_TRIES == 12


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"e#1": {"body": pack(THEIRS)}}, False),
        ({"erased_at": "", "e#1": {"body": pack(redacted(THEIRS))}}, False),
        ({"erased_at": "", "e#1": {"body": pack(redacted(THEIRS))}, "e#2": {}}, True),
        ({"erased_at": "", "e#1": {"body": pack(redacted(THEIRS))}, "e#2": {"body": pack(THEIRS)}}, True),
        ({"erased_at": "", "body": pack(THEIRS)}, True),
        ({"erased_at": "", "body": pack(b"")}, False),
        ({"erased_at": "", "body": b"of another version"}, False),
    ],
    ids=["not erased", "erased", "a row of its own", "one body", "rejected", "nothing left", "not packed"],
)
def test_row_of_an_earlier_erasure(row: Row, expected: bool) -> None:
    """A row is behind if it was erased and more of it would be erased today, or may be in rows of its own."""
    assert is_behind(row) is expected


# -- rejected events ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (THEIRS, redacted(THEIRS)),
        (as_bytes(order(status="")), redacted(as_bytes(order(status="")))),
        (NAMED_IN_ARTICLES, b""),
        (b"[300123441]", b"{}"),
        (b"300123441, cut", b""),
    ],
    ids=["an object", "no order", "names them even so", "no object", "no JSON"],
)
def test_rejected_event_is_erased(
    erasure: Erasure, rejected: RejectedTable, dynamodb: Any, body: bytes, left: bytes
) -> None:
    """Of a rejected event its figures are left, but nothing where it cannot be read or names the customer even so."""
    rejected.keep(body, ARRIVAL, "not_an_order", [])
    [before] = rows(dynamodb).values()
    erasure.erase_rejected(digest_of(body))
    erased = before | {"body": pack(left), "erased_at": to_text(NOW)}
    assert [*rows(dynamodb).values()] == [erased]
    Erasure(dynamodb, TABLE, is_theirs, lambda: NOW + timedelta(days=1)).erase_rejected(digest_of(body))
    assert [*rows(dynamodb).values()] == [erased]


def test_unreadable_rejected_event_is_erased(erasure: Erasure, rejected: RejectedTable, dynamodb: Any) -> None:
    """Nothing is left of a rejected event whose body nothing can unpack."""
    rejected.keep(THEIRS, ARRIVAL, "not_an_order", [])
    digest = digest_of(THEIRS)
    Table(dynamodb, TABLE).update(keys.rejected(digest), Update().set("body", b"of another version"))
    erasure.erase_rejected(digest)
    assert unpack(rows(dynamodb)["REJECTED"]["body"]) == b""


@pytest.mark.parametrize("is_there", [False, True])
def test_rejected_event_that_is_discarded(
    erasure: Erasure, rejected: RejectedTable, dynamodb: Any, is_there: bool
) -> None:
    """A rejected event that is discarded, before or while it is erased, does not come back."""
    digest = digest_of(THEIRS)
    if is_there:
        rejected.keep(THEIRS, ARRIVAL, "not_an_order", [])
        dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", lambda **_: rejected.discard(digest))
    erasure.erase_rejected(digest)
    assert rows(dynamodb) == {}
