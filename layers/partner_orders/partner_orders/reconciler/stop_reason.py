"""Why a run of the reconciler ended before everything was served, and what follows from it."""

from enum import StrEnum

from partner_orders.platform.failures import Failure


class StopReason(StrEnum):
    """The values are those of the report's ``stopped``; a failure of the platform's (Failure) stands there as well."""

    EVERYTHING_SERVED = ""
    LEASE_HELD = "another_worker_holds_the_lease"
    REQUESTED_LATER = "the_platform_wants_to_be_asked_later"
    OUT_OF_TIME = "out_of_time"
    QUEUE_BEHIND = "the_queue_is_behind"
    LEASE_LOST = "lease_lost"
    # Followed by a colon and the error's type.
    ERROR = "error"
    # Why a run has not ended, in the report that it leaves behind on its way.
    UNDER_WAY = "under_way_or_killed"

    @property
    def is_idle(self) -> bool:
        """Whether the run ended before it checked anything. A zero in its report does not mean "none found"."""
        return self in {StopReason.LEASE_HELD, StopReason.REQUESTED_LATER}

    @property
    def is_temporary(self) -> bool:
        """Whether a run some seconds later may get further."""
        return self.is_idle or self in {StopReason.LEASE_LOST, StopReason.QUEUE_BEHIND}

    @property
    def continues_at_once(self) -> bool:
        """Whether the next run can begin at once."""
        return self in {StopReason.EVERYTHING_SERVED, StopReason.OUT_OF_TIME}


class RunEndedError(RuntimeError):
    """The rest of the work is for the next run. The text is the report's ``stopped``."""


def stop_reason(stopped: str) -> StopReason | Failure | None:
    """The reason that a report's ``stopped`` begins with; None for one of another version."""
    name = stopped.partition(":")[0]
    if name in StopReason:
        return StopReason(name)
    return Failure(name) if name in Failure else None
