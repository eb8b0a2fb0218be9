"""The report of a run: what it checked, what it found, what it could not check and why."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from partner_orders.clock import to_text
from partner_orders.reconciler.windows import LeftOut

# Named in full up to here; beyond it, counted.
MAX_NAMED = 200
COUNTS = (
    *("stores_checked", "orders_checked", "in_step", "missing", "before_registration", "different", "webhooks_missed"),
    *("not_understood", "not_shown", "confirmed", "enqueued", "requests"),
)


@dataclass(frozen=True)
class Repair:
    """An order that was missing, or different in ``fields``. ``late_seconds`` is the age of its state when found;
    ``webhook_missed`` says that a webhook which the platform promises for that state never reached us;
    ``before_registration`` that the missing order is older than what we know of its store, so that none was due."""

    order_id: str
    store_id: str
    found: str
    status: str
    webhook_missed: bool
    before_registration: bool = False
    fields: tuple[str, ...] = ()
    late_seconds: int | None = None


@dataclass
class Report:
    """Store and order ids, statuses and names of fields; nothing of an order's content.

    ``round_seconds`` is how often every store can be checked within the rate limit; ``stopped`` says why the run ended
    before everything was served (stop_reason.py); ``token_age_days`` how long ago the credentials were stored.
    ``damped`` are the orders that differ at each look and wait, with the names of the fields in which they do.
    ``left_out`` has, by store, the times that could not be read when they were last tried, and were left out.
    ``silent_stores`` is None until they were looked for; ``is_regular`` is false for a run that served backfills only.
    """

    started_at: datetime
    is_regular: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    stores: dict[str, Counter[str]] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)
    failed_stores: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, tuple[LeftOut, ...]] = field(default_factory=dict)
    silent_stores: list[str] | None = None
    not_shown: list[str] = field(default_factory=list)
    too_large: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    damped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    api_errors: Counter[str] = field(default_factory=Counter)
    round_seconds: int = 0
    token_age_days: int | None = None
    stopped: str = ""

    def add(self, repair: Repair) -> None:
        found = [repair.found]
        found += ["before_registration"] if repair.before_registration else []
        found += ["webhooks_missed"] if repair.webhook_missed else []
        self.counts.update(found)
        self.stores.setdefault(repair.store_id, Counter()).update(found)
        if len(self.repairs) < MAX_NAMED:
            self.repairs.append(repair)

    @property
    def minutes_left_out(self) -> int:
        """How many minutes of all stores are left out; a part of a minute counts as one."""
        times = [left_out.end - left_out.start for store in self.left_out.values() for left_out in store]
        return sum(max(1, round(time / timedelta(minutes=1))) for time in times)

    def to_json(self) -> dict[str, Any]:
        return {
            "started_at": to_text(self.started_at),
            "regular": self.is_regular,
            **{name: self.counts[name] for name in COUNTS},
            "stores": {store: dict(counts) for store, counts in self.stores.items()},
            "repairs": [vars(repair) | {"fields": list(repair.fields)} for repair in self.repairs],
            "failed_stores": {store_id: str(failure) for store_id, failure in self.failed_stores.items()},
            "minutes_left_out": self.minutes_left_out,
            "left_out": [
                left_out_to_json(store_id, left_out) for store_id, store in self.left_out.items() for left_out in store
            ][:MAX_NAMED],
            "silent_stores": self.silent_stores or [],
            "not_shown_orders": self.not_shown,
            "waiting": len(self.waiting),
            "too_large": len(self.too_large),
            "damped": len(self.damped),
            "unsteady_fields": dict(Counter(name for fields in self.damped.values() for name in fields)),
            "api_errors": {str(failure): times for failure, times in self.api_errors.items()},
            "round_seconds": self.round_seconds,
            "token_age_days": self.token_age_days,
            "stopped": str(self.stopped),
        }


def left_out_to_json(store_id: str, left_out: LeftOut) -> dict[str, str]:
    """A time of a store that was left out, as the reports name it."""
    return {
        "store_id": store_id,
        "from": to_text(left_out.start),
        "to": to_text(left_out.end),
        "failure": left_out.failure,
    }


def is_regular(report: dict[str, Any]) -> bool:
    """Whether a stored report is of a run that served the stores; so are all that an earlier version stored."""
    return bool(report.get("regular", True))
