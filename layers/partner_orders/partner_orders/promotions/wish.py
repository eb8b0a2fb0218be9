"""What the chain wants of a promotion, and what became of it (docs/platform.md 10)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from partner_orders.catalogue.channel import Channel

# A promotion that was made by a channel is changed by the same one only.
__all__ = ["Channel", "Outcome", "Wish"]


class Outcome(StrEnum):
    """What became of a wish. ``waiting``: not sent yet, or nobody knows whether it took effect. ``submitted``: the
    platform has a job of it. ``done``: the job is completed, ``done_in_part`` where it left something out. ``failed``:
    the job failed. ``duplicate``: the platform says that it has the same already, which nobody sent. ``refused``: the
    platform takes no such body. ``over``: the promotion's time ended. ``overtaken``: there is a newer wish."""

    WAITING = "waiting"
    SUBMITTED = "submitted"
    DONE = "done"
    DONE_IN_PART = "done_in_part"
    FAILED = "failed"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    OVER = "over"
    OVERTAKEN = "overtaken"

    @property
    def is_done(self) -> bool:
        return self in {Outcome.DONE, Outcome.DONE_IN_PART}


@dataclass(frozen=True, slots=True)
class Wish:
    """``number`` counts the wishes of a promotion. The highest is the newest, except that an end for later comes back
    at its time. ``digest`` names the body to be sent, which is kept. ``is_end``: the body is not active. ``by`` and
    ``why`` tell who wished it and their words, ``at`` when. ``not_before`` is of an end that was set for a later time.
    ``after`` is the id of another promotion that must have ended first. ``document`` names the document that the body
    was made of; empty where there is none."""

    number: int
    digest: str
    is_end: bool
    by: str
    why: str
    at: datetime
    not_before: datetime | None = None
    after: str = ""
    document: str = ""

    @property
    def due(self) -> datetime:
        """From when on it is to be sent."""
        return self.at if self.not_before is None else max(self.at, self.not_before)
