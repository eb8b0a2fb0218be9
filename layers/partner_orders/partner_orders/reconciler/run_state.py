"""What the parts of one run share: its report so far, and when it has to end."""

from collections.abc import Callable
from dataclasses import dataclass, field

from partner_orders.platform.failures import OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.stop_reason import RunEndedError, StopReason
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import LeftOut

# With less time than this, a run begins nothing new.
LAST_START_SECONDS = 40.0
# What ends the run, and is no fault of the store that was being served.
ENDS_THE_RUN = (RunEndedError, OutOfTimeError)


@dataclass
class RunState:
    """``found_in_previews`` are the digests that each preview, by its id, has found in this run; ``left_out`` is what
    backfills had to leave out of stores, or could read again, which their next check goes on from."""

    report: Report
    correlation_id: str
    remaining_seconds: Callable[[], float]
    table: ReconciliationTable
    found_in_previews: dict[str, set[str]] = field(default_factory=dict)
    left_out: dict[str, tuple[LeftOut, ...]] = field(default_factory=dict)
    enqueued_and_saved: int = 0

    def save_findings(self) -> None:
        """Save the report if more was enqueued since. An enqueued order is in sync when it is checked again: if this
        worker is killed, the order still counts."""
        enqueued = self.report.counts["enqueued"]
        if enqueued > self.enqueued_and_saved:
            self.enqueued_and_saved = enqueued
            under_way = self.report.to_json() | {"stopped": StopReason.UNDER_WAY.value}
            self.table.save_report(self.report.started_at, under_way)

    @property
    def is_nearly_over(self) -> bool:
        return self.remaining_seconds() < LAST_START_SECONDS


def note_failure(report: Report, store_id: str, error: Exception) -> str:
    """Note why a store could not be checked; the text of it. Raises RunEndedError if no other store could be either."""
    text = str(error) if isinstance(error, PartnerApiError) else type(error).__name__
    report.failed_stores[store_id] = text
    if isinstance(error, PlatformUnavailableError):
        raise RunEndedError(text) from None
    return text
