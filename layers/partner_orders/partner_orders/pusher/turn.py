"""What a part of a run may still do, and what ended it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from partner_orders.aws.error_codes import code_of
from partner_orders.platform.failures import OutOfTimeError, PartnerApiError


class Turn:
    """How many requests a part of a run may still make, and whether it may still tell of something. ``error`` is what
    ended it for all."""

    def __init__(self, left: int, may_start: Callable[[], bool]) -> None:
        self.left = left
        self.may_tell = True
        self.error: PartnerApiError | None = None
        self._may_start = may_start

    def take(self) -> bool:
        """Count a request; False where there may be none."""
        if not self.left or not self._may_start():
            return False
        self.left -= 1
        return True

    @contextmanager
    def serving(self, faults: Counter[str], written_meanwhile: type[Exception]) -> Iterator[None]:
        """Serve one thing. What fails is of that thing, and counted in ``faults``, or ends the requests of the turn.
        Where it was written meanwhile, the next run sees what was written."""
        try:
            yield
        except written_meanwhile:
            return
        except OutOfTimeError:
            self.left = 0
        except PartnerApiError as error:
            self.error, self.left = error, 0
        except Exception as error:
            faults[code_of(error)] += 1
