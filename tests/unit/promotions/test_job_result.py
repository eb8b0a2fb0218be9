"""What the platform left out of a promotion, bounded."""

from partner_orders.promotions.job_result import JobResult, JobStatus, LeftOut


def test_entries_are_kept_and_counted() -> None:
    """Each list keeps its entries, with ids of at most 64 characters."""
    left = LeftOut()
    left.vendor("v" * 70)
    left.missing("v", "s" * 70)
    left.invalid("w" * 70, "t")
    assert left.result() == JobResult(("v" * 64,), (("v", "s" * 64),), (("w" * 64, "t"),), 3)


def test_first_hundred_are_kept() -> None:
    """Of all lists together a hundred entries are kept, and all are counted."""
    left = LeftOut()
    for number in range(60):
        left.vendor(str(number))
        left.missing("v", str(number))
    left.invalid("v", "s")
    result = left.result()
    assert (len(result.invalid_vendors), len(result.missing_skus), result.invalid_discounted_skus) == (50, 50, ())
    assert result.count == 121


def test_job_ends() -> None:
    """Of the platform's words only one says that a job goes on."""
    assert [*JobStatus] == ["QUEUED", "COMPLETED", "FAILED", "DUPLICATE"]
    assert {status for status in JobStatus if not status.is_end} == {JobStatus.QUEUED}
