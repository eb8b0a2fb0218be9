"""The names of files: the platform fails a file of any other name (docs/platform.md 11)."""

from enum import StrEnum

from partner_orders.catalogue.channel import FilePlace, Layout


class FileKind(StrEnum):
    CATALOGUE = "catalogue"
    PROMOTIONS = "promotions"


MOST_PARTS = 20  # in which names are looked at; far more than any store needs
# Rows of one file; of promotions the line with the columns counts, too.
MOST_ROWS = {FileKind.CATALOGUE: 1_500_000, FileKind.PROMOTIONS: 19_999}


def base_name(place: FilePlace, store_id: str) -> str:
    """What a file is known by: ``<prefix>_<vendor>``, or ``<prefix>`` where several stores share it."""
    return place.prefix if place.layout is Layout.MANY_VENDORS else f"{place.prefix}_{place.vendor_of(store_id)}"


def file_names(place: FilePlace, store_id: str, parts: int) -> list[str]:
    """The names of a file in so many parts; a file in one part has no number."""
    numbers = [""] if parts == 1 else [str(number) for number in range(1, parts + 1)]
    end = "" if place.layout is Layout.MANY_VENDORS else f"_{place.vendor_of(store_id)}"
    return [f"{place.prefix}{number}{end}.csv" for number in numbers]


def all_names(place: FilePlace, store_id: str) -> set[str]:
    """The names that a file may have, in one part or in many."""
    return {*file_names(place, store_id, 1), *file_names(place, store_id, MOST_PARTS)}
