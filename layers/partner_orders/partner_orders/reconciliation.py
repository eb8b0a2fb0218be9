"""Reconciliation: ask the platform what we should have, compare, and queue what is missing or different.

It never writes an order: what it finds goes on the same queue as what the webhook gets. An order is in step with the
platform when the digest just observed is among the digests we have of it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import Clock, to_text
from partner_orders.event import CatalogueCallbackError, RejectedError, understand_object
from partner_orders.json_text import Json, write
from partner_orders.message import RECONCILIATION, OrderEventMessage
from partner_orders.order import parse_instant
from partner_orders.order_events_queue import OrderEventsQueue
from partner_orders.orders_table import OrdersTable
from partner_orders.partner_api import PartnerApi, PartnerApiError
from partner_orders.rejected_table import RejectedTable, digest_of
from partner_orders.stores_table import Store, StoresTable

# What the platform gives back at most (contract 4.2).
PLATFORM_DAYS = 60
DEFAULT_WINDOW = timedelta(hours=24)
# The platform's clock and ours may differ; orders of the next minutes cannot be missed by asking for them.
AHEAD = timedelta(minutes=5)
LAST_START_SECONDS = 30.0


class InvalidRequestError(ValueError):
    """The event that invoked the reconciler is not one it takes; the message says what to change."""


@dataclass(frozen=True)
class Request:
    """The window to reconcile, from ``start`` to ``end`` (UTC); all stores if ``stores`` is empty."""

    start: datetime
    end: datetime
    stores: tuple[str, ...]
    preview: bool

    @classmethod
    def from_event(cls, event: dict[str, Any], now: datetime) -> "Request":
        """From ``{"from", "to", "stores", "preview"}``, all optional; a schedule's event has none of them.

        Raises InvalidRequestError.
        """
        end = _instant(event, "to", now + AHEAD)
        start = _instant(event, "from", min(end, now) - DEFAULT_WINDOW)
        stores, preview = event.get("stores") or [], event.get("preview", False)
        if start >= end:
            raise InvalidRequestError('"from" should be before "to"')
        if start < now - timedelta(days=PLATFORM_DAYS):
            raise InvalidRequestError(
                f'"from" should be within the last {PLATFORM_DAYS} days: the platform has no more'
            )
        if not isinstance(stores, list) or not all(isinstance(store, str) and store for store in stores):
            raise InvalidRequestError('"stores" should be a list of store ids')
        if not isinstance(preview, bool):
            raise InvalidRequestError('"preview" should be true or false')
        return cls(start, min(end, now + AHEAD), tuple(stores), preview)


@dataclass
class Report:
    """What a run checked, found and could not check. Store ids only; nothing of an order's content."""

    start: datetime
    end: datetime
    preview: bool
    counts: Counter[str] = field(default_factory=Counter)
    failed_stores: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        names = ("stores_checked", "orders_checked", "in_step", "missing", "different", "not_understood", "enqueued")
        return {
            "from": to_text(self.start),
            "to": to_text(self.end),
            "preview": self.preview,
            **{name: self.counts[name] for name in names},
            "failed_stores": self.failed_stores,
        }


class Reconciler:
    def __init__(
        self,
        api: PartnerApi,
        orders: OrdersTable,
        stores: StoresTable,
        rejected: RejectedTable,
        queue: OrderEventsQueue,
        clock: Clock,
    ) -> None:
        self._api = api
        self._orders = orders
        self._stores = stores
        self._rejected = rejected
        self._queue = queue
        self._clock = clock

    def run(self, request: Request, correlation_id: str, remaining_seconds: Callable[[], float]) -> Report:
        """Reconcile every store of the request; one that fails is named in the report, and the others go on."""
        report = Report(request.start, request.end, request.preview)
        stores = self._stores.all()
        if request.stores:
            known = {name: store for store in stores for name in (store.store_id, store.external_partner_config_id)}
            report.failed_stores |= {name: "not_registered" for name in request.stores if name not in known}
            stores = list({known[name].store_id: known[name] for name in request.stores if name in known}.values())
        stopped = ""
        for store in stores:
            if not stopped and remaining_seconds() < LAST_START_SECONDS:
                stopped = "out_of_time"
            if stopped:
                report.failed_stores[store.store_id] = stopped
                continue
            try:
                self._check(store, request, correlation_id, report, remaining_seconds)
                report.counts["stores_checked"] += 1
            except PartnerApiError as error:
                report.failed_stores[store.store_id] = error.kind
                stopped = error.kind if error.everywhere else ""
            except Exception as error:
                report.failed_stores[store.store_id] = type(error).__name__
        return report

    def _check(
        self,
        store: Store,
        request: Request,
        correlation_id: str,
        report: Report,
        remaining_seconds: Callable[[], float],
    ) -> None:
        # Either id is said to work in a path (contract 1), so the other is tried where one is not found.
        names = [name for name in (store.store_id, store.external_partner_config_id) if name]
        for last, name in enumerate(names, start=1 - len(names)):
            try:
                for page in self._api.orders(name, request.start, request.end, lambda: remaining_seconds() - 10.0):
                    self._compare(page, request.preview, correlation_id, report)
                return
            except PartnerApiError as error:
                if error.kind != "not_found" or last == 0:
                    raise

    def _compare(self, page: list[Json], preview: bool, correlation_id: str, report: Report) -> None:
        """Queue what is missing or different of one page."""
        bodies: list[bytes] = []
        digests: dict[str, tuple[str, bytes]] = {}
        for order in page:
            body = write(order).encode("ascii")
            try:
                event = understand_object(order, body)
            except (RejectedError, CatalogueCallbackError):
                # The consumer says why; once it has, the rejected row keeps us from asking again.
                if self._rejected.get(digest_of(body)) is None:
                    report.counts["not_understood"] += 1
                    bodies.append(body)
                continue
            digests[event.order_id] = (event.digest, body)
        known = self._orders.known_digests(digests)
        for order_id, (digest, body) in digests.items():
            if digest in known.get(order_id, ()):
                report.counts["in_step"] += 1
                continue
            report.counts["different" if order_id in known else "missing"] += 1
            bodies.append(body)
        report.counts["orders_checked"] += len(page)
        if bodies and not preview:
            received_at = self._clock()
            self._queue.send_all(
                [OrderEventMessage(RECONCILIATION, received_at, correlation_id, body) for body in bodies]
            )
            report.counts["enqueued"] += len(bodies)


def _instant(event: dict[str, Any], name: str, default: datetime) -> datetime:
    if event.get(name) is None:
        return default
    try:
        return parse_instant(event[name])
    except (AttributeError, TypeError, ValueError):
        raise InvalidRequestError(f'"{name}" should be a time in ISO 8601, such as 2026-03-14T08:00:00Z') from None
