"""Planted bugs in what brands write in their own way, and in what only a hostile platform sends."""

from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/orders"

MUTANTS: list[Mutant] = [
    one_edit(
        "a-brands-spelling-is-unknown",
        "A brand's CANCELED is an unknown status, so the order stays open.",
        f"{_PART}/lifecycle.py",
        "_SPELLINGS",
        '"CANCELED": CANCELLED, ',
        "",
    ),
    one_edit(
        "the-case-of-gets-uuid",
        "An order whose id GET writes in upper case is another order than the webhook's.",
        f"{_PART}/fields.py",
        "_identifier",
        "        text = text.lower()\n",
        "        text = str(text)\n",
    ),
    one_edit(
        "a-time-of-another-century",
        "A slip of the year is a time, and its event stays the latest.",
        f"{_PART}/fields.py",
        "END_OF_TIME",
        "datetime(2100, 1, 1, tzinfo=UTC)",
        "datetime(2200, 1, 1, tzinfo=UTC)",
    ),
]
