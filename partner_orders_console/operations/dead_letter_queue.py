"""The names of the dead-letter queues."""

from enum import StrEnum


class Queue(StrEnum):
    """The stack's dead-letter queues."""

    ORDER_EVENTS = "order-events"
    PUBLISHER = "publisher"
    RECONCILIATION = "reconciliation"
    ANSWERS = "answers"
