"""Planted bugs in the alarms of the template, and in the bounds of what an operator sets."""

from tools.simulation.mutants.planting import Mutant, one_edit

_TEMPLATE = "template.yaml"
_SETTINGS = "layers/partner_orders/partner_orders/settings.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "a-number-for-large-chains-only",
        "The dead webhook of a chain with few orders stays below what the alarm takes for many.",
        _TEMPLATE,
        "WebhooksMissedShareAlarm",
        ">= 5 AND",
        ">= 20 AND",
    ),
    one_edit(
        "one-lost-order-is-a-dead-webhook",
        "The alarm for dead webhooks fires for one order of a night whose webhooks were lost.",
        _TEMPLATE,
        "WebhooksMissedShareAlarm",
        ">= 5 AND",
        ">= 2 AND",
    ),
    one_edit(
        "a-share-of-an-unknown-number",
        "Where no webhook comes at all, the share of those that were missed is unknown, and no alarm fires.",
        _TEMPLATE,
        "WebhooksMissedShareAlarm",
        "> FILL(received, 0)",
        "> received",
    ),
    one_edit(
        "no-call-is-no-number",
        "A publisher that nothing calls has no number of calls, so no alarm fires.",
        _TEMPLATE,
        "PublisherNotRunningAlarm",
        "FILL(calls, 0) < 1",
        "calls < 1",
    ),
    one_edit(
        "one-period-between-event-and-call",
        "The alarm for an idle publisher fires where a period ends between an event and its publishing.",
        _TEMPLATE,
        "PublisherNotRunningAlarm",
        "EvaluationPeriods: 2",
        "EvaluationPeriods: 1",
    ),
    one_edit(
        "judge-an-idle-publisher-by-older-hours",
        "In hours without orders the alarm for an idle publisher is judged by the hours before.",
        _TEMPLATE,
        "PublisherNotRunningAlarm",
        "FILL(stored, 0) > 0",
        "stored > 0",
    ),
    one_edit(
        "throttled-for-ever",
        "The alarm for throttling never ends, since alarms on DynamoDB ignore missing data.",
        _TEMPLATE,
        "TableThrottledAlarm",
        "FILL(throttled, 0)",
        "throttled + 0",
        "missing data is ignored in AWS/DynamoDB: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
        "API_PutMetricAlarm.html",
    ),
    one_edit(
        "keep-orders-beyond-the-calendar",
        "A number of days beyond what the template allows makes times that do not exist.",
        _SETTINGS,
        "retention_of",
        "min(days, LONGEST_RETENTION_DAYS)",
        "days",
    ),
]
