"""What an operator sets of stores: one by one, or many from a CSV file."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from partner_orders.stores.store import InvalidStoreError, Store, StoreSettings
from partner_orders_console.operations.currencies import CURRENCIES
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.spreadsheet import csv_line, from_csv_cell
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

COLUMNS = ("store_id", "code", "currency", "time_zone", "trading_hours", "is_paused", "is_answering")
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def set_store(stack: DeployedStack, name: str, settings: StoreSettings) -> tuple[str, bool]:
    """Set what is given of a store, and leave the rest; its store_id, and whether it is new. One that is not registered
    yet needs no setting. Raises OperatorError."""
    if not name.strip():
        raise OperatorError("there is nothing to set", "Name a store.")
    try:
        check_settings(settings)
        is_new = stack.stores.find(name) is None
        if not is_new and settings == StoreSettings():
            raise OperatorError("there is nothing to set", "Name a setting, such as --currency PKR.")
        return stack.stores.set(name, settings), is_new
    except InvalidStoreError as error:
        raise OperatorError(f"{name}: {error}", "Nothing was changed.") from None


def check_removable(stack: DeployedStack, store: Store) -> None:
    """Raises OperatorError for a store that orders are listed under."""
    if any(stack.orders.newest_of_store(listing, _EARLIEST, _LATEST) for listing in store.listings):
        raise OperatorError(
            f"orders are listed under {store.store_id}",
            f"Leave it out: `partner-orders stores pause {store.store_id}`.",
        )


def settings_of_file(stack: DeployedStack, file: Path) -> dict[str, StoreSettings]:
    """The settings of a CSV file in UTF-8, by store. Every line is checked. Raises OperatorError, with a line for each
    problem."""
    found: dict[str, StoreSettings] = {}
    codes: dict[str, int] = {}
    problems: list[str] = []
    for line, row in _rows(file):
        try:
            store_id, settings = _settings(row)
            if store_id in found:
                raise InvalidStoreError(f"{store_id} is in an earlier line too")
            code = settings.external_partner_config_id
            if code in codes:
                raise InvalidStoreError(f"{code} is the code in line {codes[code]} already")
            if code:
                codes[code] = line
            stack.stores.check(store_id, settings)
            found[store_id] = settings
        except InvalidStoreError as error:
            problems.append(f"line {line}: {error}")
    if problems:
        raise OperatorError("\n".join(problems), f"Nothing was changed. Correct {file.name} and try again.")
    return found


def set_all(stack: DeployedStack, settings: dict[str, StoreSettings], progress: Progress = silent) -> None:
    """Set many stores, one after the other."""
    for number, (store_id, one) in enumerate(settings.items()):
        progress(f"{number} of {counted(len(settings), 'store')} set")
        stack.stores.set(store_id, one)


def csv_of(stores: Iterable[Store]) -> Iterator[str]:
    """The lines of a CSV file that ``settings_of_file`` takes."""
    yield csv_line(COLUMNS)
    for store in stores:
        settings = (store.currency, store.time_zone, store.trading_hours)
        flags = (str(store.is_paused).lower(), str(store.is_answering).lower())
        yield csv_line((store.store_id, store.external_partner_config_id, *settings, *flags))


def check_settings(settings: StoreSettings) -> None:
    """Raises InvalidStoreError."""
    settings.check()
    if settings.currency and settings.currency not in CURRENCIES:
        raise InvalidStoreError(f"{settings.currency} is not a currency of ISO 4217, such as PKR")


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as content:
        reader = csv.DictReader(content)
        try:
            columns = set(reader.fieldnames or [])
            if "store_id" not in columns or columns - set(COLUMNS):
                raise OperatorError(
                    f"{file.name}: the first line should name the columns",
                    f"store_id, and any of {', '.join(COLUMNS[1:])}, separated by commas.",
                )
            for row in reader:
                yield reader.line_num, row
        except UnicodeDecodeError:
            raise OperatorError(f"{file.name} is not in UTF-8", "Save it as `CSV UTF-8`.") from None
        except csv.Error as error:
            raise OperatorError(f"line {reader.line_num + 1}: {error}", "Is it CSV?") from None


def _settings(row: dict[str, Any]) -> tuple[str, StoreSettings]:
    if None in row or None in row.values():
        raise InvalidStoreError("it has more or fewer fields than the first line")
    text = {name: from_csv_cell(value.strip()) for name, value in row.items()}
    if spoilt := [name for name, value in text.items() if any(unicodedata.category(one) == "Cc" for one in value)]:
        raise InvalidStoreError(f"{spoilt[0]} has a control character")
    if not text["store_id"]:
        raise InvalidStoreError("store_id is empty")
    is_paused, is_answering = (_flag(text, name) for name in ("is_paused", "is_answering"))
    settings = StoreSettings(
        currency=text.get("currency") or None,
        time_zone=text.get("time_zone") or None,
        trading_hours=text.get("trading_hours") or None,
        external_partner_config_id=text.get("code") or None,
        is_paused=is_paused,
        is_answering=is_answering,
    )
    check_settings(settings)
    return text["store_id"], settings


def _flag(text: dict[str, str], name: str) -> bool | None:
    """Raises InvalidStoreError."""
    value = text.get(name, "").lower()
    if value not in {"", "true", "false"}:
        raise InvalidStoreError(f"{name} should be true or false")
    return value == "true" if value else None
