"""Planted bugs in what we know of the platform: its secret and its API."""

from tools.simulation.mutants.bugs.complaints import BOUNDARY, KEY, PAGES, RAW, ROTATED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/platform"
_SECRET = f"{_PART}/webhook_secret.py"
_API = f"{_PART}/orders.py"
_PAGE = f"{_PART}/order_page.py"
_SCANNER = f"{_PART}/json_scanner.py"
_RESPONSES = f"{_PART}/responses.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "forget-the-previous-secret",
        "A rotated secret is refused at once.",
        _SECRET,
        "WebhookSecret._refresh",
        "for version, secret in found.items() if secret}",
        "for version, secret in found.items() if version is SecretVersion.CURRENT}",
        ROTATED,
    ),
    one_edit(
        "a-stale-secret",
        "After a rotation the new secret is refused until the cache expires.",
        _SECRET,
        "WebhookSecret.admitted_by",
        "fetched_at = self._fetched_at\n        self._refresh(RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS)",
        "fetched_at = self._fetched_at",
        ROTATED,
    ),
    one_edit(
        "refused-on-a-fault-of-ours",
        "While the secret cannot be read again, a new one is refused.",
        _SECRET,
        "WebhookSecret.admitted_by",
        "if self._fault:",
        "if self._fault and not self._accepted:",
        ROTATED,
    ),
    one_edit(
        "part-of-the-header",
        "Only the beginning of the Authorization header is compared.",
        _SECRET,
        "WebhookSecret._match",
        "presented = authorization.strip()",
        'presented = authorization.split(",")[0].strip()',
    ),
    one_edit(
        "the-first-page-only",
        "Reading the platform's orders ends after one page.",
        _API,
        "PlatformOrders._last_page",
        "        last = max(first.counted_pages, 1)\n",
        "        last = 1\n",
        PAGES,
    ),
    one_edit(
        "one-format-of-time",
        "An empty answer is taken for an empty store, though the platform could not read the times.",
        _API,
        "PlatformOrders._first_page_in_either_format",
        "if not first.orders and other not in refused and (",
        "if False and (",
        PAGES,
    ),
    one_edit(
        "an-order-costs-its-page",
        "One order that is no JSON takes its whole page with it.",
        _PAGE,
        "ListedOrder.parse",
        "return UnreadableOrder(self.text)",
        "raise PartnerApiError(Failure.NOT_JSON) from None",
        BOUNDARY,
    ),
    one_edit(
        "bytes-made-nice",
        "An order that is no JSON is kept with its bytes changed.",
        _PAGE,
        "ListedOrder.parse",
        "UnreadableOrder(self.text)",
        'UnreadableOrder(self.text.decode("utf-8", "replace").encode())',
        RAW,
    ),
    one_edit(
        "the-first-state-only",
        "Of an order that is listed in two states the second is never compared.",
        _PAGE,
        "unseen",
        "if order.state in seen:",
        "if identity(order.parse()) in seen.values():",
        KEY,
    ),
    one_edit(
        "twice-in-one-list",
        "Two states of an order are compared as one page, of which the last one wins.",
        _PAGE,
        "unseen",
        "order_id in order_ids or ",
        "",
    ),
    one_edit(
        "a-count-as-text-counts-nothing",
        "A number of pages that comes as text is not read.",
        _PAGE,
        "_count",
        """.strip(b'"')""",
        "",
        PAGES,
    ),
    one_edit(
        "a-bracket-in-a-name",
        "A bracket inside a text ends the order that it is in.",
        _SCANNER,
        "_UP_TO_A_BRACKET",
        """(?:[^"\\[\\]{}]++|"(?:[^"\\\\]++|\\\\.)*+")*+""",
        """[^\\[\\]{}]*+""",
    ),
    one_edit(
        "inflated-whatever-comes",
        "A body over the limit is taken when it is inflated.",
        _RESPONSES,
        "_decoded",
        "inflated(content, encoding, most_bytes)",
        "inflated(content, encoding, 2**40)",
    ),
]
