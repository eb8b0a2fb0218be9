"""What the platform says of a promotion's job: how far it is, and what it left out."""

from collections.abc import Iterable, Mapping
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


def bounded(
    invalid_vendors: Iterable[str],
    missing_skus: Mapping[str, Iterable[str]],
    invalid_discounted_skus: Mapping[str, Iterable[str]],
) -> JobResult:
    """The first entries of the platform's lists, and how many there are."""
    vendors = [*invalid_vendors]
    missing, invalid = _pairs(missing_skus), _pairs(invalid_discounted_skus)
    kept_vendors = vendors[:MOST_KEPT]
    kept_missing = missing[: MOST_KEPT - len(kept_vendors)]
    kept_invalid = invalid[: MOST_KEPT - len(kept_vendors) - len(kept_missing)]
    return JobResult(
        tuple(vendor[:MAX_ID] for vendor in kept_vendors),
        tuple(kept_missing),
        tuple(kept_invalid),
        len(vendors) + len(missing) + len(invalid),
    )


def _pairs(skus_of: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    return [(vendor[:MAX_ID], sku[:MAX_ID]) for vendor, skus in skus_of.items() for sku in skus]
