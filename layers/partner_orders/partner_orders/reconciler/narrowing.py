"""Narrows a failure that one order or one minute causes down to that minute, within the bounds of one visit."""

from datetime import datetime, timedelta

from partner_orders.clock import Clock
from partner_orders.platform.failures import PartnerApiError, PlatformUnavailableError
from partner_orders.reconciler.windows import LeftOut, Part, Parts

# So many parts of a visit may fail, for so long in all; what is not narrow by then is narrowed by the next visits.
MAX_FAILED_PARTS = 20
MAX_DURATION = timedelta(minutes=2)


class Narrowing:
    """What one visit of a store spends on parts that fail. Narrowing begins at the first of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed_parts = 0
        self._began_at: datetime | None = None
        self._failing_until: datetime | None = None
        self._left_out_when_spent = False

    @property
    def is_under_way(self) -> bool:
        """Whether a failure is known, or likely, to be in what comes next."""
        return self._failing_until is not None or self._left_out_when_spent

    @property
    def has_begun(self) -> bool:
        return self._began_at is not None

    @property
    def is_spent(self) -> bool:
        is_over = self._began_at is not None and self._clock() - self._began_at >= MAX_DURATION
        return is_over or self._failed_parts >= MAX_FAILED_PARTS

    def begin(self) -> None:
        self._began_at = self._clock()

    def skips(self, left_out: LeftOut, tries_all: bool) -> bool:
        """Whether what was left out before is left out again without a request. ``tries_all`` has what is not due tried
        as well."""
        is_due = tries_all or left_out.is_due(self._clock())
        return left_out.is_narrow and (self.is_spent or not is_due)

    def after_reading(self, part: Part) -> None:
        """What failed as a whole may have been read in parts by now."""
        if self._failing_until is not None and part.end >= self._failing_until:
            self._failing_until = None

    def halve(self, part: Part, parts: Parts) -> None:
        """Go on with the first half of a part."""
        self._failing_until = part.end
        parts.halve(part)

    def after_failure(self, part: Part, parts: Parts, error: PartnerApiError) -> LeftOut | None:
        """Go on after a part that failed: with its first half, or, if it is not to be narrowed further in this visit,
        with what comes after it; then, what is left out. Raises the error if no more may fail."""
        is_spent = self.is_spent
        self._failed_parts += 1
        if not part.is_shortest and not is_spent:
            self.halve(part, parts)
            return None
        self._failing_until = None
        if is_spent:
            if self._left_out_when_spent:
                raise error
            self._left_out_when_spent = True
            parts.leave_out(part)
        else:
            parts.was_read(part)
        return LeftOut(part.start, part.end, str(error), self._clock())


def may_be_narrowed(error: PartnerApiError, part: Part) -> bool:
    """Whether one order, or one minute, may be why a part failed. What contradicts itself (``is_of_window``) is read in
    parts anyway, down to a minute."""
    if isinstance(error, PlatformUnavailableError):
        return False
    return error.failure.may_be_of_one_order or (error.is_of_window and part.is_shortest)
