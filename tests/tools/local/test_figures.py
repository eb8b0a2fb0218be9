"""The figures of `make run` add up, and each one is explained."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from partner_orders.order_events.message import RECONCILIATION, WEBHOOK
from tools.local.figures import SUMS, Figures, last_line, mismatches, summary
from tools.local.hour import way_of

HOUR = Figures(
    orders=120, events=331, acknowledged=299, dropped=16, given_up=16, requests=480, retries=120, duplicates=27,
    garbage=18, rejected=10, repeated=2, ignored=5, refused=1, stored=120, by_webhook=29, never_arrived=14,
    shown_only=77,
)  # fmt: skip


def test_printed_counts_add_up() -> None:
    """Each block that is printed adds up to its first line."""
    blocks = summary(HOUR, 4, 60.0).strip().split("\n\n")[1:]
    assert len(blocks) == len(SUMS)
    for block in blocks:
        total, *parts = (int(re.findall(r"\d+", line)[0]) for line in block.splitlines())
        assert total == sum(parts)


def test_recovered_is_split_in_the_last_line() -> None:
    """The last line has the recovered orders, and the two reasons that they are the sum of."""
    assert last_line(HOUR) == (
        "run: orders=120 events=331 stored=120 rejected=10 recovered=91 never_arrived=14 shown_only=77 lost=0"
    )


def test_wrong_sum_is_named() -> None:
    """A count that is not the sum of its parts is named, for each of the sums."""
    assert mismatches(HOUR) == []
    assert mismatches(HOUR + HOUR) == []
    for name in SUMS:
        [line, *_] = mismatches(replace(HOUR, **{name: getattr(HOUR, name) + 1}))
        assert "do not add up" in line
    assert mismatches(replace(HOUR, orders=121)) == [
        "the counts do not add up: orders 121 is not by_webhook 29 + never_arrived 14 + shown_only 77 + wrong 0"
    ]


def test_order_is_counted_by_how_it_came() -> None:
    """An order counts by how its last state came: by webhook, or recovered for one of two reasons."""

    def way(source: str, **outcomes: str) -> str:
        stored: Any = SimpleNamespace(snapshot=SimpleNamespace(source=source))
        return way_of(stored, "PICKED_UP", [{"status": status, "outcome": end} for status, end in outcomes.items()])

    assert way(WEBHOOK, PICKED_UP="acknowledged") == "by_webhook"
    assert way(RECONCILIATION, PICKED_UP="never_sent") == "never_arrived"
    assert way(RECONCILIATION, PICKED_UP="gave_up") == "never_arrived"
    assert way(RECONCILIATION, RECEIVED="never_sent") == "shown_only"
