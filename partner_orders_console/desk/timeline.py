"""The life of an order as a drawing: each step by the platform's clock, and when it reached us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import log1p

from partner_orders.order_events.message import WEBHOOK
from partner_orders_console.operations.order_life import LifeStep

WIDTH = 1_000
_MARGIN = 30


@dataclass(frozen=True)
class Mark:
    """A step as it is drawn: where it happened by the platform's clock, if that is known, and where it arrived, on a
    line of ``WIDTH``; ``shape`` tells where it came from. ``number`` is its place in the list of steps, from 1."""

    number: int
    shape: str
    happened: float | None
    arrived: float
    is_present: bool


@dataclass(frozen=True)
class Timeline:
    """``first`` and ``last`` are the times at both ends. Long gaps are shortened, so the drawing is not to scale."""

    marks: list[Mark]
    first: datetime | None
    last: datetime | None


def timeline(steps: Sequence[LifeStep]) -> Timeline:
    """The drawing of an order's steps."""
    instants = sorted({time for step in steps for time in (step.occurred_at, step.received_at) if time})
    if not instants:
        return Timeline([], None, None)
    places = _places(instants)
    marks = [
        Mark(
            number,
            _shape(step),
            places[step.occurred_at] if step.occurred_at and not step.is_answer else None,
            places[step.received_at],
            step.is_present,
        )
        for number, step in enumerate(steps, start=1)
    ]
    return Timeline(marks, instants[0], instants[-1])


def _places(instants: Sequence[datetime]) -> dict[datetime, float]:
    """Where each time is drawn: in order, a gap by the logarithm of its seconds."""
    gaps = [0.0]
    for before, after in pairwise(instants):
        gaps.append(gaps[-1] + 0.5 + log1p((after - before).total_seconds()))
    room = WIDTH - 2 * _MARGIN
    return {
        instant: round(_MARGIN + (room * gap / gaps[-1] if gaps[-1] else room / 2), 1)
        for instant, gap in zip(instants, gaps, strict=True)
    }


def _shape(step: LifeStep) -> str:
    if step.is_answer:
        return "answer"
    return "webhook" if step.source == WEBHOOK else "other"
