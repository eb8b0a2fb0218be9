"""What Now says of alarms, red figures and the doctor's findings, and where it leads from them."""

from datetime import datetime, timedelta

import pytest

from partner_orders.clock import now
from partner_orders.orders.event import Arrival
from partner_orders_console.desk import places
from partner_orders_console.desk.examining import Examined
from partner_orders_console.desk.jobs import Done
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at
from tests.support.desk import Browser
from tests.support.fixed_clock import NOW

ALARM = "partner-orders-StoresNotReconciledAlarm-300D056F91214"
PATHS = sorted({place.path for found in (places.FIGURES, places.ALARMS, places.CHECKS) for place in found.values()})


@pytest.fixture
def alarm(browser: Browser, stack: DeployedStack) -> None:
    """An active alarm."""
    browser.desk.kept.forget()
    stack.__dict__["resources"] = {"StoresNotReconciledAlarm": ALARM}
    stack.__dict__["alarm_names"] = [ALARM]
    cloudwatch = stack.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM, AlarmDescription="Some stores could not be compared. Runbook: docs/runbooks/x.md",
        Namespace="PartnerOrders", MetricName="StoresFailed", Statistic="Sum", Period=300, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="test")


@pytest.mark.usefixtures("alarm")
def test_alarm_leads_somewhere(browser: Browser) -> None:
    """An active alarm has a title and a link to the page that shows what it is about; its stage leads to it."""
    page = browser.get("/now/flow").text
    strip = page.partition('<section id="alarms"')[2].partition("</section>")[0]
    assert "Stores not reconciled" in strip
    assert ALARM not in strip
    assert '<a href="/stores">See the stores</a>' in strip
    assert "Runbook, in the repository: docs/runbooks/x.md" in strip
    assert "stage-reconciler trouble" in page
    assert '<a href="#alarms">▲ 1 alarm</a>' in page


def test_red_figure_makes_its_stage_red(browser: Browser, stack: DeployedStack) -> None:
    """A stage is coloured by its worst figure, and the figure leads to what it counts."""
    assert "stage-table trouble" not in browser.get("/now/flow").text
    stack.rejected.keep(b"{}", Arrival("webhook", NOW), "not_an_order", ["order_id: Field required"])
    browser.desk.kept.forget()
    page = browser.get("/now/flow").text
    assert "stage-table trouble" in page
    assert "stage-queue trouble" not in page
    assert '<a href="/trouble">rejected, unresolved</a>' in page


@pytest.mark.parametrize("path", PATHS)
def test_each_place_is_there(browser: Browser, path: str) -> None:
    """Each place that the desk leads to exists, with the part that the link names."""
    page, _, part = path.partition("#")
    answer = browser.get(page)
    assert answer.status_code == 200
    assert not part or f'id="{part}"' in answer.text


def test_report_of_the_doctor_has_times(browser: Browser) -> None:
    """The doctor's report has clock times only, leads on, and does not repeat the alarms."""
    examining = browser.desk.examining
    looked_at = now() - timedelta(minutes=9)
    findings = [
        ("reconciliation", Finding("reconciliation", "run 2026-11-29 19:45:59 (1 min ago): a (not_found)", "do this")),
        ("alarms", Finding(f"alarm {ALARM}", "Some stores could not be compared.", "docs/runbooks/x.md")),
    ]
    examining.is_running, examining.latest = True, Examined(looked_at, looked_at, findings)
    said, page = browser.text("/now/findings"), browser.get("/now/findings").text
    assert f"looked at {at(looked_at)} (9 min ago)" in " ".join(said.split())
    assert "1 fault 1 active alarm ( above )" in said
    assert "run 2026-11-29 19:45:59: a (not found)" in said
    assert page.count("Some stores could not be compared.") == 1
    assert '<a href="/reconciliation#runs">See the runs</a>' in page
    assert "alarm: Stores not reconciled" in said
    assert "old:" not in said


def test_report_before_a_change_is_old(browser: Browser) -> None:
    """A report from before a change, or from long ago, is marked as old; the next look begins anew."""
    examining = browser.desk.examining
    examining.is_running = True

    def is_old(began_at: datetime) -> bool:
        examining.latest = Examined(now(), began_at, [])
        return "old: from before the last change" in browser.text("/now/findings")

    before = now()
    assert not is_old(before)
    browser.desk.jobs.begin("change", "/", lambda _: Done(()))
    assert is_old(before)
    assert not is_old(now())
    assert is_old(now() - timedelta(minutes=21))
