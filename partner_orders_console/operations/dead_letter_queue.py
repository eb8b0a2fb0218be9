"""The dead-letter queues: their names, and the outputs of the stack that say where they are."""

from enum import StrEnum


class Queue(StrEnum):
    """The stack's dead-letter queues."""

    ORDER_EVENTS = "order-events"
    PUBLISHER = "publisher"
    RECONCILIATION = "reconciliation"
    ANSWERS = "answers"


OUTPUTS = {
    Queue.ORDER_EVENTS: "OrderEventsDeadLettersUrl",
    Queue.PUBLISHER: "PublisherDeadLettersUrl",
    Queue.RECONCILIATION: "ReconciliationDeadLettersUrl",
    Queue.ANSWERS: "AnswersDeadLettersUrl",
}
