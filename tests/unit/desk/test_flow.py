"""The flow of the desk knows every alarm of the template, every check of the doctor and every metric that it counts."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from partner_orders_console.desk import places
from partner_orders_console.operations import flow as flow_of
from partner_orders_console.operations.doctor.examination import CHECKS as ALL_CHECKS
from partner_orders_console.operations.flow import ALARMS, CHECKS, COUNTED, DAY, HOUR, TIMED
from partner_orders_console.operations.metric_series import Metric, Series
from partner_orders_console.operations.stack import DeployedStack
from tests.support.template import TEMPLATE

LAYER = Path(__file__).parents[3] / "layers" / "partner_orders" / "partner_orders"
# Checks of the stack as a whole; their findings stand among the doctor's only.
OF_NO_STAGE = {"clock", "functions", "alarms", "dashboard", "concurrency", "catalogue", "repairs"}


def test_each_alarm_has_its_stage() -> None:
    """Each alarm of the template belongs to one stage, and no other alarm does."""
    found = re.findall(r"^  (\w+)Alarm:$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    alarms = {*found}
    assert alarms == {*ALARMS}


def test_each_check_has_its_stage() -> None:
    """Each check of the doctor belongs to a stage, or to the stack as a whole."""
    assert {check.__name__ for check in ALL_CHECKS} == {*CHECKS} | OF_NO_STAGE


def test_each_place_has_what_leads_to_it() -> None:
    """Each alarm, check and figure that leads to a page of the desk is one that there is."""
    standing = {"waiting", "dead letters", "open orders", "rejected, unresolved", "last run"}
    assert places.ALARMS.keys() <= ALARMS.keys()
    assert places.CHECKS.keys() <= CHECKS.keys()
    counted = {(one.stage, one.word) for one in COUNTED}
    assert [word for word in places.FIGURES if word not in counted and word[1] not in standing] == []


def test_names_of_alarms() -> None:
    """An alarm is called by its title, not by the name that CloudFormation gave it."""
    assert places.alarm_title("ApiNearThrottle") == "API near throttle"
    assert places.alarm_title("PartnerApiBlocked") == "Partner API blocked"
    assert places.part_title("alarm partner-orders-RejectedAlarm-2E84") == "alarm: Rejected"
    assert places.part_title("webhook") == "webhook"


def test_what_is_counted_is_emitted() -> None:
    """Each metric that a stage counts or measures is one that the code emits by this name."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in LAYER.rglob("*.py"))
    names = {name for counted in COUNTED for name in counted.metrics} | {timed.metric for timed in TIMED}
    assert [
        name for name in sorted(names) if not re.search(rf'"{name}"|\b{name}=', code) and f'["{name}"]' not in code
    ] == []


@pytest.mark.parametrize("aligned", [True, False])
def test_delays_of_hour_and_day(monkeypatch: pytest.MonkeyPatch, aligned: bool) -> None:
    """One request gives the delays of the last hour and of the day, whether CloudWatch's periods begin at full hours or
    where the time does. Of the hour it counts the periods that reach into it."""
    requests: list[datetime] = []

    def series(_: Any, metrics: dict[Any, Metric], start: datetime, end: datetime) -> dict[Any, Series]:
        requests.append(start)
        last = end.replace(minute=0, second=0, microsecond=0) if aligned else end - HOUR
        hours = {last - 2 * HOUR: 9.0, last - HOUR: 8.0 if not aligned else 3.0, last: 2.0}
        by_period = {HOUR: hours, DAY: {start: 9.0}}
        return {name: by_period.get(metric.period, {}) for name, metric in metrics.items()}

    monkeypatch.setattr(flow_of, "series", series)
    monkeypatch.setattr(flow_of, "now", lambda: datetime(2026, 3, 14, 12, 34, 56, tzinfo=UTC))
    stack = DeployedStack("partner-orders", "eu-central-1", boto3.Session(region_name="eu-central-1"))
    stack.__dict__["outputs"] = {}
    found = flow_of.flow(stack)
    [delay] = found.delays[flow_of.Stage.CONSUMER]
    assert (delay.hour_p50, delay.day_p50) == (3.0 if aligned else 2.0, 9.0)
    assert requests == [found.at - DAY]
