"""How many examples a property that calls the table is tried with."""

from hypothesis import settings


def examples(usual: int) -> int:
    """A fifth of the usual number under the profile of `make test-fast`, the usual number otherwise."""
    return max(1, usual // 5) if settings.get_current_profile_name() == "fast" else usual
