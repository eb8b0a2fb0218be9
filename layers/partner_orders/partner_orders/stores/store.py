"""A store of the chain, and what an operator sets of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours


@dataclass(frozen=True)
class Store:
    """``store_id`` is the platform's id, ``external_partner_config_id`` the chain's own. What follows the country is
    what an operator has set, since no payload has it; a paused store is not reconciled, and may tell who paused it,
    when (text, UTC) and why. A store's orders are answered only if it ``is_answering``. ``registered_at`` is when its
    first event, or an operator, made it known. ``other_listings`` are the chain's own ids of it: an order whose events
    give no other id is listed under one of these."""

    store_id: str
    external_partner_config_id: str | None = None
    name: str | None = None
    country_code: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    is_paused: bool = False
    is_answering: bool = False
    paused_at: str | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    registered_at: datetime | None = None
    other_listings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def listings(self) -> tuple[str, ...]:
        """Every id that orders of the store are listed under."""
        return (self.store_id, *self.other_listings)


class InvalidStoreError(ValueError):
    """Says which setting of a store is not one, and how it should look."""


class AmbiguousCodeError(InvalidStoreError):
    """Several stores have one code at the same time, so that it names none of them."""

    def __init__(self, code: str, store_ids: Sequence[str]) -> None:
        super().__init__(f"several stores have the code {code} now: {', '.join(store_ids)}; name one by its store_id")


@dataclass(frozen=True)
class StoreSettings:
    """What an operator sets of a store: None leaves a setting as it is, an empty text removes it."""

    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    external_partner_config_id: str | None = None
    is_paused: bool | None = None
    is_answering: bool | None = None
    paused_at: str | None = None
    paused_by: str | None = None
    paused_reason: str | None = None

    def check(self) -> None:
        """Raises InvalidStoreError."""
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise InvalidStoreError("the currency should be three capital letters, such as PKR")
        try:
            TradingHours.from_text(self.trading_hours or "", self.time_zone or "UTC")
        except BadTradingHoursError as error:
            raise InvalidStoreError(str(error)) from None
