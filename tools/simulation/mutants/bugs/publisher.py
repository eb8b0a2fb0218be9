"""Planted bugs in how the changes of orders are published."""

from tools.simulation.mutants.bugs.complaints import UNREAD
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/publisher"
_PUBLISHER = f"{_PART}/publish.py"
_CHANGE = f"{_PART}/change_event.py"
_BUS = "layers/partner_orders/partner_orders/aws/event_bus.py"
_HANDLER = f"{_PART}/handler.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "a-refused-entry-is-published",
        "What the bus refuses of a request is not noticed.",
        _BUS,
        "EventBus._put",
        'codes = [entry.get("ErrorCode") for entry in answer["Entries"]]',
        'codes: list[str | None] = [None for _ in answer["Entries"]]',
        UNREAD,
    ),
    one_edit(
        "pass-a-change-that-waits",
        "A change that waits is passed by the later ones of its order.",
        _PUBLISHER,
        "Publisher._round",
        "                    self._hold(waiting.pop(pk), code, published)\n",
        "                    self._hold(deque([waiting[pk][0]]), code, published)\n"
        "                    _done(pk, waiting)\n",
    ),
    one_edit(
        "rewrites-are-changes",
        "What moves or erases bodies is published as a change.",
        _PUBLISHER,
        "Publisher._of_order",
        "before.sequence == after.sequence",
        "before.version == after.version",
    ),
    one_edit(
        "an-id-of-its-own-each-time",
        "A change that is delivered again has another id.",
        _CHANGE,
        "order_changed",
        '"id": f"{after.order_id}/{after.sequence}"',
        '"id": f"{after.order_id}/{after.version}"',
    ),
    one_edit(
        "done-until-the-last-that-is-held",
        "Of what the stream has to bring again, only the last change is named.",
        _HANDLER,
        "handler",
        "for number in published.held]}",
        "for number in published.held[-1:]]}",
    ),
    one_edit(
        "publish-whole-unasked",
        "Orders are published with the customer's data although the chain did not ask for it.",
        _CHANGE,
        "order_changed",
        "and not personal_data",
        "and personal_data",
    ),
    one_edit(
        "log-what-the-bus-says",
        "The fault that is logged of an entry is the bus's whole answer, which quotes the order.",
        _BUS,
        "EventBus._put",
        "else Fate.PERMANENT, code)",
        "else Fate.PERMANENT, f\"{code} {answer['Entries']}\")",
    ),
    one_edit(
        "the-order-in-an-attribute",
        "A dead letter of the publisher has the order among its attributes, which tools show.",
        _PUBLISHER,
        "PublisherDeadLetters.keep",
        'MessageBody=json.dumps(message, separators=(",", ":")))',
        'MessageBody=json.dumps(message, separators=(",", ":")),\n'
        '            MessageAttributes={"detail": {"DataType": "String", "StringValue": str(message["detail"])}})',
    ),
]
