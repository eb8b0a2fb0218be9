"""Where an order event came from, as it is asked for."""

from enum import StrEnum

from partner_orders.order_events import message


class Source(StrEnum):
    """Each way in which an event can arrive."""

    WEBHOOK = message.WEBHOOK
    RECONCILIATION = message.RECONCILIATION
    REPLAY = message.REPLAY
    ANSWER = message.ANSWER
