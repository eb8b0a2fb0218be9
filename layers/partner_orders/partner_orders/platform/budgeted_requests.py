"""Requests within the chain's budget, which all functions and commands share through a small table of its own.

A permit is used within seconds or lost, and counts until a minute after its response came, or had to come. Time is the
service's, by the ``Date`` of its responses, so that a wrong clock does no harm. Whatever fails, nothing is requested.
"""

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, absent, equals
from partner_orders.clock import from_text, to_text
from partner_orders.platform.rate_limit import nothing
from partner_orders.platform.request_budget import (
    CLOCK_MARGIN,
    COUNTS,
    USABLE,
    WINDOW,
    Block,
    Grant,
    Share,
    ceiling,
    counting,
    grant,
    nothing_left,
    settled,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
KEY = Key("REQUEST_BUDGET", "REQUEST_BUDGET")
# About how long to wait where another worker wrote the row meanwhile.
CONTENTION_SECONDS = 0.05
# Others may hand permits back meanwhile, and the caller may have a lease to renew.
LONGEST_SLEEP_SECONDS = 5.0
HAND_BACK_TRIES = 3


class RequestBudgetTable:
    """The row with everybody's blocks. Every method raises botocore's errors, and LookupError for a response without
    ``Date``."""

    def __init__(self, client: "DynamoDBClient", table_name: str, limit_per_minute: int) -> None:
        self._table = Table(client, table_name)
        self.limit_per_minute = limit_per_minute

    def take(
        self, block_id: str, share: Share, wanted: int, ended: dict[str, list[datetime]]
    ) -> tuple[Grant, datetime]:
        """Get permits as a block, and hand back the blocks of ``ended`` (see ``settled``): the grant, and the service's
        time. Raises ConditionFailedError if another worker wrote the row meanwhile."""
        row, now = self._table.get_with_time(KEY)
        stored = self._stored(row, now)
        present = (nothing_left(self.limit_per_minute, now),) if stored is None else counting(stored, now)
        blocks = settled(present, share, ended, now)
        granted = grant(blocks, share, wanted, self.limit_per_minute, now)
        if granted.permits:
            blocks = (*blocks, Block(block_id, share, granted.permits, now + COUNTS))
        if stored is None or blocks != present:
            self._write(row or {}, blocks)
        return granted, now

    def _stored(self, row: Row | None, now: datetime) -> list[Block] | None:
        """The blocks of the row; None if they cannot be read."""
        if row is None:
            return []
        try:
            if row["schema_version"] != SCHEMA_VERSION:
                return None
            return [_block(entry, now) for entry in row["blocks"]]
        except (AttributeError, LookupError, TypeError, ValueError):
            return None

    def _write(self, row: Row, blocks: tuple[Block, ...]) -> None:
        version = row.get("version")
        next_version = version + 1 if isinstance(version, int) else 1
        update = Update().set("schema_version", SCHEMA_VERSION).set("version", next_version)
        update.set("blocks", [_plain(block) for block in blocks])
        is_as_read = equals("version", version) if "version" in row else absent("version")
        self._table.update(KEY, update.only_if(is_as_read))


@dataclass
class _Held:
    """The block that a worker holds: the permits that are left, by when they have to be used, in the worker's seconds,
    and when responses came to the others, by the service's time."""

    block_id: str
    left: int
    usable_until: float
    ended: list[datetime] = field(default_factory=list)


class BudgetedRequests:
    """The limit of one worker that makes one request at a time. ``seconds`` is a clock as PassedSeconds is, ``sleep``
    waits by it."""

    def __init__(
        self,
        table: RequestBudgetTable,
        share: Share,
        block_size: int,
        seconds: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._table = table
        self._share = share
        self._block_size = block_size
        self._seconds = seconds
        self._sleep = sleep
        self._jitter = jitter
        self._held: _Held | None = None
        # Blocks that the table may still hold, though this worker uses them no more.
        self._to_hand_back: dict[str, list[datetime]] = {}
        self._service_time: tuple[float, datetime] | None = None
        self.per_minute = ceiling(share, table.limit_per_minute)

    def wait(self, remaining_seconds: float, keep_alive: Callable[[], None] = nothing) -> bool:
        """Wait until one request may be sent. False, as soon as that is known to be after ``remaining_seconds``. Raises
        botocore's errors and LookupError: then nothing may be sent."""
        deadline = self._seconds() + remaining_seconds
        while not self._has_permit():
            pause = self._take(self._block_size)
            if not self._has_permit() and self._seconds() + pause > deadline:
                return False
            if pause:
                self._sleep(min(pause, LONGEST_SLEEP_SECONDS))
                keep_alive()
        return True

    def record(self) -> None:
        """Count a request: its response came, or it was given up."""
        if self._held is None or self._service_time is None:
            raise AssertionError("a request is made only with a permit")
        asked_at, then = self._service_time
        self._held.left -= 1
        # The service's time, at the latest.
        passed = timedelta(seconds=self._seconds() - asked_at)
        self._held.ended.append(then + passed + CLOCK_MARGIN)

    def recent(self) -> int:
        """None that the next worker has to be told of: they are in the table."""
        return 0

    def assume(self, requests: int, seconds_ago: float) -> None:
        """Count nothing: the requests of other workers are in the table."""

    def hand_back(self) -> None:
        """Hand back what is left over, so that others get it at once. If that fails, it counts until its time."""
        for _ in range(HAND_BACK_TRIES):
            if self._held is None and not self._to_hand_back:
                return
            try:
                pause = self._take(0)
            except (BotoCoreError, ClientError, LookupError):
                return
            if self._to_hand_back:
                self._sleep(pause)

    def _has_permit(self) -> bool:
        return self._held is not None and self._held.left > 0 and self._seconds() < self._held.usable_until

    def _take(self, wanted: int) -> float:
        """Hand back the block that is held, and ask for another; how many seconds to wait before asking again, 0 if
        permits were granted."""
        if self._held is not None:
            self._to_hand_back[self._held.block_id] = self._held.ended
            self._held = None
        block_id, asked_at, ended = secrets.token_hex(8), self._seconds(), self._to_hand_back.copy()
        # Where no response says whether the block was granted, it is handed back.
        self._to_hand_back[block_id] = []
        try:
            granted, now = self._table.take(block_id, self._share, wanted, ended)
        except ConditionFailedError:
            return CONTENTION_SECONDS * (0.5 + self._jitter())
        self._to_hand_back.clear()
        self._service_time = asked_at, now
        if granted.permits:
            self._held = _Held(block_id, granted.permits, asked_at + USABLE.total_seconds())
            return 0.0
        later = (granted.ask_again_at or now) - now
        return max(CONTENTION_SECONDS, later.total_seconds())


def _block(entry: Row, now: datetime) -> Block:
    """A stored block. Raises LookupError, TypeError and ValueError."""
    block_id, permits, counts_until = entry["id"], entry["permits"], from_text(entry["counts_until"])
    is_granted = isinstance(block_id, str) and isinstance(permits, int) and permits > 0
    if not is_granted or counts_until > now + COUNTS + WINDOW:
        raise ValueError("a block that nobody was granted")
    return Block(block_id, Share[entry["share"]], permits, counts_until)


def _plain(block: Block) -> Row:
    until = to_text(block.counts_until)
    return {"id": block.block_id, "share": block.share.name, "permits": block.permits, "counts_until": until}
