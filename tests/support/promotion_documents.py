"""Documents of promotions for tests, and the stores that they name."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, body_of, ended
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Wish
from partner_orders.stores.store import Store
from partner_orders_console.operations.promotions.csv_document import drafts_of_csv
from partner_orders_console.operations.promotions.draft import Drafts
from partner_orders_console.operations.promotions.json_document import drafts_of_json
from partner_orders_console.operations.promotions.rules import Checked, Stores, checked
from tests.support.fixed_clock import NOW

KARACHI = Store("q7zk", "KHI-1", country_code="PK", time_zone="Asia/Karachi")
LAHORE = Store("r2mm", "LHE-1", country_code="PK", time_zone="Asia/Karachi")
VIENNA = Store("t9xx", country_code="AT", time_zone="Europe/Vienna")
NOWHERE = Store("u1aa", country_code="PK")
ALL = (KARACHI, LAHORE, VIENNA, NOWHERE)
STORES = Stores({store.store_id: store for store in ALL} | {"KHI-1": KARACHI, "LHE-1": LAHORE}, ALL)


def in_days(days: float) -> str:
    """A time so many days from now, as a document has it."""
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(**changes: Any) -> dict[str, Any]:
    """A promotion that nothing is wrong with, but for the changes; None leaves a field out."""
    whole = {
        "vendors": ["q7zk", "LHE-1"],
        "type": "STRIKETHROUGH",
        "reason": "EXPIRING_SOON",
        "display_name": {"en_PK": "Dairy week"},
        "conditions": {"start_time": in_days(1), "end_time": in_days(8)},
        "discount": [{"sku": ["KW-100", "KW-101"], "discount_subtype": "FINAL_PRICE", "discount_value": 2.95}],
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def discount(**changes: Any) -> list[dict[str, Any]]:
    """The discounts of a document, as one with these changes."""
    return [{"sku": ["KW-100"], "discount_subtype": "FINAL_PRICE", "discount_value": 2.95} | changes]


def in_json(value: Any) -> Drafts:
    return drafts_of_json(json.dumps(value).encode())


def in_csv(*lines: str) -> Drafts:
    return drafts_of_csv("\n".join(lines).encode())


def problems_of(drafts: Drafts, is_known: bool = False) -> list[str]:
    """Every problem of a document, as it is shown."""
    found = [*drafts.problems]
    for draft in drafts.drafts:
        result = checked(draft, STORES, NOW, lambda _: is_known)
        found += [] if isinstance(result, Checked) else result.problems
    return [str(problem) for problem in found]


def good(drafts: Drafts) -> list[Checked]:
    """The promotions of a document that nothing is wrong with."""
    assert not problems_of(drafts)
    results = [checked(draft, STORES, NOW, lambda _: False) for draft in drafts.drafts]
    return [result for result in results if isinstance(result, Checked)]


# The promotion that the examples of the help speak of. It never ends while anybody runs them.
EXAMPLE = Promotion(
    ("148020",),
    Kind.STRIKETHROUGH,
    "TRADING",
    {"en_SA": "Dairy week"},
    datetime(2098, 5, 6, tzinfo=UTC),
    datetime(2098, 5, 12, 23, 59, 59, tzinfo=UTC),
    (Discount(("WM-520955",), Subtype.FINAL_PRICE, Decimal("2.95")),),
)


def put_example(table: PromotionsTable, bodies: Bodies) -> None:
    """Put the example, as an operator does, with an end before its own one."""
    for number, promotion in enumerate((EXAMPLE, ended(EXAMPLE))):
        digest = bodies.write(promotion.promotion_id, body_of(promotion))
        end = EXAMPLE.ends - timedelta(days=1) if number else None
        wish = Wish(number + 1, digest, bool(number), "an operator", "an example", NOW, not_before=end)
        table.wish(promotion, lambda _, wish=wish: wish, lambda: NOW)  # type: ignore[misc]
