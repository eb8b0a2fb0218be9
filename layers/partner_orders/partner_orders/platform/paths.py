"""Ids as parts of a path."""

from urllib.parse import quote

from partner_orders.platform.failures import Failure, PartnerApiError


def segment(text: str) -> str:
    """An id as a part of a path. Raises PartnerApiError for one that would name another path."""
    if not text.strip("."):
        raise PartnerApiError(Failure.NOT_FOUND)
    return quote(text, safe="")
