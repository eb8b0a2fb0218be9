"""What somebody paused on purpose: stores, and the consumer. A pause is no fault, and nothing reverses it unasked."""

from collections.abc import Iterator

from partner_orders_console.operations.consumer_pause import present_pause
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_pause import paused_among


def paused_consumer(stack: DeployedStack) -> Iterator[Finding]:
    """Name a deliberate pause of the consumer."""
    if pause := present_pause(stack):
        yield Finding("paused consumer", note=f"{pause}; `partner-orders consumer resume` ends it", is_pause=True)


def paused_stores(stack: DeployedStack) -> Iterator[Finding]:
    """Name the stores that are not reconciled, as an operator paused them."""
    if note := paused_among(stack.stores.all()):
        yield Finding("paused stores", note=note, is_pause=True)
