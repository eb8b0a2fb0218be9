"""Files for people: a spreadsheet runs nothing of them, and customers' data is for their owner alone."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders_console.operations.exporting import opened
from partner_orders_console.operations.spreadsheet import csv_cell, from_csv_cell

TEXTS = st.text(st.sampled_from("ab1 =+-@;,\t\n\"'\u00a0"), max_size=12)


@given(TEXTS)
def test_no_cell_begins_a_formula(text: str) -> None:
    """However a spreadsheet splits a cell, no part of it begins a formula; and the text comes back."""
    cell = str(csv_cell(text))
    assert not any(re.match('[ \u00a0"]*[=+@-]', part) for part in re.split("[;,\t\r\n]", cell))
    assert from_csv_cell(cell) == text or "'" in text


@pytest.mark.privacy
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from((0o600, 0o640, 0o644, 0o666, None)), st.booleans())
def test_customers_data_is_for_the_owner(tmp_path: Path, mode: int | None, is_personal: bool) -> None:
    """A file with customers' data is readable to its owner alone, also if it was there before."""
    file = tmp_path / "orders.csv"
    file.unlink(missing_ok=True)
    if mode is not None:
        file.touch()
        file.chmod(mode)
    target, was_open = opened(file, is_personal)
    assert was_open == (is_personal and mode not in (None, 0o600))
    with target:
        target.write("order_id\n")
    if is_personal:
        assert file.stat().st_mode & 0o777 == 0o600
    elif mode is not None:
        assert file.stat().st_mode & 0o777 == mode
