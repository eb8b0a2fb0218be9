"""What the webhook counted of the requests that it got: which secret they had, and how many were refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import now
from partner_orders.webhook.endpoint import ACCEPTED, BY_PREVIOUS, UNAUTHORIZED, UNAUTHORIZED_WITHOUT_BODY
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
    """Read it from CloudWatch, where it is a minute or two late; None on a laptop, which has no such metrics. One
    request. Raises botocore's errors."""
    if stack.endpoint_url:
        return None
    counts = _counts(stack)
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
    seconds = int(PERIOD.total_seconds())
    end = now()
    answer = stack.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_query(stack, name, metric, seconds) for name, metric in _METRICS.items()],
        StartTime=end - LOOKED_BACK - timedelta(seconds=end.timestamp() % seconds),
        EndTime=end,
    )
    found: dict[str, dict[datetime, int]] = {name: {} for name in _METRICS}
    for result in answer["MetricDataResults"]:
        pairs = zip(result["Timestamps"], result["Values"], strict=True)
        found[result["Id"]] = {when: round(value) for when, value in pairs if value}
    return found


def _query(stack: DeployedStack, name: str, metric: str, seconds: int) -> dict[str, Any]:
    dimensions = [{"Name": "service", "Value": f"{stack.name}-webhook"}]
    described = {"Namespace": "PartnerOrders", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": described, "Period": seconds, "Stat": "Sum"}}
