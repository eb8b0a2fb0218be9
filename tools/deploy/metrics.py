"""Whether the metrics of a stack that was just tried arrive."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tools.deploy.target import Deployed, Target

# Function and metric, of the requests that the smoke test has made.
EXPECTED = (("webhook", "RefusedUnauthorized"), ("webhook", "Enqueued"), ("consumer", "Lag"))
_LOG_GROUPS = {"webhook": "WebhookLogGroup", "consumer": "ConsumerLogGroup"}


@dataclass
class SmokeMetrics:
    """What of EXPECTED is in CloudWatch; or, where CloudWatch takes no metrics out of logs, in the logs."""

    target: Target
    deployed: Deployed
    _seen: set[tuple[str, str]] = field(default_factory=set)

    @property
    def description(self) -> str:
        """What was found where, in words."""
        found = f"metrics: {', '.join(name for _, name in EXPECTED)}"
        if self.target.has_metrics:
            return f"{found} are in CloudWatch"
        return f"{found} are in the logs; the local AWS takes no metrics out of logs, so CloudWatch was not asked"

    def are_all_there(self) -> bool:
        """Look for those that were not seen before. Raises botocore's errors."""
        look = self._is_in_cloudwatch if self.target.has_metrics else self._is_in_logs
        self._seen |= {one for one in EXPECTED if one not in self._seen and look(*one)}
        return len(self._seen) == len(EXPECTED)

    def missing(self) -> str:
        """Those that were not seen, in words."""
        return ", ".join(
            f"{name} of the {function}" for function, name in EXPECTED if (function, name) not in self._seen
        )

    def _is_in_cloudwatch(self, function: str, metric: str) -> bool:
        now = datetime.now(UTC)
        answer = self.target.client("cloudwatch").get_metric_statistics(
            Namespace="PartnerOrders",
            MetricName=metric,
            Dimensions=[{"Name": "service", "Value": f"{self.deployed.stack_name}-{function}"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["SampleCount"],
        )
        return bool(answer["Datapoints"])

    def _is_in_logs(self, function: str, metric: str) -> bool:
        group = self.target.client("cloudformation").describe_stack_resource(
            StackName=self.deployed.stack_name, LogicalResourceId=_LOG_GROUPS[function]
        )["StackResourceDetail"]["PhysicalResourceId"]
        pages = self.target.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = (event["message"] for page in pages for event in page["events"])
        return any(f'"Name":"{metric}"' in line for line in lines)
