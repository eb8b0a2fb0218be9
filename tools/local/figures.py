"""The counts of `make run`: what each one is part of, and how they are printed."""

from dataclasses import dataclass

# A count, and the counts that it is the sum of.
SUMS = {
    "events": ("acknowledged", "dropped", "given_up"),
    "requests": ("first_tries", "retries", "duplicates", "garbage"),
    "garbage": ("rejected", "repeated", "ignored", "refused", "garbage_lost"),
    "orders": ("by_webhook", "never_arrived", "shown_only", "wrong"),
}


@dataclass
class Figures:
    """Counts of one hour, or of several hours together.

    ``dropped`` are events that the platform never sent, on purpose; ``given_up`` those that it gave up after its last
    try. ``enqueued`` is what the reconciler put on the queue. ``rejected`` to ``garbage_lost`` say what became of the
    bodies that are not order events. ``by_webhook`` to ``wrong`` say how each order came to its last state: by
    webhooks; by the reconciler, since the last webhook never arrived, or since only the Partner API shows that state;
    or not at all.
    """

    phase: str = ""
    orders: int = 0
    events: int = 0
    acknowledged: int = 0
    dropped: int = 0
    given_up: int = 0
    requests: int = 0
    retries: int = 0
    duplicates: int = 0
    garbage: int = 0
    rejected: int = 0
    repeated: int = 0
    ignored: int = 0
    refused: int = 0
    garbage_lost: int = 0
    stored: int = 0
    enqueued: int = 0
    by_webhook: int = 0
    never_arrived: int = 0
    shown_only: int = 0
    wrong: int = 0
    waiting: int = 0
    lost: int = 0

    @property
    def settled(self) -> int:
        return self.acknowledged + self.dropped + self.given_up

    @property
    def first_tries(self) -> int:
        return self.events - self.dropped

    @property
    def recovered(self) -> int:
        return self.never_arrived + self.shown_only

    def __add__(self, other: "Figures") -> "Figures":
        """The figures of two hours together."""
        summed = {name: value + getattr(other, name) for name, value in vars(self).items() if name != "phase"}
        return Figures(other.phase, **summed)

    def __str__(self) -> str:
        return (
            f"events acknowledged {self.acknowledged} of {self.events}  orders stored {self.stored} of {self.orders}"
            f"  rejected {self.rejected}  enqueued by the reconciler {self.enqueued}  waiting {self.waiting}"
        )


def mismatches(figures: Figures) -> list[str]:
    """The counts that are not the sum of their parts, a line for each."""
    wrong = []
    for name, parts in SUMS.items():
        total, counts = getattr(figures, name), {part: getattr(figures, part) for part in parts}
        if total != sum(counts.values()):
            summed = " + ".join(f"{part} {count}" for part, count in counts.items())
            wrong.append(f"the counts do not add up: {name} {total} is not {summed}")
    return wrong


def summary(figures: Figures, brands: int, seconds: float) -> str:
    """What happened, count by count; each block adds up to its first line."""
    blocks = (
        (
            ("events", "events of {orders} orders"),
            ("acknowledged", "acknowledged by the webhook"),
            ("dropped", "never sent, on purpose"),
            ("given_up", "given up by the platform after six tries"),
        ),
        (
            ("requests", "requests to the webhook"),
            ("first_tries", "events for the first time"),
            ("retries", "retries"),
            ("duplicates", "events sent twice, on purpose"),
            ("garbage", "bodies that are not order events"),
        ),
        (
            ("garbage", "bodies that are not order events"),
            ("rejected", "stored as rejected, with the reason"),
            ("repeated", "the same body again, stored once"),
            ("ignored", "acknowledged and only counted: empty, or a catalogue callback"),
            ("refused", "not acknowledged"),
            ("garbage_lost", "LOST"),
        ),
        (
            ("orders", "orders on the platform, {stored} of them stored"),
            ("by_webhook", "up to date by webhooks alone"),
            ("never_arrived", "recovered: the webhook of their last status never arrived"),
            ("shown_only", "recovered: only the Partner API shows their last state"),
            ("wrong", "LOST or different"),
        ),
    )
    lines = [f"\n  Played {brands} brands in {seconds:.0f} s."]
    for block in blocks:
        shown = [row for row in block if row is block[0] or getattr(figures, row[0]) or row[0] in {"dropped", "wrong"}]
        lines.append("")
        for name, text in shown:
            indent = "" if (name, text) == block[0] else "  "
            lines.append(f"  {getattr(figures, name):5}  {indent}{text.format(**vars(figures))}")
    return "\n".join(lines) + "\n"


def last_line(figures: Figures) -> str:
    """The result for programs."""
    names = ("orders", "events", "stored", "rejected", "recovered", "never_arrived", "shown_only", "lost")
    return "run: " + " ".join(f"{name}={getattr(figures, name)}" for name in names)
