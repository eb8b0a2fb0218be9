"""Believable orders, through their whole lives: what the platform would say of each, and when (contract 2.2, 3)."""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

type Body = dict[str, Any]

# Created in the first 44 minutes, and no step takes longer than these allow: every life fits into its hour.
LAST_CREATION = timedelta(minutes=44)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Shop:
    """A store. Its id is numeric in some countries and short letters and digits in others."""

    client_id: str
    store_id: str
    external_partner_config_id: str
    name: str


@dataclass(frozen=True)
class Step:
    """One state of an order: from ``at`` on the platform shows ``body``; ``by_webhook`` if it also posts it."""

    at: datetime
    body: Body = field(repr=False)
    by_webhook: bool = True

    @property
    def status(self) -> str:
        return str(self.body["status"])


@dataclass(frozen=True)
class Life:
    """An order from its first state to its last. ``masked`` if GET shows its customer's data masked."""

    order_id: str
    shop: Shop
    steps: tuple[Step, ...]
    masked: bool

    @property
    def created_at(self) -> datetime:
        return instant(self.steps[0].body["sys"]["created_at"])

    def step_at(self, now: datetime) -> Step | None:
        """What the platform knows of the order at a time; None before it exists."""
        current = None
        for step in self.steps:
            if step.at > now:
                break
            current = step
        return current


@dataclass(frozen=True)
class _Country:
    code: str
    numeric_ids: bool
    shop: str
    places: tuple[str, ...]
    city: str
    names: tuple[tuple[str, str], ...]
    phone: str
    products: tuple[tuple[str, float, bool], ...]  # name, price, weighed
    vat: float


_COUNTRIES = (
    _Country(
        "pk", False, "Greenbasket", ("Clifton", "Saddar", "Gulshan", "Korangi", "Defence"), "Karachi",
        (("Amna", "Raza"), ("Bilal", "Sheikh"), ("Zoya", "M."), ("Hassan", "")), "+9230012345",
        (("Full cream milk 1 L", 345, False), ("Basmati rice 5 kg", 1290, False), ("Bananas (by weight)", 420, True),
         ("Tea bags 100 pcs ☕", 615.5, False), ("Chicken breast (by weight)", 980, True),
         ("Jabón 3x90 g", 233.34, False)),
        18,
    ),
    _Country(
        "sa", True, "Waha Market", ("Al Olaya", "An Nakheel", "Al Malqa", "Al Yasmin"), "Riyadh",
        (("Faisal", "Al-Harbi"), ("نورة", "العتيبي"), ("Sara", "K.")), "+9665000001",
        (("Labneh 500 g", 12, False), ("Sparkling water 330 ml", 6.5, False),
         ("Dates Sukkari (by weight)", 38.95, True),
         ("خبز عربي", 2.25, False), ("Lamb shoulder (by weight)", 64.9, True)),
        15,
    ),
    _Country(
        "ar", True, "Mercado del Sur", ("Centro", "Pichincha", "Echesortu", "Fisherton"), "Rosario",
        (("Julieta", ""), ("Íñigo", "Muñoz"), ("Sofía", "Peña")), "+5493410001",
        (("Yerba mate 500 g", 1850, False), ("Sunflower oil 1.5 L", 3200, False),
         ("Beef roast (by weight)", 7400, True),
         ("Dulce de leche 400 g 🍮", 2190.9, False), ("Tomatoes (by weight)", 1310.55, True)),
        21,
    ),
)  # fmt: skip

