"""The content of an order and its price: lines, promotions, the picker's changes, and the payment."""

import random
import uuid
from typing import Any

from tools.local.simulated_platform.countries import Country

type Line = dict[str, Any]


def random_uuid(chance: random.Random) -> uuid.UUID:
    """A UUID of version 4 that the seed decides."""
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def money(amount: float) -> float:
    """An amount as the platform writes it: a float with two decimal places."""
    return round(amount + 0.0, 2)


class Basket:
    """Makes the lines of an order, and changes them as a picker does. ``code`` begins the articles' numbers."""

    def __init__(self, chance: random.Random, country: Country, code: str) -> None:
        self._chance = chance
        self._country = country
        self._code = code

    def line(self) -> Line:
        """An article that was ordered and not yet picked."""
        chance = self._chance
        name, price, weighed = chance.choice(self._country.products)
        number = chance.randrange(100_000, 999_999)
        if weighed:
            weight = round(chance.uniform(0.4, 2.5), 3)
            pricing: Line = {
                "pricing_type": "KG",
                "unit_price": float(price),
                "total_price": money(price * weight),
                "quantity": 1,
                "weight": weight,
                "weighted_pieces": chance.randrange(1, 8),
                "min_quantity": round(weight * 0.9, 3),
                "max_quantity": round(weight * 1.1, 3),
                "vat_percent": 0,
            }
        else:
            quantity = chance.choices([1, 2, 3, 6], [6, 3, 2, 1])[0]
            pricing = {
                "pricing_type": "UNIT",
                "unit_price": float(price),
                "total_price": money(price * quantity),
                "quantity": quantity,
                "weight": 0,
                "min_quantity": 1,
                "max_quantity": quantity,
                "vat_percent": self._country.vat,
            }
        line: Line = {
            "_id": str(random_uuid(chance)),
            "sku": f"{self._code}-{number}",
            "barcode": chance.choice([[], [f"89610{number:08d}"], [f"89610{number:08d}", f"89611{number:08d}"]]),
            "name": name,
            "pricing": pricing,
            "original_pricing": dict(pricing),
            "status": "NOT_PROCESSED",
        }
        if chance.random() < 0.15:
            line["instructions"] = chance.choice(["Cold ones please", "If missing, any other brand is fine", ""])
        if chance.random() < 0.05:
            line |= {"container_deposit": 0.25, "image_url": f"https://images.example.com/{number}.jpg", "discount": 0}
        return line

    def promote(self, line: Line) -> None:
        """Give a tenth off a line, paid by the shop and the platform together."""
        amount = money(line["pricing"]["total_price"] / 10)
        vendors = money(amount * 0.6)
        line["promotion"] = [
            {
                "name": "Fresh week",
                "discount_amount": amount,
                "sponsorships": [
                    {"sponsor": "VENDOR", "amount": vendors},
                    {"sponsor": "PLATFORM", "amount": money(amount - vendors)},
                ],
            }
        ]

    def picked(self, lines: list[Line]) -> list[Line]:
        """The lines after picking: some not found, replaced, weighed, fewer, or added. Changes ``lines``."""
        chance = self._chance
        picked: list[Line] = []
        for line in lines:
            pricing, luck = line["pricing"], chance.random()
            line["status"] = "IN_CART"
            picked.append(line)
            if luck < 0.06:
                line["status"] = "NOT_FOUND"
                pricing |= {"quantity": 0, "total_price": 0.0}
            elif luck < 0.12:
                line["status"] = "REPLACED"
                picked.append(self.line() | {"status": "IN_CART", "replaced_id": line["_id"]})
            elif pricing["pricing_type"] == "KG":
                pricing["weight"] = round(pricing["weight"] * chance.uniform(0.95, 1.05), 3)
                pricing["total_price"] = money(pricing["unit_price"] * pricing["weight"])
            elif luck < 0.2 and pricing["quantity"] > 1:
                pricing["quantity"] -= 1
                pricing["total_price"] = money(pricing["unit_price"] * pricing["quantity"])
        if chance.random() < 0.05:
            picked.append(self.line() | {"status": "ADDITION"})
        return picked


def payment(lines: list[Line], fees: dict[str, float], additional_fees: dict[str, float]) -> dict[str, Any]:
    """The payment for lines and fees, as the platform states it."""
    paid = [line for line in lines if line["status"] not in {"REPLACED", "NOT_FOUND"}]
    sub_total = money(sum(line["pricing"]["total_price"] for line in paid))
    discount = money(sum(entry["discount_amount"] for line in paid for entry in line.get("promotion", [])))
    all_fees = sum(fees.values()) + sum(additional_fees.values())
    taxes = sum(
        line["pricing"]["total_price"] * line["pricing"]["vat_percent"] / (100 + line["pricing"]["vat_percent"])
        for line in paid
    )
    stated: dict[str, Any] = {
        "sub_total": sub_total,
        "order_total": money(sub_total + all_fees - discount),
        **fees,
        "difference_to_minimum": 0,
        "discount": -discount if discount else 0,
        "discounts": [{"name": "Fresh week", "value": -discount}] if discount else [],
        "total_taxes": money(taxes),
        "type": "PAID",
    }
    if additional_fees:
        stated["additional_fees"] = dict(additional_fees)
    return stated
