"""Ids as parts of a path."""

from urllib.parse import quote

from partner_orders.platform.failures import Failure, PartnerApiError


def is_segment(text: str) -> bool:
    """Whether an id can be a part of a path; one of dots alone would name another path."""
    return bool(text.strip("."))


def segment(text: str) -> str:
    """An id as a part of a path. Raises PartnerApiError for one that cannot be one."""
    if not is_segment(text):
        raise PartnerApiError(Failure.NOT_FOUND)
    return quote(text, safe="")
