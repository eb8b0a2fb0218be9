"""The stores as their rows say, by either of their ids; which store has a code of the chain's own now."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import from_text
from partner_orders.stores.facts import CODE, Holding, facts_in, holding_in
from partner_orders.stores.store import AmbiguousCodeError, Store

# Of a row by the chain's own id, the store that turned out to have that id.
MERGED_INTO = "merged_into"


class StoreDirectory:
    """Every registered store, from the rows of the stores' partition."""

    def __init__(self, rows: Iterable[Row]) -> None:
        stores: dict[str, Row] = {}
        self._holdings: dict[str, Holding] = {}
        for row in rows:
            if row["sk"].startswith(keys.STORE):
                stores[row["sk"].removeprefix(keys.STORE)] = row
            elif row["sk"].startswith(keys.ALIAS):
                self._holdings[row["sk"].removeprefix(keys.ALIAS)] = holding_in(row)
        self._rows = {
            name: row
            for name, row in stores.items()
            # A provisional row by a code that is another store's: that store is about to take it over.
            if MERGED_INTO not in row
            and not (
                is_provisional(row) and stores.keys() & set(self._holdings.get(name, Holding()).store_ids) - {name}
            )
        }
        self._claims: dict[str, list[str]] = {}
        for store_id, row in self._rows.items():
            self._claims.setdefault(row.get(CODE, ""), []).append(store_id)

    @property
    def stores(self) -> list[Store]:
        """Every store, by store_id, with what its orders are listed under."""
        codes: dict[str, list[str]] = {}
        for code in sorted({*self._claims, *self._holdings} - self._rows.keys() - {""}):
            holders = self.holding_of(code).store_ids
            if len(holders) == 1:
                codes.setdefault(holders[0], []).append(code)
        return [
            replace(store_in(row), other_listings=tuple(codes.get(store_id, ())))
            for store_id, row in self._rows.items()
        ]

    def named(self, name: str) -> Store | None:
        """A store by the platform's id or the chain's own. Raises AmbiguousCodeError for a code that several stores
        have at the same time."""
        holders = (name,) if name in self._rows else self.holding_of(name).store_ids
        if len(holders) > 1:
            raise AmbiguousCodeError(name, holders)
        return next((store for store in self.stores if store.store_id in holders), None)

    def code_said_at(self, store_id: str) -> str:
        """When it was last said which code a store has, as text; empty if that was never said, or without a clock."""
        return facts_in(self._rows.get(store_id))[CODE].said_at

    def claimants_of(self, code: str) -> tuple[str, ...]:
        """The ids of the stores that say that a code is theirs now; not of a row that stands for such a store."""
        return tuple(store_id for store_id in self._claims.get(code, ()) if not is_provisional(self._rows[store_id]))

    def holding_of(self, code: str) -> Holding:
        """Which store has a code now: the one of which that was said last. Where no store says any more that it has the
        code, the one that had it last."""
        holding = self._holdings.get(code, Holding())
        held = tuple(store_id for store_id in holding.store_ids if store_id in self._rows)
        claims = {store_id: facts_in(self._rows[store_id])[CODE].said_at for store_id in self._claims.get(code, ())}
        if not claims:
            return Holding(holding.said_at, held)
        # A row has the time at which the claim was new to it, the alias that of the last change between stores.
        claims |= {store_id: max(claims[store_id], holding.said_at) for store_id in held if store_id in claims}
        latest = max(claims.values())
        return Holding(latest, tuple(sorted(store_id for store_id, said_at in claims.items() if said_at == latest)))


def is_provisional(row: Row) -> bool:
    """Whether a store's row is by a name of which no event has said yet that it is the platform's id."""
    return row.get("is_provisional") is True


def store_in(row: Row) -> Store:
    """The store of a row."""
    text = {name: value for name, value in row.items() if isinstance(value, str)}
    return Store(
        store_id=row["sk"].removeprefix(keys.STORE),
        external_partner_config_id=text.get(CODE),
        name=text.get("name"),
        country_code=text.get("country_code"),
        currency=text.get("currency"),
        time_zone=text.get("time_zone"),
        trading_hours=text.get("trading_hours"),
        is_paused=row.get("is_paused") is True or text.get("is_paused", "").lower() == "true",
        is_answering=row.get("is_answering") is True,
        paused_at=text.get("paused_at"),
        paused_by=text.get("paused_by"),
        paused_reason=text.get("paused_reason"),
        registered_at=_instant(text.get("registered_at", "")),
    )


def _instant(text: str) -> datetime | None:
    """None for what is no time: somebody wrote it by hand."""
    try:
        return from_text(text)
    except ValueError:
        return None
