"""The dead-letter queues: their names, and the outputs of the stacks that say where they are."""

from enum import StrEnum


class Queue(StrEnum):
    """The dead-letter queues of a stack, and of the catalogue beside it."""

    ORDER_EVENTS = "order-events"
    PUBLISHER = "publisher"
    RECONCILIATION = "reconciliation"
    ANSWERS = "answers"
    FILES = "files"
    CALLBACKS = "callbacks"
    URGENT = "urgent"


OUTPUTS = {
    Queue.ORDER_EVENTS: "OrderEventsDeadLettersUrl",
    Queue.PUBLISHER: "PublisherDeadLettersUrl",
    Queue.RECONCILIATION: "ReconciliationDeadLettersUrl",
    Queue.ANSWERS: "AnswersDeadLettersUrl",
}
# Outputs of the catalogue's stack: the dead-letter queue, and the queue that its messages come from.
CATALOGUE_OUTPUTS = {
    Queue.FILES: ("FilesDeadLettersUrl", "FilesQueueUrl"),
    Queue.CALLBACKS: ("CallbacksDeadLettersUrl", "CallbacksQueueUrl"),
    Queue.URGENT: ("UrgentDeadLettersUrl", "UrgentQueueUrl"),
}
