"""Planted bugs in what we know of the platform: its secret and its API."""

from tools.simulation.mutants.bugs.complaints import PAGES, ROTATED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/platform"
_SECRET = f"{_PART}/webhook_secret.py"
_API = f"{_PART}/orders.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "forget-the-previous-secret",
        "A rotated secret is refused at once.",
        _SECRET,
        "WebhookSecret._refresh",
        "for secret in (current, previous) if secret",
        "for secret in (current,)",
        ROTATED,
    ),
    one_edit(
        "a-stale-secret",
        "After a rotation the new secret is refused until the cache expires.",
        _SECRET,
        "WebhookSecret.admits",
        "fetched_at = self._fetched_at\n        self._refresh(RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS)",
        "fetched_at = self._fetched_at",
        ROTATED,
    ),
    one_edit(
        "refused-on-a-fault-of-ours",
        "While the secret cannot be read again, a new one is refused.",
        _SECRET,
        "WebhookSecret.admits",
        "if self._fault:",
        "if self._fault and not self._accepted:",
        ROTATED,
    ),
    one_edit(
        "part-of-the-header",
        "Only the beginning of the Authorization header is compared.",
        _SECRET,
        "WebhookSecret._matches",
        "presented = authorization.strip()",
        'presented = authorization.split(",")[0].strip()',
    ),
    one_edit(
        "the-first-page-only",
        "Reading the platform's orders ends after one page.",
        _API,
        "PlatformOrders._last_page",
        "        last = max(first.total_pages, 1)\n",
        "        last = 1\n",
        PAGES,
    ),
    one_edit(
        "one-format-of-time",
        "An empty answer is taken for an empty store, though the platform could not read the times.",
        _API,
        "PlatformOrders._first_page_in_either_format",
        "if not first.orders and (",
        "if False and (",
        PAGES,
    ),
]
