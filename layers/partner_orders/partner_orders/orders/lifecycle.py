"""The life of an order: what its statuses mean, and which of two is further (docs/platform.md 2.2, 2.3)."""

import re

RECEIVED = "RECEIVED"
ACCEPTED = "ACCEPTED"
READY_FOR_PICKUP = "READY_FOR_PICKUP"
DISPATCHED = "DISPATCHED"
PICKED_UP = "PICKED_UP"
DELIVERED = "DELIVERED"
CANCELLED = "CANCELLED"

# Other spellings of one status. The platform's own pages have the misprints (docs/platform.md 7).
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_SPELLINGS = {"CANCELED": CANCELLED, "DISPACHED": DISPATCHED}

# A status that is not here is one the platform has added: it ranks lowest, is open and is not final.
_RANK = {
    RECEIVED: 1,
    ACCEPTED: 2,
    READY_FOR_PICKUP: 3,
    DISPATCHED: 4,
    PICKED_UP: 5,
    DELIVERED: 6,
    CANCELLED: 7,
}
_FINAL = frozenset({PICKED_UP, DELIVERED, CANCELLED})
# PICKED_UP and DELIVERED are promised to nobody: GET shows them, and some brands send them (docs/platform.md 2.2).
_SENT = frozenset({RECEIVED, READY_FOR_PICKUP, DISPATCHED, CANCELLED})
_LEFT_THE_STORE = frozenset({DISPATCHED, PICKED_UP, DELIVERED})


def normalise(status: str) -> str:
    """A status as we compare it: upper case, and one spelling of those we know. The platform's is not relied on."""
    upper = status.strip().upper()
    words = "_".join(_BETWEEN_WORDS.split(upper))
    words = _SPELLINGS.get(words, words)
    return words if words in _RANK else upper


def is_known(status: str) -> bool:
    return status in _RANK


def is_final(status: str) -> bool:
    """A final status is never undone by one that is not."""
    return status in _FINAL


def is_open(status: str) -> bool:
    """Not yet dispatched, picked up, delivered or cancelled. Unknown statuses are open."""
    return status not in _LEFT_THE_STORE and status != CANCELLED


def is_sent(status: str) -> bool:
    """Whether the platform says that it sends a webhook when an order gets to this status."""
    return status in _SENT


def rank(status: str) -> int:
    """The place of a status in the lifecycle; 0 for one we do not know."""
    return _RANK.get(status, 0)


def has_left_the_store(status: str) -> bool:
    """Dispatched, picked up or delivered, so a sale."""
    return status in _LEFT_THE_STORE
