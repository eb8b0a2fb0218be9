"""The report of a run: what it checked, what it found, what it could not check and why."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from partner_orders.clock import to_text

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
    ``silent_stores`` is None until they were looked for; ``is_regular`` is false for a run that served backfills only.
    """

    started_at: datetime
    is_regular: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    stores: dict[str, Counter[str]] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)
    failed_stores: dict[str, str] = field(default_factory=dict)
    silent_stores: list[str] | None = None
    not_shown: list[str] = field(default_factory=list)
    too_large: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
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

    def to_json(self) -> dict[str, Any]:
        return {
            "started_at": to_text(self.started_at),
            "regular": self.is_regular,
            **{name: self.counts[name] for name in COUNTS},
            "stores": {store: dict(counts) for store, counts in self.stores.items()},
            "repairs": [vars(repair) | {"fields": list(repair.fields)} for repair in self.repairs],
            "failed_stores": {store_id: str(failure) for store_id, failure in self.failed_stores.items()},
            "silent_stores": self.silent_stores or [],
            "not_shown_orders": self.not_shown,
            "waiting": len(self.waiting),
            "too_large": len(self.too_large),
            "api_errors": {str(failure): times for failure, times in self.api_errors.items()},
            "round_seconds": self.round_seconds,
            "token_age_days": self.token_age_days,
            "stopped": str(self.stopped),
        }


def is_regular(report: dict[str, Any]) -> bool:
    """Whether a stored report is of a run that served the stores; so are all that an earlier version stored."""
    return bool(report.get("regular", True))