_KINDS = {
    "platform_delivery": 40,
    "platform_delivery_delivered": 10,
    "vendor_delivery": 10,
    "vendor_delivery_confirmed_as_ready": 5,
    "pelican": 17,
    "collected_by_the_customer": 4,
    "cancelled_before_picking": 7,
    "cancelled_after_picking": 3,
    "cancelled_after_pick_up": 4,
}
# Status, and whether the platform posts it (contract 2.2): some final ones only GET shows.
_COURSES: dict[str, tuple[tuple[str, bool], ...]] = {
    "platform_delivery": (
        ("RECEIVED", True), ("READY_FOR_PICKUP", True), ("DISPATCHED", True), ("PICKED_UP", False),
    ),
    "platform_delivery_delivered": (
        ("RECEIVED", True), ("READY_FOR_PICKUP", True), ("DISPATCHED", True), ("DELIVERED", True),
    ),
    "vendor_delivery": (("RECEIVED", True), ("DISPATCHED", True)),
    "vendor_delivery_confirmed_as_ready": (("RECEIVED", True), ("READY_FOR_PICKUP", True), ("DELIVERED", False)),
    "pelican": (("READY_FOR_PICKUP", True), ("PICKED_UP", False)),
    "collected_by_the_customer": (("RECEIVED", True), ("READY_FOR_PICKUP", True), ("PICKED_UP", False)),
    "cancelled_before_picking": (("RECEIVED", True), ("CANCELLED", True)),
    "cancelled_after_picking": (("RECEIVED", True), ("READY_FOR_PICKUP", True), ("CANCELLED", True)),
    "cancelled_after_pick_up": (
        ("RECEIVED", True), ("READY_FOR_PICKUP", True), ("DISPATCHED", True), ("CANCELLED", True),
    ),
}  # fmt: skip


def trading_hour(
    seed: int, orders: int, stores: int, start: datetime, chain_id: str, length: timedelta = HOUR
) -> list[Life]:
    """The orders of an hour that begins at ``start`` (UTC), by time of creation; with another ``length`` the orders
    are created over all of it and live their quarter of an hour each."""
    chance = random.Random(f"{seed}/{orders}/{stores}")
    country = chance.choice(_COUNTRIES)
    shops = [_shop(chance, country, number) for number in range(stores)]
    span = length - (HOUR - LAST_CREATION)
    created = sorted(start + span * chance.random() for _ in range(orders))
    return [_Maker(chance, country, chain_id, chance.choice(shops), at).life() for at in created]


