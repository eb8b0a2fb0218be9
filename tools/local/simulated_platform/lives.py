"""Believable orders from first to last state: what the platform sends of each, and when (docs/platform.md 2.2, 3)."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.local.simulated_platform.basket import Basket, payment, random_uuid
from tools.local.simulated_platform.countries import COUNTRIES, Country

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
    """One state of an order, from ``at`` on. ``by_webhook``: the platform posts it; ``by_get``: GET shows it."""

    at: datetime
    body: Body = field(repr=False)
    by_webhook: bool = True
    by_get: bool = True

    @property
    def status(self) -> str:
        return str(self.body["status"])


@dataclass(frozen=True)
class Life:
    """An order from its first state to its last. ``masked`` if GET shows its customer's data masked. ``made_at`` is
    when it was created where its bodies do not say so."""

    order_id: str
    shop: Shop
    steps: tuple[Step, ...]
    masked: bool
    made_at: datetime | None = None

    @property
    def created_at(self) -> datetime:
        return self.made_at or instant(self.steps[0].body["sys"]["created_at"])

    def step_at(self, now: datetime) -> Step | None:
        """The order's state at a time; None before it exists."""
        current = None
        for step in self.steps:
            if step.at > now:
                break
            current = step
        return current

    def step_shown_at(self, now: datetime) -> Step | None:
        """The state that GET shows at a time; None before the first."""
        return replace(self, steps=tuple(step for step in self.steps if step.by_get)).step_at(now)


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
# Status, and whether the platform posts it (docs/platform.md 2.2): some final ones only GET shows.
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
    # Of one brand, which has the chain accept the order (docs/platform.md 2.2).
    "vendor_delivery_accepted": (
        ("RECEIVED", True), ("ACCEPTED", False), ("READY_FOR_PICKUP", True), ("DELIVERED", False),
    ),
}  # fmt: skip


def trading_hour(
    seed: int,
    orders: int,
    stores: int,
    start: datetime,
    chain_id: str,
    length: timedelta = HOUR,
    country: Country | None = None,
    kinds: Mapping[str, int] = _KINDS,
    first_store: int = 0,
    stores_seed: int | None = None,
) -> list[Life]:
    """The orders of an hour that begins at ``start`` (UTC), by time of creation; with another ``length`` the orders
    are created over all of it and live their quarter of an hour each. ``kinds`` are the courses that they take, each
    with its weight; without a country the seed chooses one. Stores are numbered from ``first_store`` on: their ids and
    codes differ from those of lower numbers. Hours with one ``stores_seed`` have the same stores."""
    chance = random.Random(f"{seed}/{orders}/{stores}")
    of_stores = chance if stores_seed is None else random.Random(stores_seed)
    drawn = of_stores.choice(COUNTRIES)
    country = country or drawn
    shops = [_shop(of_stores, country, number) for number in range(first_store, first_store + stores)]
    span = length - (HOUR - LAST_CREATION)
    created = sorted(start + span * chance.random() for _ in range(orders))
    return [_Maker(chance, country, chain_id, chance.choice(shops), at, kinds).life() for at in created]


def waiting_orders(
    seed: int,
    orders: int,
    start: datetime,
    chain_id: str,
    accepts: bool,
    first_store: int = 0,
    stores_seed: int | None = None,
) -> list[Life]:
    """Orders of one store that picks its own, as trading_hour() makes them: each stays in its first state until it is
    answered. ``accepts`` is for a brand whose stores accept orders."""
    kinds = {"vendor_delivery": 1} if accepts else {"platform_delivery": 3, "vendor_delivery": 1}
    made = trading_hour(seed, orders, 1, start, chain_id, kinds=kinds, first_store=first_store, stores_seed=stores_seed)
    return [replace(life, steps=life.steps[:1], masked=False) for life in made]


def to_text(body: Body) -> str:
    """A body as the platform writes it: compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _shop(chance: random.Random, country: Country, number: int) -> Shop:
    store_id = (
        str(148_000 + 7 * number + chance.randrange(7))
        if country.numeric_ids
        else "".join(chance.choices("abcdefghjkmnpqrstuvwxyz23456789", k=3))
        + "abcdefghjkmn"[number % 12]
        + str(number // 12 or "")
    )
    place = country.places[number % len(country.places)]
    code = f"{''.join(word[0] for word in country.shop.split())}-{place[:3].upper()}-{number + 1:02d}"
    return Shop(str(random_uuid(chance)), store_id, code, f"{country.shop} - {place}")


class _Maker:
    """Makes one order, state by state."""

    def __init__(
        self,
        chance: random.Random,
        country: Country,
        chain_id: str,
        shop: Shop,
        created: datetime,
        kinds: Mapping[str, int],
    ) -> None:
        self._chance = chance
        self._country = country
        self._shop = shop
        self._created = created.replace(microsecond=created.microsecond // 1000 * 1000)
        self._kind = chance.choices([*kinds], [*kinds.values()])[0]
        self._chain_id = chain_id
        self._basket = Basket(chance, country, shop.external_partner_config_id.split("-")[0])

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
        lines = [self._basket.line() for _ in range(chance.choices([1, 2, 3, 4, 6, 9], [2, 4, 5, 4, 3, 1])[0])]
        if chance.random() < 0.25:
            self._basket.promote(chance.choice(lines))
        preorder = chance.random() < 0.1
        promised = self._created + timedelta(minutes=chance.randrange(25, 60), hours=20 if preorder else 0)
        order: Body = {
            "order_id": str(random_uuid(chance)),
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

    def _moved_on(self, before: Body, status: str, at: datetime) -> Body:
        body: Body = json.loads(json.dumps(before))
        body["status"] = status
        picked_before = any(line["status"] != "NOT_PROCESSED" for line in body["items"])
        if status in {"READY_FOR_PICKUP", "DISPATCHED"} and not picked_before:
            body["items"] = self._basket.picked(body["items"])
        if status == "CANCELLED":
            self._cancel(body)
        body["payment"] = payment(body["items"], self._fees, self._additional)
        by = {"RECEIVED": "platform", "READY_FOR_PICKUP": "picker"}.get(status, "logistics")
        body["sys"] |= {"updated_at": timestamp(at), "updated_by": by}
        return body

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


def webhook_events(lives: list[Life]) -> Iterator[tuple[Life, Step]]:
    """All that the platform posts, by time."""
    events = [(life, step) for life in lives for step in life.steps if step.by_webhook]
    yield from sorted(events, key=lambda event: event[1].at)
