"""What the platform says of a promotion's job: how far it is, and what it left out."""

from dataclasses import dataclass
from enum import StrEnum

# So many entries of the three lists together are kept; the others are counted.
MOST_KEPT = 100
# Longer ids than any, which are cut.
MAX_ID = 64  # characters


class JobStatus(StrEnum):
    """The words that are known. The platform may say another one."""

    QUEUED = "QUEUED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    DUPLICATE = "DUPLICATE"

    @property
    def is_end(self) -> bool:
        return self is not JobStatus.QUEUED


@dataclass(frozen=True, slots=True)
class JobResult:
    """``missing_skus`` and ``invalid_discounted_skus`` are pairs of a store and a SKU. ``count`` is how many entries
    the platform's lists had; at most MOST_KEPT of them are kept."""

    invalid_vendors: tuple[str, ...] = ()
    missing_skus: tuple[tuple[str, str], ...] = ()
    invalid_discounted_skus: tuple[tuple[str, str], ...] = ()
    count: int = 0


NOTHING_LEFT_OUT = JobResult()


class LeftOut:
    """Collects the entries of the platform's lists, of which there may be millions: the first ones are kept."""

    def __init__(self) -> None:
        self._count = 0
        self._vendors: list[str] = []
        self._missing: list[tuple[str, str]] = []
        self._invalid: list[tuple[str, str]] = []

    def vendor(self, vendor: str) -> None:
        """A store that the platform does not know."""
        if self._is_kept():
            self._vendors.append(vendor[:MAX_ID])

    def missing(self, vendor: str, sku: str) -> None:
        """A SKU that the store does not have."""
        if self._is_kept():
            self._missing.append((vendor[:MAX_ID], sku[:MAX_ID]))

    def invalid(self, vendor: str, sku: str) -> None:
        """A SKU whose discount the platform does not take."""
        if self._is_kept():
            self._invalid.append((vendor[:MAX_ID], sku[:MAX_ID]))

    def result(self) -> JobResult:
        return JobResult(tuple(self._vendors), tuple(self._missing), tuple(self._invalid), self._count)

    def _is_kept(self) -> bool:
        self._count += 1
        return self._count <= MOST_KEPT
