"""What the webhook counted of the requests that it got: which secret they had, and how many were refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.clock import now
from partner_orders.webhook.endpoint import ACCEPTED, BY_PREVIOUS, UNAUTHORIZED, UNAUTHORIZED_WITHOUT_BODY
from partner_orders_console.operations.metric_series import of_function, series
from partner_orders_console.operations.stack import DeployedStack

PERIOD = timedelta(minutes=5)
LOOKED_BACK = timedelta(days=14)
UNKNOWN = "unknown: the local AWS takes no metrics out of logs"
_METRICS = {
    "enqueued": ACCEPTED.counted_as,
    "by_previous": BY_PREVIOUS,
    "refused": UNAUTHORIZED.counted_as,
    "without_body": UNAUTHORIZED_WITHOUT_BODY.also_counted_as,
}


@dataclass(frozen=True)
class WebhookRequests:
    """Times are those of the periods of five minutes in which it was last so, None if not within LOOKED_BACK.
    ``refused`` are the events that were refused in the last hour, as their secret is not valid."""

    last_event_at: datetime | None
    current_secret_used_at: datetime | None
    previous_secret_used_at: datetime | None
    refused: int
    last_refused_at: datetime | None


def webhook_requests(stack: DeployedStack) -> WebhookRequests | None:
    """Read it from CloudWatch, where it is a minute or two late; None on a laptop on which nothing reads the metrics
    out of the logs. One request. Raises botocore's errors."""
    counts = _counts(stack)
    if stack.endpoint_url and not any(counts.values()):
        return None
    enqueued, by_previous = counts["enqueued"], counts["by_previous"]
    without_body = counts["without_body"]
    # A request without a body, such as a scanner's, is no event.
    refused = {when: count - without_body.get(when, 0) for when, count in counts["refused"].items()}
    events = [when for when, count in refused.items() if count > 0]
    hour = now() - timedelta(hours=1)
    return WebhookRequests(
        last_event_at=max(enqueued, default=None),
        current_secret_used_at=max(
            (when for when, count in enqueued.items() if count > by_previous.get(when, 0)), default=None
        ),
        previous_secret_used_at=max(by_previous, default=None),
        refused=sum(refused[when] for when in events if when >= hour - PERIOD),
        last_refused_at=max(events, default=None),
    )


def _counts(stack: DeployedStack) -> dict[str, dict[datetime, int]]:
    """How often, by period, for each of the metrics; a period without any is left out."""
    end = now()
    start = end - LOOKED_BACK - timedelta(seconds=end.timestamp() % PERIOD.total_seconds())
    found = series(
        stack, {name: of_function(stack, "webhook", metric) for name, metric in _METRICS.items()}, start, end
    )
    return {name: {when: round(value) for when, value in values.items() if value} for name, values in found.items()}
