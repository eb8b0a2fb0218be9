"""The statuses of an order, as docs/data-model.md shows them, are those of the code."""

import re

from partner_orders.orders import lifecycle
from tests.unit.docs.test_links import ROOT, table_under

PAGE = ROOT / "docs" / "data-model.md"
FINAL = "[*]"


def steps() -> set[tuple[str, str]]:
    """The steps of the diagram, from one status to the next."""
    diagram = PAGE.read_text(encoding="utf-8").partition("stateDiagram-v2\n")[2].partition("```")[0]
    return {*re.findall(r"^ +(\S+) --> ([^\s:]+)", diagram, re.MULTILINE)}


def test_status_table_matches_the_code() -> None:
    """The table of statuses has each in the order of its rank, and says what the code says of it."""
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table()]
    named = [row for row in rows if row[0].startswith("`")]
    assert [lifecycle.rank(row[0].strip("`")) for row in named] == [*range(1, 8)]
    for name, is_open, is_final, is_a_sale, is_sent in named:
        status = name.strip("`")
        assert (is_open == "yes", is_final == "yes") == (lifecycle.is_open(status), lifecycle.is_final(status)), status
        assert (is_a_sale == "yes", is_sent == "yes") == (
            lifecycle.has_left_the_store(status),
            lifecycle.is_sent(status),
        ), status


def table() -> list[str]:
    return table_under(PAGE, "The statuses of an order").splitlines()


def test_status_diagram_matches_the_code() -> None:
    """Every status is in the diagram, each step leads to a higher rank, and a final status leads nowhere."""
    statuses = {status for step in steps() for status in step if status != FINAL}
    assert {lifecycle.rank(status) for status in statuses} == {*range(1, 8)}
    for before, after in steps():
        if before != FINAL and after != FINAL:
            assert lifecycle.rank(before) < lifecycle.rank(after), (before, after)
        assert before == FINAL or lifecycle.is_final(before) == (after == FINAL), (before, after)
