"""The metrics of `make up`: read out of log lines as CloudWatch reads them."""

import json
from typing import Any

import pytest

from tools.local.metrics import metrics_in

LINE: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1773475200000,
        "CloudWatchMetrics": [
            {
                "Namespace": "PartnerOrders",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "Stored", "Unit": "Count"}, {"Name": "Lag", "Unit": "Seconds"}],
            }
        ],
    },
    "service": "partner-orders-consumer",
    "Stored": [3.0],
    "Lag": [0.1, 0.2],
}


def test_metrics_of_a_line() -> None:
    """Each metric has its values, unit, dimension and time."""
    found = [*metrics_in(json.dumps(LINE))]
    assert [(namespace, it["MetricName"], it["Values"], it["Unit"]) for namespace, it in found] == [
        ("PartnerOrders", "Stored", [3.0], "Count"),
        ("PartnerOrders", "Lag", [0.1, 0.2], "Seconds"),
    ]
    assert found[0][1]["Dimensions"] == [{"Name": "service", "Value": "partner-orders-consumer"}]
    assert found[0][1]["Timestamp"].isoformat() == "2026-03-14T08:00:00+00:00"


@pytest.mark.parametrize("line", ["", "START RequestId: 1", "{", "[1]", '{"level": "INFO"}', '{"_aws": 1}'])
def test_other_lines_have_none(line: str) -> None:
    """What is no metric is passed over."""
    assert [*metrics_in(line)] == []
