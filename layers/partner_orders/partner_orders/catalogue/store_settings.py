"""What an operator set of a store's catalogue: whether it is sent, and what is kept back (rule W8)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.update import absent, equals
from partner_orders.catalogue import keys
from partner_orders.catalogue.channel import NO_PLACE, Channel, FilePlace, Layout
from partner_orders.catalogue.packed_lines import pack, unpack
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.store_state import StoreState, state_of
from partner_orders.catalogue.to_send import NO_MARGINS, Margins
from partner_orders.clock import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_SKUS = 1_000  # with margins of their own, in a store
_SETTINGS_AND_STATES = Range(keys.SETTINGS, f"{keys.STATE}\uffff")
_MAX_WRITES = 8
_MAX_PACKED = 100_000  # bytes; the row of every store is read each minute


class InvalidSettingsError(ValueError):
    """Settings that are not taken; the message says why."""


class SettingsChangedError(RuntimeError):
    """Somebody else changed the settings of a store since they were read; the message names the store."""


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """``is_sending``: off until it is switched on; files are taken meanwhile. ``switches_absent_off``: whether a whole
    list takes what it leaves out off sale. ``changed_at``, ``changed_by``, ``reason``: of the last change.
    ``is_promoting``: whether promotions are sent that name the store; off until it is switched on, too. ``channel``:
    how the catalogue is sent, and ``place`` where its files go. ``writes``: how often they were written."""

    store_id: str
    is_sending: bool = False
    switches_absent_off: bool = True
    margins: Margins = NO_MARGINS
    changed_at: datetime | None = None
    changed_by: str = ""
    reason: str = ""
    is_promoting: bool = False
    channel: Channel = Channel.API
    place: FilePlace = NO_PLACE
    writes: int = field(default=0, compare=False)

    @property
    def sends_by_api(self) -> bool:
        return self.is_sending and self.channel is Channel.API

    @property
    def sends_by_files(self) -> bool:
        return self.is_sending and self.channel is Channel.FILES


class SettingsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def get(self, store_id: str) -> CatalogueSettings | None:
        """The settings of a store, consistent; None where the store is not in the catalogue."""
        row = self._table.get(keys.settings(store_id))
        return None if row is None else _settings(row)

    def all(self) -> dict[str, CatalogueSettings]:
        """The settings of every store of the catalogue, by store; consistent."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.SETTINGS), consistent=True)
        return {found.store_id: found for found in map(_settings, rows)}

    def all_with_states(self) -> tuple[dict[str, CatalogueSettings], list[StoreState]]:
        """The settings and the states of every store, consistent, by one query: their rows stand side by side."""
        settings, states = {}, []
        for row in self._table.query(keys.STORES, _SETTINGS_AND_STATES, consistent=True):
            if row["sk"].startswith(keys.SETTINGS):
                found = _settings(row)
                settings[found.store_id] = found
            elif row["sk"].startswith(keys.STATE):
                states.append(state_of(row))
        return settings, states

    def put(self, settings: CatalogueSettings) -> None:
        """Write the settings of a store, whatever is there. Raises InvalidSettingsError for too many exceptions by
        SKU."""
        self._table.put(keys.settings(settings.store_id), _attributes(settings))

    def write(self, settings: CatalogueSettings) -> None:
        """Write the settings of a store over those that were read. Raises InvalidSettingsError for too many exceptions
        by SKU, and SettingsChangedError."""
        as_read = equals("writes", settings.writes) if settings.writes else absent("writes")
        try:
            self._table.put(keys.settings(settings.store_id), _attributes(settings), as_read)
        except ConditionFailedError:
            raise SettingsChangedError(settings.store_id) from None

    def change(self, store_id: str, change: Callable[[CatalogueSettings], CatalogueSettings]) -> CatalogueSettings:
        """Change the settings of a store, whoever else does at the same time; the settings then. Raises LookupError
        where the store is not in the catalogue, InvalidSettingsError and SettingsChangedError."""
        for _ in range(_MAX_WRITES):
            before = self.get(store_id)
            if before is None:
                raise LookupError(store_id)
            try:
                self.write(change(before))
            except SettingsChangedError:
                continue
            return change(before)
        raise SettingsChangedError(store_id)


def _attributes(settings: CatalogueSettings) -> dict[str, Any]:
    margins = settings.margins
    by_sku = {"safety_stock": dict(margins.safety_stock_of or {}), "cap": dict(margins.cap_of or {})}
    if len({sku for some in by_sku.values() for sku in some}) > MAX_SKUS:
        raise InvalidSettingsError(f"margins by SKU are for at most {MAX_SKUS:,} SKUs of a store")
    packed = pack({name: {**some} for name, some in by_sku.items()})
    if len(packed) > _MAX_PACKED:
        raise InvalidSettingsError("the margins by SKU are too long; use shorter SKUs, or fewer")
    found: dict[str, Any] = {
        "is_sending": settings.is_sending,
        "switches_absent_off": settings.switches_absent_off,
        "safety_stock": margins.safety_stock,
        "by_sku": packed if any(by_sku.values()) else None,
        "cap": margins.cap,
        "changed_at": None if settings.changed_at is None else to_text(settings.changed_at),
        "changed_by": settings.changed_by or None,
        "reason": settings.reason or None,
        "is_promoting": settings.is_promoting or None,
        "writes": settings.writes + 1,
        "channel": None if settings.channel is Channel.API else settings.channel.value,
        "file_prefix": settings.place.prefix or None,
        "file_folder": settings.place.folder or None,
        "file_vendor_id": settings.place.vendor_id or None,
        "file_layout": None if settings.place == NO_PLACE else settings.place.layout.value,
    }
    return {name: value for name, value in found.items() if value is not None}


def _settings(row: Row) -> CatalogueSettings:
    by_sku = unpack(row["by_sku"]) if "by_sku" in row else {}
    margins = Margins(
        row["safety_stock"], row.get("cap"), by_sku.get("safety_stock") or None, by_sku.get("cap") or None
    )
    return CatalogueSettings(
        row["sk"].removeprefix(keys.SETTINGS),
        row["is_sending"],
        row["switches_absent_off"],
        margins,
        from_text(row["changed_at"]) if "changed_at" in row else None,
        row.get("changed_by", ""),
        row.get("reason", ""),
        row.get("is_promoting", False),
        Channel(row.get("channel", Channel.API)),
        _place(row),
        row.get("writes", 0),
    )


def _place(row: Row) -> FilePlace:
    layout = Layout(row.get("file_layout", Layout.ONE_VENDOR))
    return FilePlace(row.get("file_prefix", ""), row.get("file_folder", ""), layout, row.get("file_vendor_id", ""))


class KnownSettings:
    """The settings of stores as they were read last, for what asks for margins again and again."""

    def __init__(self, table: SettingsTable) -> None:
        self._table = table
        self._known: dict[str, CatalogueSettings] = {}

    def read_all(self) -> tuple[dict[str, CatalogueSettings], list[StoreState]]:
        """Those of every store, read anew, with the states of stores. Raises botocore's errors."""
        self._known, states = self._table.all_with_states()
        return self._known, states

    def read(self, store_id: str) -> CatalogueSettings | None:
        """Those of one store, read anew. Raises botocore's errors."""
        found = self._table.get(store_id)
        if found is None:
            self._known.pop(store_id, None)
        else:
            self._known[store_id] = found
        return found

    def margins(self, store_id: str) -> Margins:
        """What a store keeps back; nothing where it has no settings."""
        known = self._known.get(store_id)
        return NO_MARGINS if known is None else known.margins
