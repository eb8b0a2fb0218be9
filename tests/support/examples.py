"""How many examples a property that calls the table is tried with."""

from hypothesis import settings


def examples(usual: int) -> int:
    """A quarter of the usual number under the profile of `make test`, a fifth under that of `make test-fast`."""
    return max(1, usual // {"test": 4, "fast": 5}.get(settings.get_current_profile_name(), 1))
