"""What a part of a run may still do."""

from collections.abc import Callable


class Turn:
    """How many requests a part of a run may still make, and whether it may still tell of something."""

    def __init__(self, left: int, may_start: Callable[[], bool]) -> None:
        self.left = left
        self.may_tell = True
        self._may_start = may_start

    def take(self) -> bool:
        """Count a request; False where there may be none."""
        if not self.left or not self._may_start():
            return False
        self.left -= 1
        return True
