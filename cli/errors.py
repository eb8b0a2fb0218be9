"""What goes wrong, for a person: what failed, why, and what to do."""


class OperatorError(RuntimeError):
    """A fault that the operator can do something about; ``advice`` says what. Neither text holds secrets or personal
    data."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class CancelledByOperatorError(RuntimeError):
    """The operator was asked, and said no."""
