"""The first pass over a file: which lines are good, what is wrong with the others, and what is known of them."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import FileError, read_lines
from partner_orders.catalogue.product import MAX_SKU
from partner_orders.catalogue.spool import Spool
from partner_orders.loader.checking import Barcodes, Checked, check, expect_good_lines, nothing_exported
from tests.support.fixed_clock import NOW

HOUR = timedelta(hours=1)


def checked(
    content: str, folder: Path, barcodes: Barcodes = nothing_exported
) -> tuple[Checked, dict[str, dict[str, object]]]:
    """A file of the time NOW, checked an hour later; and what the good lines say, by SKU."""
    with Spool(folder) as spool:
        found = check(read_lines([content.encode()], "list.csv"), NOW, spool, NOW + HOUR, barcodes)
    said = {}
    for number in range(16):
        for one in spool.shard(number):
            said[one.sku] = {name: value for line in one.lines for name, value in line.values.said.items()}
    return found, said


def problems(found: Checked) -> list[list[str]]:
    return [list(line.problems) for line in found.report.lines]


def test_good_lines(tmp_path: Path) -> None:
    """Each good line is counted, its values are spooled, and which fields lines state is known."""
    found, said = checked("sku,price,quantity\nA,1.50,\nB,,3\n", tmp_path)
    assert (found.report.good, found.report.bad) == (2, 0)
    assert (found.fields, found.states_versions, found.names_all) == ({"price", "quantity"}, False, True)
    assert said == {"A": {"price": Decimal("1.50")}, "B": {"quantity": 3}}


@pytest.mark.parametrize(
    ("cells", "states"),
    [(("", ""), False), (("2026-10-14T08:00:00Z", ""), True), (("", " 2026-10-14T08:00:00Z "), True)],
)
def test_versions_of_lines(tmp_path: Path, cells: tuple[str, str], states: bool) -> None:
    """A line may state a version of its own, whichever line it is, with spaces around it."""
    found, _ = checked("sku,price,version\nA,1,{}\nB,1,{}\n".format(*cells), tmp_path)
    assert (found.report.good, found.states_versions) == (2, states)


def test_version_that_cannot_be_read(tmp_path: Path) -> None:
    """It is said which column is wrong, and the line is not taken."""
    found, said = checked("sku,price,version\nA,1,yesterday\nB,2,\n", tmp_path)
    assert (found.report.good, {sku for sku, values in said.items() if values}) == (1, {"B"})
    [[problem]] = problems(found)
    assert problem.startswith("version: ")


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    """A column that nobody knows is named in the report."""
    found, _ = checked("sku,price,prise\nA,1,2\n", tmp_path)
    assert "prise" in str(found.report.to_document())


@pytest.mark.parametrize(
    ("line", "names_all"),
    [
        ("A,oops,,", True),
        (" A ,oops,,", True),
        (f"{'x' * MAX_SKU},oops,,", True),
        (f"{'x' * (MAX_SKU + 1)},oops,,", False),
        ("a\x07b,oops,,", False),
        (",oops,,4001", False),
        (",1,,4001", False),
        ('A,1,,,"too,many', False),
    ],
)
def test_what_bad_lines_name(tmp_path: Path, line: str, names_all: bool) -> None:
    """Where a bad line names its product, a whole list does not leave that out. Else nobody knows what it leaves
    out."""
    found, said = checked(f"sku,price,active,barcode\nB,1,true,\n{line}\n", tmp_path)
    assert (found.report.good, found.report.bad, found.names_all) == (1, 1, names_all)
    named = line.partition(",")[0].strip()
    assert {*said} == ({"B", named} if names_all else {"B"})
    assert said["B"] == {"price": Decimal(1), "active": True}


@pytest.mark.parametrize(
    ("skus", "problem"),
    [
        ((), "barcode: no product of the store's last export has it"),
        (("A", "B"), "barcode: several products of the store have it; name the product by its sku"),
        (("x" * (MAX_SKU + 1), "a\x07b", ""), "barcode: no product of the store's last export has it"),
        (("A", "", "x" * (MAX_SKU + 1)), ""),
    ],
)
def test_barcodes(tmp_path: Path, skus: tuple[str, ...], problem: str) -> None:
    """A barcode names a product where exactly one that can be named has it."""
    asked: list[str] = []

    def barcodes(barcode: str) -> tuple[str, ...]:
        asked.append(barcode)
        return skus

    found, said = checked("barcode,price\n4012345678901,2\n", tmp_path, barcodes)
    assert asked == ["4012345678901"]
    if problem:
        [[told]] = problems(found)
        assert (told.startswith(problem), said, found.names_all) == (True, {}, False)
    else:
        assert (said, found.names_all) == ({"A": {"price": Decimal(2)}}, True)


# -- files without a good line -----------------------------------------------------------------------------------------


def refusal(content: str, folder: Path) -> tuple[str, str]:
    """What is wrong with a file without a good line, and what to do."""
    found, _ = checked(content, folder)
    with pytest.raises(FileError) as refused:
        expect_good_lines(found.report)
    return refused.value.problem, refused.value.remedy


def test_file_whose_lines_have_one_problem(tmp_path: Path) -> None:
    """The problem is named, since the whole file may be of another form."""
    problem, remedy = refusal("sku,price\nA,oops\nB,oops\n", tmp_path)
    assert problem.startswith("No line of the file can be taken: price: ")
    assert remedy == "Correct the lines, and load the file again."


def test_file_whose_lines_have_several_problems(tmp_path: Path) -> None:
    """No one problem is named: the report has them."""
    problem, _ = refusal("sku,price,active\nA,oops,\nB,,oops\n", tmp_path)
    assert problem == "No line of the file can be taken."


def test_file_with_a_good_line(tmp_path: Path) -> None:
    """One good line is enough."""
    found, _ = checked("sku,price\nA,oops\nB,1\n", tmp_path)
    expect_good_lines(found.report)
    with pytest.raises(FileError):
        expect_good_lines(LineReport())
