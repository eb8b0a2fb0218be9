"""The rules of a promotion that need nothing but the stores and the time: a draft becomes a promotion, or all its
problems are told at once (docs/platform.md 10)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from partner_orders.catalogue.product import MAX_DECIMALS, MAX_PIECES, MAX_SKU, PRICE_LIMIT
from partner_orders.exact_json import Json
from partner_orders.promotions.promotion import (
    EVERY_STORE,
    MAX_BODY_BYTES,
    MOST_PAIRS,
    REASONS,
    Discount,
    Kind,
    Promotion,
    Subtype,
    body_of,
)
from partner_orders.stores.store import Store
from partner_orders_console.operations.promotions.draft import Draft, DraftDiscount, Problem, Said
from partner_orders_console.operations.promotions.times import time_of
from partner_orders_console.operations.words import counted

MOST_VENDORS = 2_000
MOST_NAMES = 10
MAX_NAME = 100  # characters
MOST_IN_BUNDLE = 100  # pieces
# Whoever puts a promotion that starts now needs a moment to do so.
STARTED_AT_MOST = timedelta(minutes=10)
LONGEST = timedelta(days=366)
_LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}", re.ASCII)
_LIMIT = re.compile(r"[a-z][a-z_]{2,39}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)
_WHOLE_LIMITS = frozenset({"global_limit", "max_items_per_order"})


class Stores(NamedTuple):
    """The stores that a promotion may name: by either of their ids, and all of the catalogue, which EVERY_STORE means.
    ``ambiguous`` are codes that several stores have."""

    by_name: Mapping[str, Store]
    all: tuple[Store, ...]
    ambiguous: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a draft gives in which stores, as far as it could be read, and where it names each SKU."""

    stores: tuple[Store, ...]
    discounts: tuple[Discount, ...]
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A promotion that nothing is wrong with by itself, and the place of it in the document."""

    promotion: Promotion
    offer: Offer
    place: str

    @property
    def stores(self) -> tuple[Store, ...]:
        return self.offer.stores

    @property
    def places(self) -> Mapping[str, str]:
        return self.offer.places


@dataclass(frozen=True, slots=True)
class Faulty:
    """Every problem of a draft."""

    problems: list[Problem]
    offer: Offer


def checked(draft: Draft, stores: Stores, now: datetime, is_known: Callable[[Promotion], bool]) -> Checked | Faulty:
    """The promotion of a draft, or every problem it has. ``is_known`` tells of a promotion whether the chain has
    put it already: such a promotion may have started."""
    reading = _Reading(draft)
    found = reading.stores(stores)
    # Where a store is wrong, its time zone is no second problem.
    zone = ZoneInfo("UTC") if reading.problems else zone_of(found)
    starts = reading.value(draft.starts, lambda text: time_of(text, zone))
    ends = reading.value(draft.ends, lambda text: time_of(text, zone, is_end=True))
    kind = reading.value(draft.kind, lambda text: Kind(_one_of(text.upper(), tuple(Kind))))
    reason = reading.value(draft.reason, lambda text: _one_of(text.upper(), REASONS))
    reading.value(draft.active, _active_only)
    names = reading.names(found)
    buy, get = reading.bundle(kind)
    limits = reading.limits()
    discounts = reading.discounts()
    offer = Offer(found, discounts, reading.places)
    if not starts or not ends or not kind or not reason or reading.problems:
        reading.check_order(starts, ends, now)
        return Faulty(reading.problems, offer)
    promotion = Promotion(
        (EVERY_STORE,) if reading.is_everywhere else tuple(store.store_id for store in found),
        *(kind, reason, names, starts, ends, discounts, limits, buy, get),
    )
    reading.check_order(starts, ends, now)
    reading.check_start(promotion, now, is_known)
    reading.check_size(promotion, len(found))
    return Faulty(reading.problems, offer) if reading.problems else Checked(promotion, offer, draft.place)


class _Reading:
    """Reads one draft and collects what is wrong with it."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.problems: list[Problem] = []
        self.places: dict[str, str] = {}
        self.is_everywhere = False

    def value[T](self, said: Said, parse: Callable[[str], T]) -> T | None:
        """A value; None, and a problem, where it cannot be taken."""
        try:
            return parse(said.text)
        except ValueError as error:
            self.problems.append(Problem(said.place, str(error)))
            return None

    # -- stores and names --------------------------------------------------------------------------------------------

    def stores(self, stores: Stores) -> tuple[Store, ...]:
        given = self._draft.vendors
        if not given:
            self._note(under(self._draft.place, "vendors"), f'name stores, or "{EVERY_STORE}" for every one')
        if len(given) > MOST_VENDORS:
            self._note(given[0].place, f'use at most {MOST_VENDORS:,} stores, or "{EVERY_STORE}" for every one')
            return ()
        if any(said.text == EVERY_STORE for said in given):
            self.is_everywhere = True
            if len(given) > 1:
                self._note(given[0].place, f'"{EVERY_STORE}" stands alone; it means every store')
            elif not stores.all:
                self._note(given[0].place, "the catalogue has no store yet; name stores by their ids")
            return stores.all
        found: dict[str, Store] = {}
        for said in given:
            store = self.value(said, lambda text: _store(text, stores))
            if store is not None and store.store_id in found:
                self._note(said.place, f"the store {store.store_id} is named twice")
            elif store is not None:
                found[store.store_id] = store
        return tuple(found.values())

    def names(self, stores: tuple[Store, ...]) -> dict[str, str]:
        names: dict[str, str] = {}
        if not self._draft.names:
            self._note(under(self._draft.place, "display_name"), 'say what customers see, e.g. {"en_PK": "Dairy week"}')
        for number, (locale, said) in enumerate(self._draft.names.items()):
            if number >= MOST_NAMES:
                self._note(said.place, f"use at most {MOST_NAMES} languages")
                break
            found = self.value(said._replace(text=locale), lambda text: _locale(text, stores))
            name = self.value(said, _name)
            if found and name:
                names[found] = name
        return names

    # -- what it gives -----------------------------------------------------------------------------------------------

    def bundle(self, kind: Kind | None) -> tuple[int | None, int | None]:
        buy, get = self._draft.buy, self._draft.get
        if kind is Kind.SAME_ITEM_BUNDLE:
            return self.value(buy, lambda text: _pieces(text, "are bought")), self.value(
                get, lambda text: _pieces(text, "are discounted")
            )
        for said in (buy, get):
            if said.text and kind is not None:
                self._note(said.place, f"is for {Kind.SAME_ITEM_BUNDLE} only; leave it out")
        return None, None

    def limits(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name, said in self._draft.limits.items():
            if not _LIMIT.fullmatch(name):
                self._note(said.place, "the name of a limit has small letters and _ only")
            elif (value := self.value(said, lambda text, name=name: _limit(name, text))) is not None:  # type: ignore[misc]
                found[name] = value
        return found

    def discounts(self) -> tuple[Discount, ...]:
        if not self._draft.discounts:
            self._note(under(self._draft.place, "discount"), "name at least one SKU and what it gets")
        found = [one for draft in self._draft.discounts if (one := self._discount(draft)) is not None]
        if found and not any(one.is_active for one in found):
            self._note(under(self._draft.place, "discount"), "no SKU is active; to end it, use `promotions end`")
        return tuple(found)

    def _discount(self, draft: DraftDiscount) -> Discount | None:
        subtype = self.value(draft.subtype, lambda text: Subtype(_one_of(text.upper(), tuple(Subtype))))
        value = self.value(draft.value, lambda text: _value(text, subtype))
        most = self.value(draft.max_quantity, lambda text: _whole(text, MAX_PIECES) if text else None)
        is_active = self.value(draft.active, _truth)
        if not draft.skus:
            self._note(draft.subtype.place, "name at least one SKU")
        skus = tuple(sku for said in draft.skus if (sku := self._sku(said)) is not None)
        if subtype is None or value is None or is_active is None or not skus:
            return None
        return Discount(skus, subtype, value, is_active, most)

    def _sku(self, said: Said) -> str | None:
        sku = self.value(said, _sku)
        if sku is None:
            return None
        if sku in self.places:
            self._note(said.place, f"the SKU {sku} is named in {self.places[sku]} already; it can get one thing")
            return None
        self.places[sku] = said.place
        return sku

    # -- the whole ---------------------------------------------------------------------------------------------------

    def check_order(self, starts: datetime | None, ends: datetime | None, now: datetime) -> None:
        if ends is not None and ends <= now:
            self._note(self._draft.ends.place, "is in the past; use a future time")
        elif starts is not None and ends is not None and ends <= starts:
            self._note(self._draft.ends.place, "it ends before it starts")
        elif ends is not None and ends - now > LONGEST:
            self._note(self._draft.ends.place, f"is more than {LONGEST.days} days ahead; is the year right?")

    def check_start(self, promotion: Promotion, now: datetime, is_known: Callable[[Promotion], bool]) -> None:
        is_past = promotion.starts < now - STARTED_AT_MOST and promotion.ends > now
        if is_past and not is_known(promotion):
            self._note(self._draft.starts.place, "is in the past; a new promotion must start now or later")

    def check_size(self, promotion: Promotion, stores: int) -> None:
        if what := too_large(promotion, stores):
            self._note(self._draft.place, what)

    def _note(self, place: str, what: str) -> None:
        self.problems.append(Problem(place, what))


def too_large(promotion: Promotion, stores: int) -> str:
    """Why the platform would not take a promotion for its size; empty if it would."""
    skus = len({sku for one in promotion.discounts for sku in one.skus})
    if skus * stores > MOST_PAIRS:
        return (
            f"{skus:,} SKUs in {counted(stores, 'store')} are {skus * stores:,} pairs; the platform takes at most"
            f" {MOST_PAIRS:,}; split the promotion by stores"
        )
    if len(body_of(promotion)) > MAX_BODY_BYTES:
        return f"it is longer than {MAX_BODY_BYTES:,} bytes; split it by SKUs"
    return ""


# -- values ----------------------------------------------------------------------------------------------------------


def _store(text: str, stores: Stores) -> Store:
    if text in stores.ambiguous:
        raise ValueError(f"several stores have the code {text!r}; name one by its store_id")
    found = stores.by_name.get(text)
    if found is None:
        raise ValueError(f"{text[:MAX_NAME]!r} is not a store; `partner-orders stores list` shows them")
    return found


def zone_of(stores: Sequence[Store]) -> ZoneInfo | str:
    """The time zone of the stores, or why there is none."""
    with_offset = "use a time with an offset, such as 2026-05-06T00:00:00Z"
    if missing := next((store for store in stores if not store.time_zone), None):
        return (
            f"the time zone of {missing.store_id} is not set: {with_offset}, or"
            f" `partner-orders stores set {missing.store_id} --time-zone Asia/Karachi`"
        )
    zones = {store.time_zone for store in stores if store.time_zone}
    if len(zones) != 1:
        return f"the stores are in several time zones: {with_offset}" if zones else with_offset
    return ZoneInfo(zones.pop())


def _locale(text: str, stores: tuple[Store, ...]) -> str:
    if not text:
        countries = {store.country_code for store in stores if store.country_code}
        if len(countries) == 1:
            return f"en_{countries.pop().upper()}"
        raise ValueError("say in which language the name is: a locale such as en_PK")
    if not _LOCALE.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not a locale; use e.g. en_PK")
    return text


def _name(text: str) -> str:
    if not 0 < len(text) <= MAX_NAME or not text.isprintable():
        raise ValueError(f"a name has 1 to {MAX_NAME} printable characters")
    return text


def _one_of(text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise ValueError(f"use one of {', '.join(words)}")
    return text


def _active_only(text: str) -> None:
    if not _truth(text):
        raise ValueError("a document puts a promotion; to end one, use `partner-orders promotions end`")


def _truth(text: str) -> bool:
    if text.lower() not in {"", "true", "1", "false", "0"}:
        raise ValueError("use true or false")
    return text.lower() not in {"false", "0"}


def _sku(text: str) -> str:
    if not 0 < len(text) <= MAX_SKU or not text.isprintable():
        raise ValueError(f"a SKU has 1 to {MAX_SKU} printable characters")
    return text


def _value(text: str, subtype: Subtype | None) -> Decimal:
    value = _number(text)
    if subtype is Subtype.PERCENTAGE and not 1 <= value <= 100:
        raise ValueError("use 1 to 100 per cent")
    if value <= 0:
        raise ValueError("use a number above 0")
    if value >= PRICE_LIMIT:
        raise ValueError(f"use a number below {PRICE_LIMIT:,}")
    if value != round(value, MAX_DECIMALS):
        raise ValueError(f"use at most {MAX_DECIMALS} decimals")
    return value.normalize() if value != value.to_integral_value() else value.quantize(Decimal(1))


def _limit(name: str, text: str) -> Json:
    if name in _WHOLE_LIMITS:
        return _whole(text, 10 * MAX_PIECES)
    value = _number(text)
    if value <= 0:
        raise ValueError("use a number above 0, or leave the limit out")
    return value


def _pieces(text: str, what: str) -> int:
    if not text:
        raise ValueError(f"say how many pieces {what}")
    return _whole(text, MOST_IN_BUNDLE)


def _whole(text: str, most: int) -> int:
    value = _number(text)
    if value != value.to_integral_value() or not 1 <= value <= most:
        raise ValueError(f"use a whole number from 1 to {most:,}")
    return int(value)


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError("use digits and a dot as the decimal sign, such as 2.95")
    return Decimal(text)


def under(place: str, name: str) -> str:
    return f"{place}.{name}" if place and not place.startswith("line ") else f"{place}, {name}" if place else name
