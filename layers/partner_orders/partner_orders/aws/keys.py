"""The keys of every row, and the names of the indexes (docs/data-model.md)."""

from typing import NamedTuple

ORDER = "ORDER"
EVENT = "EVENT#"
ANSWERS = "ANSWERS"
REJECTED = "REJECTED"
STORES = "STORES"
STORE = "STORE#"
ALIAS = "ALIAS#"
RESTORES = "RESTORES"
RECONCILIATION = "RECONCILIATION"
POSITION = "POSITION#"
BACKFILL = "BACKFILL#"
REPORT = "REPORT#"
ERASURES = "ERASURES"
REPAIRS = "REPAIRS"
PAUSES = "PAUSES"

# Keys-only indexes, each with its partition attribute.
BY_TIME = "by-time"
BY_EXTERNAL_ORDER_ID = "by-external-order-id"
BY_ORDER_CODE = "by-order-code"
OPEN_ORDERS = "open-orders"


class Key(NamedTuple):
    """The primary key of a row."""

    pk: str
    sk: str


def order(order_id: str) -> Key:
    return Key(order_partition(order_id), ORDER)


def order_event(order_id: str, digest: str) -> Key:
    """An event's body that has a row of its own."""
    return Key(order_partition(order_id), f"{EVENT}{digest}")


def answers(order_id: str) -> Key:
    """All answers to an order."""
    return Key(order_partition(order_id), ANSWERS)


def order_partition(order_id: str) -> str:
    return f"ORDER#{order_id}"


def order_id_of(pk: str) -> str:
    return pk.removeprefix("ORDER#")


def rejected(digest: str) -> Key:
    return Key(f"REJECTED#{digest}", REJECTED)


def rejected_digest_of(pk: str) -> str:
    return pk.removeprefix("REJECTED#")


def store(store_id: str) -> Key:
    return Key(STORES, f"{STORE}{store_id}")


def alias(code: str) -> Key:
    """The chain's own code of a store; the row names the store."""
    return Key(STORES, f"{ALIAS}{code}")


def position(store_id: str) -> Key:
    return Key(RECONCILIATION, f"{POSITION}{store_id}")


def backfill(backfill_id: str) -> Key:
    return Key(RECONCILIATION, f"{BACKFILL}{backfill_id}")


def report(started_at: str) -> Key:
    return Key(RECONCILIATION, f"{REPORT}{started_at}")


def lease() -> Key:
    return Key(RECONCILIATION, "LEASE")


def restore(number: int) -> Key:
    """A restore of the table to a point in time: the first is 1."""
    return Key(RESTORES, f"{number:06d}")


def erasure(erasure_id: str) -> Key:
    return Key(ERASURES, erasure_id)


def repair(when: str) -> Key:
    """What `doctor --fix` mended, by the time at which it did."""
    return Key(REPAIRS, when)


def pause(what: str) -> Key:
    """What an operator paused on purpose."""
    return Key(PAUSES, what)
