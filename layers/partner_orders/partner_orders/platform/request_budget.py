"""The chain's one request budget: who may make how many requests in any 60 seconds (docs/platform.md 4.5).

Pure: blocks of permits, and how many may still be granted at a time. A share that nobody uses is lent to whoever is
more urgent, and never to whoever is less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

WINDOW = timedelta(seconds=60)
# How long a permit may wait to be used, and how long its request may take. The clients wait 43 s at most, to connect
# and for the response; to look up the host, and to try its other addresses, may come on top.
USABLE = timedelta(seconds=10)
LONGEST_REQUEST = timedelta(seconds=60)
# The service's ``Date`` has whole seconds, and its servers' clocks differ a little.
CLOCK_MARGIN = timedelta(seconds=2)
# How long a block counts of which nobody says what became of it.
COUNTS = USABLE + LONGEST_REQUEST + WINDOW + CLOCK_MARGIN
# How many blocks the row of all blocks holds, far below the 400 KB of an item.
MAX_BLOCKS = 1_000
# The split is of this many requests, the platform's usual limit. Any other limit is split in the same proportions.
_OF = 60


class Share(IntEnum):
    """Who requests, the most urgent first."""

    ANSWERS = 0
    STORE_STATUS = 1
    RECONCILIATION = 2
    CATALOGUE = 3


# Of 60 requests, the most that each share and all less urgent ones get together. Four are left unused: the platform may
# count a little differently.
_CEILINGS = {Share.ANSWERS: 56, Share.STORE_STATUS: 36, Share.RECONCILIATION: 32, Share.CATALOGUE: 20}


@dataclass(frozen=True)
class Block:
    """Permits that were granted together. They count until a minute after the last response that they may bring."""

    block_id: str
    share: Share
    permits: int
    counts_until: datetime


@dataclass(frozen=True)
class Grant:
    """Permits; or none, and when it may be worth asking again."""

    permits: int
    ask_again_at: datetime | None = None


def ceiling(share: Share, limit_per_minute: int) -> int:
    """The most that a share and all less urgent ones get together, in any 60 seconds."""
    return max(1, limit_per_minute * _CEILINGS[share] // _OF)


def counting(blocks: Iterable[Block], now: datetime) -> tuple[Block, ...]:
    """The blocks that still count."""
    return tuple(block for block in blocks if block.counts_until > now)


def grant(blocks: Sequence[Block], share: Share, wanted: int, limit_per_minute: int, now: datetime) -> Grant:
    """How many of the ``wanted`` permits a share gets now, beside the blocks of everybody."""
    present = counting(blocks, now)
    free = min(
        ceiling(urgent, limit_per_minute) - sum(block.permits for block in present if block.share >= urgent)
        for urgent in Share
        if urgent <= share
    )
    if free > 0 and len(present) < MAX_BLOCKS:
        return Grant(min(free, wanted))
    return Grant(0, min(block.counts_until for block in present))


def settled(
    blocks: Iterable[Block], share: Share, ended: Mapping[str, Sequence[datetime]], now: datetime
) -> tuple[Block, ...]:
    """The blocks after a worker of a share has handed some back. ``ended`` has, by a block's id, when the response came
    to each permit that was used: it counts for a minute from then. The other permits no longer count."""
    others = [block for block in blocks if block.block_id not in ended]
    # No response came after this; a worker's clock may say so.
    latest = now + CLOCK_MARGIN
    used = [
        Block(block_id, share, 1, min(time, latest) + WINDOW)
        for block_id, times in sorted(ended.items())
        for time in times
    ]
    return counting([*others, *used], now)


def nothing_left(limit_per_minute: int, now: datetime) -> Block:
    """A block in place of blocks that cannot be read: it holds the whole budget for as long as any of them may
    count."""
    return Block("unreadable", max(Share), limit_per_minute, now + COUNTS)
