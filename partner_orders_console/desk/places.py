"""Where the desk leads from a figure, an alarm or a finding of the doctor: to the page that shows what it is about."""

import re
from typing import NamedTuple

from partner_orders.platform.failures import Failure
from partner_orders_console.operations.flow import Stage
from partner_orders_console.operations.words import words


class Place(NamedTuple):
    """A part of the desk, and the words of a link to it."""

    label: str
    path: str


_TROUBLE = Place("See the rejected events", "/trouble")
_LETTERS = Place("See the dead letters", "/trouble#letters")
_QUEUES = Place("See the queues", "/trouble#queues")
_SECRETS = Place("See the secrets", "/trouble#secrets")
_STORES = Place("See the stores", "/stores")
_MISSED = Place("See the missed webhooks", "/reconciliation")
_RUNS = Place("See the runs", "/reconciliation#runs")
_ANSWERS = Place("See the answers", "/answers")
_OPEN = Place("See the open orders", "/orders?open=1&sort=oldest")

# By the stage and the word of a figure.
FIGURES: dict[tuple[Stage, str], Place] = {
    (Stage.PLATFORM, "webhooks missed"): _MISSED,
    (Stage.PLATFORM, "failed requests"): _RUNS,
    (Stage.WEBHOOK, "refused"): _SECRETS,
    (Stage.QUEUE, "waiting"): _QUEUES,
    (Stage.QUEUE, "dead letters"): _LETTERS,
    (Stage.CONSUMER, "rejected"): _TROUBLE,
    (Stage.CONSUMER, "failed, will be retried"): _QUEUES,
    (Stage.TABLE, "open orders"): _OPEN,
    (Stage.TABLE, "rejected, unresolved"): _TROUBLE,
    (Stage.PUBLISHER, "dead letters"): _LETTERS,
    (Stage.PUBLISHER, "not published"): _LETTERS,
    (Stage.RECONCILER, "dead letters"): _LETTERS,
    (Stage.RECONCILER, "last run"): _RUNS,
    (Stage.RECONCILER, "found missing"): _RUNS,
    (Stage.RECONCILER, "found different"): _RUNS,
    (Stage.RECONCILER, "stores failed"): _STORES,
    (Stage.SENDER, "dead letters"): _LETTERS,
    (Stage.SENDER, "waiting"): _ANSWERS,
    (Stage.SENDER, "refused"): Place("See the refused answers", "/answers?outcome=refused"),
    (Stage.SENDER, "unclear"): _ANSWERS,
}
# By the alarm's logical id without "Alarm"; the others have no page that says more.
ALARMS: dict[str, Place] = {
    "PartnerApiBlocked": _RUNS,
    "PartnerApiRefused": _SECRETS,
    "StoresSilent": _STORES,
    "RefusedBurst": _SECRETS,
    "OrderEventsDeadLetters": _LETTERS,
    "OrderEventsTooOld": _QUEUES,
    "OrderEventsSlow": _QUEUES,
    "OrderEventsFailing": _QUEUES,
    "ConsumerErrors": _QUEUES,
    "Rejected": _TROUBLE,
    "UnknownStatus": _OPEN,
    "PublisherDeadLetters": _LETTERS,
    "ReconcilerErrors": _RUNS,
    "StoresNotReconciled": _STORES,
    "UnsteadyOrders": _RUNS,
    "MinutesLeftOut": _RUNS,
    "ReconciliationDeadLetters": _LETTERS,
    "ReconciliationNotRun": _RUNS,
    "WebhooksMissed": _MISSED,
    "WebhooksMissedShare": _MISSED,
    "AnswersRefused": _ANSWERS,
    "AnswersUnclear": _ANSWERS,
    "OrdersUnanswered": _OPEN,
    "SenderErrors": _ANSWERS,
    "AnswersDeadLetters": _LETTERS,
}
# By the name of the doctor's check.
CHECKS: dict[str, Place] = {
    "webhook": _SECRETS,
    "secret_use": _SECRETS,
    "refused_requests": _SECRETS,
    "last_webhooks": _STORES,
    "partner_api": _SECRETS,
    "stores": _STORES,
    "queue": _QUEUES,
    "dead_letters": _LETTERS,
    "rejected_events": _TROUBLE,
    "schedule": _RUNS,
    "reconciliation": _RUNS,
    "paused_stores": _STORES,
}
_ALARM_PART = re.compile(r"alarm .*?(\w+)Alarm(?:-\w+)?")
_CODES = re.compile(rf"\b(?:{'|'.join(code for code in Failure if '_' in code)})\b")
_AGE = re.compile(r" \((?:now|\d+ (?:min|h|days) ago)\)")


def alarm_title(kind: str) -> str:
    """The title of an alarm by its logical id without "Alarm": ``Stores not reconciled``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).capitalize().replace("api", "API").replace("Api", "API")


def part_title(part: str) -> str:
    """A part that the doctor looked at; an alarm by its title, not by the name that CloudFormation gave it."""
    found = _ALARM_PART.fullmatch(part)
    return f"alarm: {alarm_title(found[1])}" if found else part


def as_reported(text: str) -> str:
    """A sentence of the doctor's as a page says it later: without how long ago things were then, since their times are
    beside it, and with codes such as ``not_found`` in words."""
    return _CODES.sub(lambda found: words(found[0]), _AGE.sub("", text))
