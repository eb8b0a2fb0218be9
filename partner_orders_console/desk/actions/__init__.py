"""What the desk can do, by the names that its forms use. An action that is added gets its line here."""

from partner_orders_console.desk.actions import answering, catalogue, events, orders, promotions, reconciling, stores
from partner_orders_console.desk.actions.action import Action, Question

__all__ = ["ACTIONS", "Action", "Question"]

ACTIONS: dict[str, Action] = {
    "replay-rejected": events.REPLAY,
    "discard-rejected": events.DISCARD,
    "redrive": events.REDRIVE,
    "preview-backfill": reconciling.PREVIEW,
    "run-backfill": reconciling.RUN,
    "cancel-backfill": reconciling.CANCEL,
    "pause-store": stores.PAUSE,
    "resume-store": stores.RESUME,
    "set-store": stores.SET,
    "publish-order": orders.PUBLISH,
    "send-answer": answering.SEND,
    "retry-answer": answering.RETRY,
    "pause-catalogue": catalogue.PAUSE,
    "resume-catalogue": catalogue.RESUME,
    "release-held": catalogue.RELEASE,
    "drop-held": catalogue.DROP,
    "end-promotion": promotions.END,
    "keep-promotion": promotions.KEEP,
}
