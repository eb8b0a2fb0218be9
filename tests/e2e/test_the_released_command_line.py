"""``partner-orders`` from the wheel of a release, without a clone, against the stack of `make up`."""

import json
from pathlib import Path

import pytest

from partner_orders_console.operations.target import users_stack_file
from tests.support.deployed import unexpected
from tests.support.installed_wheel import InstalledWheel, built_wheel
from tools.local.stack import STACK_FILE, Stack
from tools.local.up import saved


@pytest.mark.slow
@pytest.mark.usefixtures("no_dead_letters")
def test_doctor_works_from_the_wheel(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the wheel alone, in an empty folder, doctor checks the stack that `make up` left word of."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    monkeypatch.setenv(*next(iter(state.items())))
    installed = InstalledWheel(built_wheel(tmp_path / "dist"), tmp_path)
    with saved(stack, tmp_path / STACK_FILE.name):
        ran = installed("doctor", "--json", settings=state)
        findings = json.loads(ran.stdout)
        # No test may have registered a store yet.
        assert unexpected([finding for finding in findings if finding["part"] != "stores"]) == {}
        assert {"stack", "table", "webhook", "Partner API", "alarms"} <= {finding["part"] for finding in findings}
        assert installed("secrets", "status", settings=state).returncode == 0
    assert not users_stack_file(state).exists()
    after = installed("doctor", settings=state)
    assert (after.returncode, "which stack?" in after.stderr) == (1, True)
