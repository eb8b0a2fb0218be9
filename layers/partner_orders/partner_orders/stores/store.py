"""A store of the chain, and what an operator sets of it."""

import re
from dataclasses import dataclass
from datetime import datetime

from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours


@dataclass(frozen=True)
class Store:
    """``store_id`` is the platform's id, ``external_partner_config_id`` the chain's own. What follows the country is
    what an operator has set, since no payload has it; a paused store is not reconciled. ``registered_at`` is when its
    first event, or an operator, made it known."""

    store_id: str
    external_partner_config_id: str | None = None
    name: str | None = None
    country_code: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    is_paused: bool = False
    registered_at: datetime | None = None


class InvalidStoreError(ValueError):
    """Says which setting of a store is not one, and how it should look."""


@dataclass(frozen=True)
class StoreSettings:
    """What an operator sets of a store: None leaves a setting as it is, an empty text removes it."""

    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    external_partner_config_id: str | None = None
    is_paused: bool | None = None

    def check(self) -> None:
        """Raises InvalidStoreError."""
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise InvalidStoreError("the currency should be three capital letters, such as PKR")
        try:
            TradingHours.from_text(self.trading_hours or "", self.time_zone or "UTC")
        except BadTradingHoursError as error:
            raise InvalidStoreError(str(error)) from None
