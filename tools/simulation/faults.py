"""What is broken, how often, and when: decided by the seed alone, counted by kind."""

import random
from collections import Counter
from dataclasses import dataclass, field

# Probability of each kind, per chance it gets, in bad weather. A seed turns most kinds on, each with its own strength.
WORST = {
    # the platform's webhooks
    "webhook_duplicated": 0.25,
    "webhook_reordered": 0.3,
    "webhook_dropped": 0.15,
    "webhook_not_retried": 0.5,
    "webhook_answer_lost": 0.15,
    # the queue
    "queue_send_failed_before": 0.1,
    "queue_send_failed_after": 0.1,
    "queue_batch_partly_refused": 0.15,
    "queue_delivered_twice": 0.1,
    "queue_delivered_to_two_at_once": 0.1,
    "queue_delivered_late": 0.1,
    "queue_delete_lost": 0.1,
    "queue_put_off_failed": 0.3,
    # the table
    "table_throttled": 0.15,
    "table_failed_before": 0.06,
    "table_failed_after": 0.1,
    "table_slow": 0.06,
    "table_keys_unprocessed": 0.3,
    "table_down": 1.0,
    # the functions
    "killed": 0.02,
    "hung": 0.01,
    "clock_off": 0.5,
    # the secrets
    "secret_unavailable": 0.15,
    "secret_rotated": 0.5,
    # the Partner API
    "api_no_answer": 0.1,
    "api_trickles": 0.2,
    "api_unauthorized": 0.1,
    "api_forbidden": 0.1,
    "api_not_found": 0.1,
    "api_too_many": 0.1,
    "api_server_error": 0.1,
    "api_html": 0.1,
    "api_truncated": 0.1,
    "api_repeat_first_page": 0.1,
    # the event bus
    "bus_no_answer_before": 0.1,
    "bus_no_answer_after": 0.1,
    "bus_throttled": 0.1,
    "bus_unavailable": 0.1,
    "bus_access_denied": 0.1,
    "bus_too_large": 0.1,
    "bus_entry_failed": 0.1,
    "bus_entry_refused": 0.1,
}
# Seconds that the clock of a function's environment is off at most.
CLOCK_OFF_BY = 240.0
# What of the platform is hostile: for each kind its probability in bad weather, and the part of the product that it
# tries. The last ones are drawn once for a seed, and stay when all is calm.
HOSTILE: dict[str, tuple[float, str]] = {
    # single responses
    "api_huge": (0.04, "platform client: bytes of a response are bounded while they arrive"),
    "api_inflates": (0.04, "platform client: inflated bytes are bounded"),
    "api_gzip": (0.2, "platform client: gzip and deflate are read"),
    "api_drips": (0.06, "platform client: a deadline for the whole response"),
    "api_bad_request": (0.06, "platform client: second tries of guesses"),
    "api_not_yet": (0.1, "platform client: 408 and 425 are retried"),
    "api_told_later": (0.06, "platform client: Retry-After as seconds since 1970"),
    # webhooks
    "webhook_gzip": (0.2, "webhook: content encodings"),
    "webhook_encoding_odd": (0.2, "webhook: a corrupt or unknown encoding is kept as received"),
    "webhook_unparsable": (0.6, "webhook: any non-empty body gets 200"),
    "webhook_empty": (0.6, "webhook: an empty body gets 200"),
    # a seed's platform
    "platform_times_refused": (0.4, "platform client: second tries of guesses"),
    "platform_page_size_refused": (0.4, "platform client: second tries of guesses"),
    "platform_counts": (0.4, "platform client: counts as text, or none"),
    "platform_empty": (0.4, "platform client: forms of an empty list"),
    "platform_bad_order": (0.4, "platform client: page scanner"),
    "platform_odd_parts": (0.6, "orders: only order_id and status decide"),
    "platform_future_orders": (0.4, "reconciler: newest and lately end at now"),
    "platform_lists_late": (0.4, "reconciler: a second, older look"),
    "platform_listed_twice": (0.4, "platform client: identity is id and state"),
    "platform_restless_field": (0.4, "reconciler: damping"),
    "platform_window_fails": (0.4, "reconciler: narrowing"),
    "platform_kills": (0.4, "reconciler: notes of what was begun"),
    "platform_codes_swapped": (0.4, "stores: the platform's clock decides"),
}
# Kinds that do not happen, for as long as the product does not have what they try.
OFF: frozenset[str] = frozenset()
WORST |= {kind: worst for kind, (worst, _) in HOSTILE.items()}
# What happens to a PUT that answers an order: the simulated platform's own faults, by the same names.
PUT_FAULTS = {
    "false_refusal": 0.15,
    "put_lost": 0.1,
    "put_unanswered": 0.1,
    "put_error_before": 0.1,
    "put_error_after": 0.1,
    "put_cancelled_before": 0.15,
    "put_slow": 0.1,
    "put_normalised": 0.2,
    "put_not_shown_yet": 0.3,
    "put_refused": 0.05,
}
# And what happens to the order meanwhile.
WORST |= PUT_FAULTS | {"platform_adds_line": 0.4}
# What happens to the catalogue: the simulated platform's own faults, by the same names.
CATALOGUE_FAULTS = {
    "catalogue_put_refused": 0.1,
    "catalogue_put_error_before": 0.25,
    "catalogue_put_error_after": 0.25,
    "catalogue_put_dropped_before": 0.25,
    "catalogue_put_dropped_after": 0.25,
    "catalogue_job_fails": 0.3,
    "catalogue_job_fails_halfway": 0.3,
    "catalogue_job_stuck": 0.25,
    "catalogue_job_late": 0.4,
    "catalogue_jobs_swapped": 0.4,
    "catalogue_line_fails": 0.08,
    "catalogue_callback_lost": 0.4,
    "catalogue_callback_late": 0.4,
    "catalogue_callback_doubled": 0.4,
    "catalogue_callback_early": 0.3,
    "catalogue_callback_without_link": 0.3,
    "catalogue_file_missing": 0.3,
}
# What happens to the status of stores: the simulated platform's own faults, and what the platform does by itself.
STATUS_FAULTS = {
    "status_put_refused": 0.1,
    "status_put_error_before": 0.2,
    "status_put_error_after": 0.2,
    "status_put_dropped_before": 0.2,
    "status_put_dropped_after": 0.2,
    "status_put_shown_late": 0.3,
    "status_get_error": 0.2,
    "status_changed_by_platform": 0.5,
}
# What happens to promotions: the simulated platform's own faults, by the same names.
PROMOTION_FAULTS = {
    "promotion_put_refused": 0.1,
    "promotion_put_error_before": 0.2,
    "promotion_put_error_after": 0.2,
    "promotion_put_dropped_before": 0.2,
    "promotion_put_dropped_after": 0.2,
    "promotion_put_without_job": 0.2,
    "promotion_job_fails": 0.3,
    "promotion_job_fails_at_first": 0.3,
    "promotion_job_stuck": 0.15,
    "promotion_job_late": 0.4,
    "promotion_jobs_swapped": 0.5,
    "promotion_get_error": 0.2,
    "promotion_job_missing": 0.2,
}
# And what happens around it.
AROUND_CATALOGUE = {
    "catalogue_link_private": 0.3,
    "catalogue_callback_strange": 0.3,
    "platform_down": 0.4,
    "token_rotated": 0.4,
    "file_told_twice": 0.3,
    "file_told_late": 0.3,
    "urgent_sent_twice": 0.3,
    "bucket_failed_before": 0.08,
    "bucket_failed_after": 0.06,
    "bucket_cut": 0.1,
    "table_stale": 0.2,
    "platform_edits": 0.5,
    "export_due": 0.3,
}
WORST |= CATALOGUE_FAULTS | AROUND_CATALOGUE | STATUS_FAULTS | PROMOTION_FAULTS
KINDS = tuple(WORST)


