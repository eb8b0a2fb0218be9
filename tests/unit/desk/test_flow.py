"""The flow of the desk knows every alarm of the template, every check of the doctor and every metric that it counts."""

import re
from pathlib import Path

from partner_orders_console.operations.doctor.examination import CHECKS as ALL_CHECKS
from partner_orders_console.operations.flow import ALARMS, CHECKS, COUNTED, TIMED
from tests.support.template import TEMPLATE

LAYER = Path(__file__).parents[3] / "layers" / "partner_orders" / "partner_orders"
# Checks of the stack as a whole; their findings stand among the doctor's only.
OF_NO_STAGE = {"clock", "functions", "alarms", "dashboard", "concurrency", "repairs"}


def test_each_alarm_has_its_stage() -> None:
    """Each alarm of the template belongs to one stage, and no other alarm does."""
    found = re.findall(r"^  (\w+)Alarm:$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    alarms = {*found}
    assert alarms == {*ALARMS}


def test_each_check_has_its_stage() -> None:
    """Each check of the doctor belongs to a stage, or to the stack as a whole."""
    assert {check.__name__ for check in ALL_CHECKS} == {*CHECKS} | OF_NO_STAGE


def test_what_is_counted_is_emitted() -> None:
    """Each metric that a stage counts or measures is one that the code emits by this name."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in LAYER.rglob("*.py"))
    names = {name for counted in COUNTED for name in counted.metrics} | {timed.metric for timed in TIMED}
    assert [
        name for name in sorted(names) if not re.search(rf'"{name}"|\b{name}=', code) and f'["{name}"]' not in code
    ] == []
