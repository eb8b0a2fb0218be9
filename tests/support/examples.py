"""How many examples a property that calls the table is tried with."""

from hypothesis import settings


def examples(usual: int) -> int:
    """A sixth of the usual number under the profiles of `make test` and `make test-fast`."""
    return max(1, usual // {"test": 6, "fast": 6}.get(settings.get_current_profile_name(), 1))
