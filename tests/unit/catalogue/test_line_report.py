"""The report of a file's lines is bounded, and goes on after it was stored."""

import json
from itertools import repeat

import pytest

from partner_orders.catalogue.line_report import (
    MAX_KINDS,
    LineReport,
    ReportedLine,
    UnreadableReportError,
)


def test_counts_and_lines() -> None:
    """A report counts lines and problems, and shows bad lines by number and by what they name the product."""
    report = LineReport()
    report.add_good()
    report.add_bad(3, ["price: use a price above 0"], {"sku": "KW-1", "barcode": "5012"})
    report.add_bad(4, ["price: use a price above 0", "cap: use whole pieces"], {"sku": " ", "barcode": "5012"})
    report.add_bad(5, ["the line is not UTF-8"])
    assert (report.total, report.good, report.bad) == (4, 1, 3)
    assert report.problems["price: use a price above 0"] == 2
    assert [(line.number, line.product) for line in report.lines] == [(3, "KW-1"), (4, "5012"), (5, "")]


def test_report_is_json_for_people() -> None:
    """The document has the most frequent problem first, and is readable text."""
    report = LineReport()
    report.add_bad(2, ["b", "a"], {"sku": "Café"})
    report.add_bad(3, ["b"])
    report.add_unknown_columns(["colour"])
    document = json.loads(report.to_bytes())
    assert "Café".encode() in report.to_bytes()
    assert [*document["problems"].items()] == [("b", 2), ("a", 1)]
    assert document["unknown_columns"] == ["colour"]
    assert document["lines"][0] == {"line": 2, "product": "Café", "problems": ["b", "a"]}


@pytest.mark.limits
def test_many_bad_lines_stay_small() -> None:
    """Beyond the first thousand, lines are only counted; beyond a hundred kinds, so are problems."""
    report = LineReport()
    for number, sku in enumerate(repeat("\x07" * 9_999, 20_000)):
        report.add_bad(number, [f"{number}:{kind} " + "x" * 9_999 for kind in range(20)], {"sku": sku})
    assert (len(report.lines), report.bad, len(report.problems)) == (1_000, 20_000, 100)
    assert report.problems.total() + report.other_problems == 20_000 * 10
    assert json.loads(report.to_bytes())["lines_not_shown"] == 19_000
    [line, *_] = report.lines
    assert (len(line.product), len(line.problems[0])) == (128, 300)
    assert len(report.to_bytes()) < 5_000_000


def test_known_problem_is_counted_on() -> None:
    """Once a hundred kinds are known, each of them is still counted by itself."""
    report = LineReport()
    for number in range(MAX_KINDS + 5):
        report.add_bad(number, [f"problem {number}"])
    report.add_bad(999, ["problem 0"])
    assert (report.problems["problem 0"], report.other_problems) == (2, 5)


def test_text_of_a_line_is_printable() -> None:
    """Whatever a line holds, its report is text that can be shown and stored."""
    report = LineReport()
    report.add_bad(2, ["a\nb"], {"sku": "\ud800\x1b[2J"})
    assert report.lines[0] == ReportedLine(2, "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J", ("a b",))
    assert LineReport.from_bytes(report.to_bytes()) == report


def test_same_problem_twice_counts_once() -> None:
    """A problem that a line has twice is one problem of it."""
    report = LineReport()
    report.add_bad(2, ["a", "a"])
    assert report.problems == {"a": 1}


def test_report_goes_on_after_storing() -> None:
    """A report that is stored after each line and read back ends as one that was never stored."""
    whole, stored = LineReport(), LineReport().to_bytes()
    for number in range(2, 150):
        whole.add_bad(number, [f"problem {number % 120}"])
        whole.add_good()
        part = LineReport.from_bytes(stored)
        part.add_bad(number, [f"problem {number % 120}"])
        part.add_good()
        stored = part.to_bytes()
    assert stored == whole.to_bytes()


