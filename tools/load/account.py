"""What became of every event of a load test: each is in the table, or given up by the sender, or lost."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from partner_orders.orders.stored import StoredOrder
from tools.load.posting import Posted
from tools.load.subscriber import Heard
from tools.load.timetable import Body, Request

MOST_LISTED = 20


@dataclass
class Account:
    """``events`` are distinct events and bodies of garbage: the sum of ``stored``, ``rejected``, ``given_up`` (never
    acknowledged, and not stored) and ``lost``. ``changes`` are those that the table has of the orders: the sum of
    ``published`` and ``unpublished``. ``published_again`` counts further deliveries of the bus, which promises each at
    least once. ``wrong`` are orders whose state is not that of their latest event. ``faults`` says what is wrong."""

    requests: int = 0
    events: int = 0
    stored: int = 0
    rejected: int = 0
    given_up: int = 0
    lost: int = 0
    orders: int = 0
    wrong: int = 0
    changes: int = 0
    published: int = 0
    unpublished: int = 0
    published_again: int = 0
    faults: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        if len(self.faults) < MOST_LISTED:
            self.faults.append(what)

    @property
    def is_clean(self) -> bool:
        """Whether every event that was acknowledged is where it belongs, and every change came."""
        return not (self.lost or self.wrong or self.unpublished) and self.adds_up

    @property
    def adds_up(self) -> bool:
        return (
            self.events == self.stored + self.rejected + self.given_up + self.lost
            and self.changes == self.published + self.unpublished
        )

    def line(self) -> str:
        """The result for programs."""
        counts = ("requests", "events", "stored", "rejected", "given_up", "lost", "orders", "wrong", "changes")
        names = (*counts, "published", "unpublished", "published_again")
        return "load: " + " ".join(f"{name}={getattr(self, name)}" for name in names)


def account(
    timetable: Sequence[Request],
    posted: Posted,
    orders: Iterable[StoredOrder],
    rejected: Container[str],
    heard: Heard,
) -> Account:
    """Compare what was posted with what the table and the bus have. ``orders`` are those of the timetable that are
    stored, ``rejected`` the digests of the rejected events."""
    found = Account(requests=len(timetable))
    of_order: dict[str, dict[str, Body]] = {}
    for body in {request.body.digest: request.body for request in timetable}.values():
        found.events += 1
        if body.order_id:
            of_order.setdefault(body.order_id, {})[body.digest] = body
        else:
            _count_garbage(found, body, posted, body.digest in rejected, heard)
    found.orders = len(of_order)
    stored = {order.order_id: order for order in orders}
    for order_id, bodies in of_order.items():
        order = stored.get(order_id)
        _count_events(found, bodies, posted, order)
        if order:
            _check_state(found, bodies, posted, order)
            _count_changes(found, order, heard)
    return found


def _count_garbage(found: Account, body: Body, posted: Posted, is_rejected: bool, heard: Heard) -> None:
    if is_rejected:
        found.rejected += 1
        found.changes += 1
        times = heard.rejected[body.digest]
        _count_change(found, times, f"rejected event {body.digest}")
    else:
        _count_missing(found, body, posted)


def _count_events(found: Account, bodies: dict[str, Body], posted: Posted, order: StoredOrder | None) -> None:
    digests = [entry.digest for entry in order.history] if order else []
    for digest, body in bodies.items():
        if digests.count(digest) == 1:
            found.stored += 1
        else:
            _count_missing(found, body, posted)
    for strange in {*digests} - bodies.keys():
        found.wrong += 1
        found.fault(f"order {order and order.order_id}: event {strange} was never posted")


def _count_missing(found: Account, body: Body, posted: Posted) -> None:
    if posted.acknowledged[body.digest]:
        found.lost += 1
        found.fault(f"order {body.order_id or '-'}: event {body.digest} got a 2xx and is not stored")
    else:
        found.given_up += 1


def _check_state(found: Account, bodies: dict[str, Body], posted: Posted, order: StoredOrder) -> None:
    latest = next((body for body in bodies.values() if body.is_latest), None)
    if latest and posted.acknowledged[latest.digest] and order.snapshot.digest != latest.digest:
        found.wrong += 1
        found.fault(f"order {order.order_id}: its state is that of {order.snapshot.digest}, not of {latest.digest}")


def _count_changes(found: Account, order: StoredOrder, heard: Heard) -> None:
    sequences = heard.sequences.get(order.order_id, Counter())
    found.changes += order.sequence
    for sequence in range(1, order.sequence + 1):
        _count_change(found, sequences[sequence], f"order {order.order_id}: change {sequence}")


def _count_change(found: Account, times: int, what: str) -> None:
    if times:
        found.published += 1
        found.published_again += times - 1
    else:
        found.unpublished += 1
        found.fault(f"{what} never came on the bus")
