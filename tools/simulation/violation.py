"""What the simulator finds."""


class Violation(AssertionError):  # noqa: N818 (a finding of ours, not an error)
    """Something that must hold does not."""
