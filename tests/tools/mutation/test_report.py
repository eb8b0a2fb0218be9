"""What a run of the mutants shows, and when it fails."""

from tools.mutation.report import DIED, LATE, Outcome, Report


def outcomes(noticed: int, survivors: int, others: tuple[str, ...] = ()) -> list[Outcome]:
    ends = ["test"] * noticed + [""] * survivors + [*others]
    return [Outcome("domain", "clock", f"m{number}", end, 1, 0.1) for number, end in enumerate(ends)]


def test_share_of_a_group() -> None:
    """A group fails below its least share. Tests that do not end, or whose process dies, have noticed nothing."""
    assert Report(outcomes(9, 1), {}).below == []
    for end in (LATE, DIED):
        report = Report(outcomes(8, 1, (end,)), {})
        assert report.below == ["domain"]
        assert f'"m9" = "{end}"' in report.text()


def test_survivors_with_a_reason() -> None:
    """A survivor is new unless it has a reason; a reason without a survivor is named, too."""
    report = Report(outcomes(1, 2), {"clock": {"m0": "equivalent", "m1": "equivalent"}, "answers.cart": {"x": "y"}})
    assert [outcome.mutant for outcome in report.new] == ["m2"]
    assert report.gone == [("clock", "m0")]
    assert '"m2" = ""' in report.text()
    assert Report(outcomes(1, 1), {"clock": {"m1": "equivalent"}}).new == []
