"""One product taken off sale now: a message on the urgent queue, and what became of it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Reason
from partner_orders.clock import now, to_text
from partner_orders.exact_json import write
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.products import ProductView, product
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.progress import Progress, silent

_LOOK_AGAIN_SECONDS = 1.0
_LONGEST_START = timedelta(minutes=3)  # the function is tried again for longer
_LONGEST_WAIT = timedelta(minutes=10)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class UrgentOff:
    """A product that is to go off sale. ``version``: the time at which the operator said so."""

    store_id: str
    sku: str
    version: datetime

    @property
    def text(self) -> str:
        """The message."""
        return write({"store_id": self.store_id, "sku": self.sku, "active": False, "version": to_text(self.version)})


def off(catalogue: CatalogueStack, store_id: str, sku: str) -> UrgentOff:
    """The message for a product. Raises OperatorError for a store that is not in the catalogue or not sent, and
    NotFoundError for a product that it does not have."""
    if not settings_of(catalogue, store_id).is_sending:
        raise OperatorError(
            f"the store {store_id} is paused, so nothing of it is sent",
            f"`partner-orders catalogue resume {store_id}` ends that.",
        )
    at = now()
    message = UrgentOff(store_id, sku, at.replace(microsecond=at.microsecond // 1000 * 1000))
    try:
        urgent_change(message.text, at, at)
    except UrgentRefusedError as error:
        raise OperatorError(str(error), "Nothing was sent.") from None
    if sku not in catalogue.tables.products.many(store_id, [sku]):
        raise NotFoundError(
            f"the store {store_id} has no product {sku}", "Name it as your files do: by its SKU, with upper case kept."
        )
    return message


def send(catalogue: CatalogueStack, message: UrgentOff) -> None:
    """Put the message on the queue. Raises botocore's errors."""
    url = catalogue.output("UrgentQueueUrl")
    catalogue.client("sqs").send_message(QueueUrl=url, MessageBody=message.text)


def wait(catalogue: CatalogueStack, message: UrgentOff, progress: Progress = silent) -> ProductView:
    """The product once it is off sale by the platform's word, or cannot go off now: a guard holds it, the platform
    refused it, or your system said something newer. Raises OperatorError where nothing comes of the message."""
    begun = now()
    while True:
        row = _row(catalogue, message)
        is_taken = row is not None and row.versions.get("active", _NEVER) >= message.version
        if _is_decided(row) if row is not None and is_taken else _is_held(catalogue, message):
            return product(catalogue, message.store_id, message.sku)
        if now() - begun > (_LONGEST_WAIT if is_taken else _LONGEST_START):
            taken = "the product is noted as off sale, and the platform has not confirmed it yet"
            raise OperatorError(
                taken if is_taken else "nobody has taken the message yet",
                "It is tried again by itself. `partner-orders catalogue show` shows the product, and"
                " `partner-orders doctor` looks for the cause.",
            )
        progress("waiting for the platform" if is_taken else "waiting for the urgent function")
        time.sleep(_LOOK_AGAIN_SECONDS)


def is_off(found: ProductView) -> bool:
    """Whether the platform confirmed that a product is off sale."""
    return found.row.confirmed.active is False


def _row(catalogue: CatalogueStack, message: UrgentOff) -> Desired | None:
    return catalogue.tables.products.many(message.store_id, [message.sku]).get(message.sku)


def _is_decided(row: Desired) -> bool:
    """Whether a product that was to go off sale is off by the platform's word, refused, or wanted on sale again."""
    return row.values.active is not False or row.confirmed.active is False or row.refused.active is False


def _is_held(catalogue: CatalogueStack, message: UrgentOff) -> bool:
    return any(
        it.reason is Reason.SWITCHED_OFF and message.sku in it.lines and it.version >= message.version
        for it in catalogue.tables.held.of_store(message.store_id)
    )