@dataclass
class Faults:
    """``without`` are kinds that never happen; ``at_most`` ends the trouble after so many faults. Both are for making
    a story shorter: what is left happens as before for as long as it can. ``shown`` counts how often the platform
    showed what is odd about it in this seed."""

    seed: int
    without: frozenset[str] = frozenset()
    at_most: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    over: bool = False
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        weather = random.Random(f"{self.seed}/weather")
        self._chances = {kind: random.Random(f"{self.seed}/{kind}") for kind in KINDS}
        self.strength = {kind: worst * weather.choice([0, 0.3, 0.6, 1.0]) for kind, worst in WORST.items()}

    def strikes(self, kind: str, where: str = "") -> bool:
        """Whether this fault happens now; if so it is counted."""
        if self._chances[kind].random() >= self.strength[kind] or self.over or kind in self.without | OFF:
            return False
        if self.at_most is not None and self.counts.total() >= self.at_most:
            return False
        self.counts[kind] += 1
        self.story.append(f"{kind} {where}".strip())
        return True

    def show(self, kind: str) -> None:
        """Count that an oddity of this seed's platform was met once more."""
        self.shown[kind] += 1

    def chance_of(self, kind: str) -> random.Random:
        """The chance that belongs to a fault."""
        return self._chances[kind]

    def one_of[T](self, kind: str, choices: list[T]) -> T:
        """A choice that belongs to a fault."""
        return self._chances[kind].choice(choices)

    def between(self, kind: str, least: float, most: float) -> float:
        """A number that belongs to a fault: how long, how late."""
        return self._chances[kind].uniform(least, most)