def to_text(body: Body) -> str:
    """As the platform writes a body: compact JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _shop(chance: random.Random, country: _Country, number: int) -> Shop:
    store_id = (
        str(148_000 + 7 * number + chance.randrange(7))
        if country.numeric_ids
        else "".join(chance.choices("abcdefghjkmnpqrstuvwxyz23456789", k=3))
        + "abcdefghjkmn"[number % 12]
        + str(number // 12 or "")
    )
    place = country.places[number % len(country.places)]
    code = f"{''.join(word[0] for word in country.shop.split())}-{place[:3].upper()}-{number + 1:02d}"
    return Shop(str(_uuid(chance)), store_id, code, f"{country.shop} - {place}")


def _uuid(chance: random.Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def _money(amount: float) -> float:
    return round(amount + 0.0, 2)


class _Maker:
    """Makes one order, state by state."""

    def __init__(self, chance: random.Random, country: _Country, chain_id: str, shop: Shop, created: datetime) -> None:
        self._chance = chance
        self._country = country
        self._shop = shop
        self._created = created.replace(microsecond=created.microsecond // 1000 * 1000)
        self._kind = chance.choices([*_KINDS], [*_KINDS.values()])[0]
        self._chain_id = chain_id

    def life(self) -> Life:
        body = self._ordered()
        at, steps = self._created, []
        for number, (status, by_webhook) in enumerate(_COURSES[self._kind]):
            if number:
                at += timedelta(milliseconds=self._chance.randrange(60_000, 290_000))
            elif status != "RECEIVED":
                at += timedelta(milliseconds=self._chance.randrange(120_000, 200_000))
            body = self._moved_on(body, status, at)
            steps.append(Step(at, body, by_webhook))
        return Life(str(body["order_id"]), self._shop, tuple(steps), masked=self._chance.random() < 0.3)

    def _ordered(self) -> Body:
        chance = self._chance
        pelican, vendor = self._kind == "pelican", self._kind.startswith("vendor")
        lines = [self._line() for _ in range(chance.choices([1, 2, 3, 4, 6, 9], [2, 4, 5, 4, 3, 1])[0])]
        if chance.random() < 0.25:
            self._promote(chance.choice(lines))
        preorder = chance.random() < 0.1
        promised = self._created + timedelta(minutes=chance.randrange(25, 60), hours=20 if preorder else 0)
        order: Body = {
            "order_id": str(_uuid(chance)),
            "external_order_id": f"{''.join(chance.choices('abcdefghkmnpqrstvwxz23456789', k=4))}"
            f"-{chance.randrange(10_000):04d}-{chance.randrange(36**4):06d}",
            "order_code": f"{chance.randrange(1000):04d}",
            "status": "RECEIVED",
            "order_type": "PICKUP" if self._kind.startswith("collected") else "DELIVERY",
            "transport_type": "VENDOR_DELIVERY" if vendor else "LOGISTICS_DELIVERY",
            "isPreorder": preorder,
            "accepted_for": None if preorder or vendor else timestamp(self._created + timedelta(minutes=20)),
            "promised_for": timestamp(promised),
            "comment": chance.choice(
                ["", "No plastic bags", "Ring twice 🔔", None, "Sin TACC, por favor", "بدون أكياس"]
            ),
            "promotion_status": "AVAILABLE" if any("promotion" in line for line in lines) else "UNAVAILABLE",
            "client": {
                "id": self._shop.client_id,
                "name": self._shop.name,
                "chain_id": self._chain_id,
                "country_code": self._country.code,
                "store_id": self._shop.store_id,
                "external_partner_config_id": self._shop.external_partner_config_id,
            },
            "customer": self._customer(full=vendor),
            "items": lines,
            "payment": {},
            "sys": {
                "created_at": timestamp(self._created),
                "created_by": "platform",
                "updated_at": timestamp(self._created),
                "updated_by": "picker" if pelican else "platform",
            },
        }
        fee = chance.choice([0, 1.5, 9, 79])
        self._fees = {
            "delivery_fee": fee,
            "service_fee": chance.choice([0, 2, 15]),
            "container_charge": chance.choice([0, 0, 0.5]),
        }
        self._additional = {"small_order_fee": 3.0} if vendor and chance.random() < 0.5 else {}
        return order

    def _customer(self, full: bool) -> Body:
        chance = self._chance
        first, last = chance.choice(self._country.names)
        street = chance.choice(["Khayaban-e-Saadi", "Prince Sultan St", "Bv. Oroño", "شارع العليا"])
        number = str(chance.randrange(1, 3000))
        address: Body = {
            "country": self._country.code.upper(),
            "city": self._country.city,
            "street": street,
            "number": number,
            "latitude": round(chance.uniform(-34, 26), 4),
            "longitude": round(chance.uniform(-60, 67), 4),
        }
        if full or chance.random() < 0.3:
            address |= {
                "company": None,
                "block": None,
                "building": chance.choice(["B2", "Torre 1", None]),
                "apartment": str(chance.randrange(1, 40)),
                "entrance": None,
                "intercom": None,
                "floor": str(chance.randrange(0, 12)),
                "suburb": self._shop.name.split(" - ")[1],
                "zipcode": str(chance.randrange(1000, 99999)),
                "instructions": chance.choice(["Call on arrival", "Gate on the left", None]),
                "formattedAddress": f"{number} {street}, {self._country.city}",
            }
        phone = f"{self._country.phone}{chance.randrange(1000):03d}"
        customer: Body = {
            "_id": f"cst_{chance.randrange(16**6):06x}",
            "first_name": first,
            "last_name": last if full else last[:1] + "." * bool(last),
            "phone_number": phone if full else chance.choice([phone, ""]),
            "delivery_address": address,
        }
        if full:
            customer |= {"tax_id": None, "national_id": None, "loyalty_card": chance.choice([None, "LC-00412"])}
        return customer

    def _line(self) -> Body:
        chance = self._chance
        name, price, weighed = chance.choice(self._country.products)
        number = chance.randrange(100_000, 999_999)
        if weighed:
            weight = round(chance.uniform(0.4, 2.5), 3)
            pricing: Body = {
                "pricing_type": "KG",
                "unit_price": float(price),
                "total_price": _money(price * weight),
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
                "total_price": _money(price * quantity),
                "quantity": quantity,
                "weight": 0,
                "min_quantity": 1,
                "max_quantity": quantity,
                "vat_percent": self._country.vat,
            }
        line: Body = {
            "_id": str(_uuid(chance)),
            "sku": f"{self._shop.external_partner_config_id.split('-')[0]}-{number}",
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

    def _promote(self, line: Body) -> None:
        amount = _money(line["pricing"]["total_price"] / 10)
        vendors = _money(amount * 0.6)
        line["promotion"] = [
            {
                "name": "Fresh week",
                "discount_amount": amount,
                "sponsorships": [
                    {"sponsor": "VENDOR", "amount": vendors},
                    {"sponsor": "PLATFORM", "amount": _money(amount - vendors)},
                ],
            }
        ]

    def _moved_on(self, before: Body, status: str, at: datetime) -> Body:
        body: Body = json.loads(json.dumps(before))
        body["status"] = status
        picked_before = any(line["status"] != "NOT_PROCESSED" for line in body["items"])
        if status in {"READY_FOR_PICKUP", "DISPATCHED"} and not picked_before:
            body["items"] = self._picked(body["items"])
        if status == "CANCELLED":
            self._cancel(body)
        body["payment"] = self._payment(body["items"])
        by = {"RECEIVED": "platform", "READY_FOR_PICKUP": "picker"}.get(status, "logistics")
        body["sys"] |= {"updated_at": timestamp(at), "updated_by": by}
        return body

    def _picked(self, lines: list[Body]) -> list[Body]:
        chance = self._chance
        picked: list[Body] = []
        for line in lines:
            pricing, luck = line["pricing"], chance.random()
            line["status"] = "IN_CART"
            picked.append(line)
            if luck < 0.06:
                line["status"] = "NOT_FOUND"
                pricing |= {"quantity": 0, "total_price": 0.0}
            elif luck < 0.12:
                line["status"] = "REPLACED"
                picked.append(self._line() | {"status": "IN_CART", "replaced_id": line["_id"]})
            elif pricing["pricing_type"] == "KG":
                pricing["weight"] = round(pricing["weight"] * chance.uniform(0.95, 1.05), 3)
                pricing["total_price"] = _money(pricing["unit_price"] * pricing["weight"])
            elif luck < 0.2 and pricing["quantity"] > 1:
                pricing["quantity"] -= 1
                pricing["total_price"] = _money(pricing["unit_price"] * pricing["quantity"])
        if chance.random() < 0.05:
            picked.append(self._line() | {"status": "ADDITION"})
        return picked

    def _cancel(self, body: Body) -> None:
        after = self._kind == "cancelled_after_pick_up"
        by = "LOGISTICS" if after else self._chance.choice(["CUSTOMER", "VENDOR", "LOGISTICS"])
        reasons = {
            "VENDOR": ["CLOSED", "ITEM_UNAVAILABLE", "TOO_BUSY"],
            "CUSTOMER": ["MISTAKE"],
            "LOGISTICS": ["DELIVERY_FAILED"],
        }
        body["cancellation"] = {
            "reason": self._chance.choice(reasons[by]),
            "cancelled_by": by,
            "post_picked_up": after,
        }

    def _payment(self, lines: list[Body]) -> Body:
        paid = [line for line in lines if line["status"] not in {"REPLACED", "NOT_FOUND"}]
        sub_total = _money(sum(line["pricing"]["total_price"] for line in paid))
        discount = _money(sum(entry["discount_amount"] for line in paid for entry in line.get("promotion", [])))
        fees = sum(self._fees.values()) + sum(self._additional.values())
        taxes = sum(
            line["pricing"]["total_price"] * line["pricing"]["vat_percent"] / (100 + line["pricing"]["vat_percent"])
            for line in paid
        )
        payment: Body = {
            "sub_total": sub_total,
            "order_total": _money(sub_total + fees - discount),
            **self._fees,
            "difference_to_minimum": 0,
            "discount": -discount if discount else 0,
            "discounts": [{"name": "Fresh week", "value": -discount}] if discount else [],
            "total_taxes": _money(taxes),
            "type": "PAID",
        }
        if self._additional:
            payment["additional_fees"] = dict(self._additional)
        return payment


def webhook_events(lives: list[Life]) -> Iterator[tuple[Life, Step]]:
    """What the platform posts, in its own order of time."""
    events = [(life, step) for life in lives for step in life.steps if step.by_webhook]
    yield from sorted(events, key=lambda event: event[1].at)