def test_parts_merge_in_any_order() -> None:
    """The reports of two parts of a file make that of the whole, whichever is added to the other."""
    first, second, whole = LineReport(), LineReport(), LineReport()
    for number in range(2, 2_000):
        for report in (first if number < 1_500 else second, whole):
            report.add_bad(number, [f"problem {number % 7}"])
            report.add_good()
    first.add_unknown_columns(["colour"])
    whole.add_unknown_columns(["colour"])
    second.refuse_file("The file is too long.")
    whole.refuse_file("The file is too long.")
    one, other = LineReport.from_bytes(first.to_bytes()), LineReport.from_bytes(second.to_bytes())
    one.merge(second)
    other.merge(first)
    assert one.to_bytes() == other.to_bytes() == whole.to_bytes()


def test_refused_file_is_reported() -> None:
    """A file that is refused whole has its reason in the report; unknown columns are shown once, up to a bound."""
    report = LineReport()
    report.refuse_file("The file is empty.\n")
    report.add_unknown_columns([f"c{number % 70}" for number in range(200)])
    document = json.loads(report.to_bytes())
    assert document["file_problem"] == "The file is empty. "
    assert document["unknown_columns"] == [f"c{number}" for number in range(64)]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff", b'{"good":"x"}', b"[" * 100_000])
def test_anything_else_is_no_report(content: bytes) -> None:
    """Bytes that are not a report are refused by name."""
    with pytest.raises(UnreadableReportError):
        LineReport.from_bytes(content)


@pytest.mark.parametrize("damage", [{"good": None}, {"lines": [1]}, {"problems": []}, {"bad": float("inf")}])
def test_damaged_report_is_refused(damage: dict[str, object]) -> None:
    """So is a report with a field that is not what it was."""
    document = json.loads(LineReport().to_bytes()) | damage
    with pytest.raises(UnreadableReportError):
        LineReport.from_bytes(json.dumps(document).encode())


def test_good_line_becomes_bad() -> None:
    """A line that is wrong beside others moves from the good ones to the bad ones, shown or only counted."""
    report = LineReport(good=10, bad=1)
    report.move_to_bad(3, ["a second price"], {"sku": " KW-1 "})
    report.move_more_to_bad(4, "a second price")
    assert (report.good, report.bad, report.total) == (5, 6, 11)
    assert report.problems == {"a second price": 5}
    assert report.lines == [ReportedLine(3, "KW-1", ("a second price",))]


def test_document_is_whole() -> None:
    """The document has every count, the most frequent problems first and then by name."""
    report = LineReport(good=3, other_problems=2)
    report.add_bad(2, ["b", "c"], {"barcode": " 5012 "})
    report.add_bad(3, ["a", "b"])
    assert report.to_document() == {
        "total": 5,
        "good": 3,
        "bad": 2,
        "file_problem": "",
        "unknown_columns": [],
        "problems": {"b": 2, "a": 1, "c": 1},
        "other_problems": 2,
        "lines_not_shown": 0,
        "lines": [
            {"line": 2, "product": "5012", "problems": ["b", "c"]},
            {"line": 3, "product": "", "problems": ["a", "b"]},
        ],
    }
    assert [*report.to_document()["problems"]] == ["b", "a", "c"]
    assert report.to_bytes().startswith(b'{\n "total": 5,\n')


def test_problem_of_a_file_is_bounded() -> None:
    """The reason of a refused file has at most 600 characters, and the first one stays."""
    report, later = LineReport(other_problems=2), LineReport(other_problems=3)
    report.refuse_file("x" * 700)
    later.refuse_file("another")
    report.merge(later)
    assert (report.file_problem, report.other_problems) == ("x" * 600, 5)


def test_no_report_is_named() -> None:
    """Bytes that are not a report are named as such."""
    with pytest.raises(UnreadableReportError, match=r"^not a report of a file's lines$"):
        LineReport.from_bytes(b"{}")
