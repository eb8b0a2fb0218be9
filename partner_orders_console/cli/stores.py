"""``partner-orders stores``: what no payload says of a store, set by an operator."""

import csv
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from partner_orders.stores.store import InvalidStoreError, Store, StoreSettings
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Yes,
    ago,
    ask,
    at,
    counted,
    csv_line,
    from_csv_cell,
    print_facts,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import store_named

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

app = typer.Typer(help="Stores: currency, time zone, trading hours, code.", no_args_is_help=True)

COLUMNS = ("store_id", "external_partner_config_id", "name", "currency", "time_zone", "trading_hours", "is_paused")
_TIMES = ("registered_at", "paused_at")
IMPORTED = ("store_id", "code", "currency", "time_zone", "trading_hours", "is_paused")
Name = Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")]


@app.command("list")
def list_stores(
    context: typer.Context,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV that `stores import` of another stack takes")] = False,
) -> None:
    """The registered stores. Example: partner-orders stores list"""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: one of them")
    stores = stack_of(context).stores.all()
    if as_csv:
        _write_csv(stores)
        return
    if as_json:
        print_json([asdict(store) for store in stores])
        return
    print_table(COLUMNS, ([getattr(store, column) or None for column in COLUMNS] for store in stores))
    say(counted(len(stores), "store"))


@app.command()
def show(context: typer.Context, store: Name, as_json: AsJson = False) -> None:
    """One store: settings, last order and webhook, how far it is checked, who paused it.

    Example: partner-orders stores show 148020
    """
    from partner_orders.clock import now
    from partner_orders_console.operations.store_overview import overview

    stack = stack_of(context)
    found = overview(stack, store_named(stack, store))
    if as_json:
        print_json(asdict(found))
        return

    def when(time: datetime | None) -> str:
        return f"{at(time)} ({ago(time, now())})" if time else "never"

    facts = {name: value for name, value in asdict(found.store).items() if name not in _TIMES}
    facts |= {name: at(getattr(found.store, name)) for name in _TIMES}
    facts |= {
        "last_order": when(found.last_order_at),
        "last_webhook": when(found.last_webhook_at),
        "checked_until": when(found.checked_until),
        "unended_visits": found.unended_visits or None,
        "open_orders": found.open_orders,
    }
    print_facts({name: ", ".join(value) if isinstance(value, tuple) else value for name, value in facts.items()})
    say("times in UTC")


@app.command("set")
def set_store(
    context: typer.Context,
    store: Name,
    currency: Annotated[str | None, typer.Option(help="ISO 4217, such as PKR; empty to remove")] = None,
    time_zone: Annotated[str | None, typer.Option(help="such as Asia/Karachi")] = None,
    trading_hours: Annotated[str | None, typer.Option(help='such as "mon-fri 08:00-22:00, sat 10:00-02:00"')] = None,
    code: Annotated[str | None, typer.Option(help="the chain's own code of it (external_partner_config_id)")] = None,
) -> None:
    """Set what is given, and leave the rest. A store that no event has named yet is registered.

    Example: partner-orders stores set 148020 --currency SAR --time-zone Asia/Riyadh
    """
    settings = StoreSettings(
        currency=currency, time_zone=time_zone, trading_hours=trading_hours, external_partner_config_id=code
    )
    if not store.strip() or settings == StoreSettings():
        raise OperatorError("there is nothing to set", "Name a store, and what to set of it: --currency PKR.")
    stack = stack_of(context)
    try:
        is_new = stack.stores.find(store) is None
        store_id = stack.stores.set(store, settings)
    except InvalidStoreError as error:
        raise OperatorError(f"{store}: {error}", "Nothing was changed.") from None
    say(f"{store_id} is set" + (", and is new: no event has named it yet" if is_new else ""))


@app.command()
def pause(
    context: typer.Context,
    store: Name,
    off: Annotated[bool, typer.Option("--off", help="reconcile it again")] = False,
    reason: Annotated[str, typer.Option(help="why, for whoever finds it paused")] = "",
) -> None:
    """Leave a store out of reconciliation, because it is closed for long. Its webhooks are stored as ever.

    Example: partner-orders stores pause 148020 --reason "closed until May"
    """
    from partner_orders_console.operations.store_pause import pause_store, resume_store

    stack = stack_of(context)
    found = store_named(stack, store)
    if off:
        resume_store(stack, found)
    else:
        pause_store(stack, found, reason)
    by_id = "" if store == found.store_id else f" ({found.store_id})"
    say(f"{store}{by_id} is {'reconciled again' if off else 'paused'}")


@app.command()
def remove(context: typer.Context, store: Name, yes: Yes = False) -> None:
    """Remove a store that was registered by mistake. One that orders are listed under stays; it can be paused.

    Example: partner-orders stores remove 148O20 --yes
    """
    stack = stack_of(context)
    found = store_named(stack, store)
    if any(stack.orders.newest_of_store(listing, EARLIEST, LATEST) for listing in found.listings):
        raise OperatorError(
            f"orders are listed under {found.store_id}",
            f"Leave it out: `partner-orders stores pause {store}`.",
        )
    ask(f"remove the store {found.store_id}{f' ({found.name})' if found.name else ''} and its settings?", yes)
    stack.stores.remove(found)
    say(f"{found.store_id} is removed")


@app.command("import")
def import_stores(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a header")],
    preview: Annotated[bool, typer.Option("--preview", help="check it, and change nothing")] = False,
) -> None:
    """Set many stores from a CSV file: store_id, and any of code, currency, time_zone, trading_hours, is_paused; or
    from what `stores list --csv` printed. What is empty stays as it is.

    All lines are checked before the first is written.

    Example: partner-orders stores import stores.csv --preview
    """
    stores = stack_of(context).stores
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
            stores.check(store_id, settings)
            found[store_id] = settings
        except InvalidStoreError as error:
            problems.append(f"line {line}: {error}")
    if problems:
        raise OperatorError("\n".join(problems), f"Nothing was changed. Mend {file.name} and try again.")
    if preview:
        say(f"{counted(len(found), 'store is', 'stores are')} well described; nothing was changed")
        return
    with working(f"setting {counted(len(found), 'store')}"):
        for store_id, settings in found.items():
            stores.set(store_id, settings)
    say(f"{counted(len(found), 'store is', 'stores are')} set")


def _write_csv(stores: Iterable[Store]) -> None:
    sys.stdout.write(csv_line(IMPORTED))
    for store in stores:
        settings = (store.currency, store.time_zone, store.trading_hours, str(store.is_paused).lower())
        sys.stdout.write(csv_line((store.store_id, store.external_partner_config_id, *settings)))


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as content:
        reader = csv.DictReader(content)
        try:
            columns = set(reader.fieldnames or [])
            if "store_id" not in columns or columns - set(IMPORTED):
                raise OperatorError(
                    f"{file.name}: the first line should name the columns",
                    f"store_id, and any of {', '.join(IMPORTED[1:])}; a comma between them.",
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
    paused = text.get("is_paused", "").lower()
    if paused not in {"", "true", "false"}:
        raise InvalidStoreError("is_paused should be true or false")
    settings = StoreSettings(
        currency=text.get("currency") or None,
        time_zone=text.get("time_zone") or None,
        trading_hours=text.get("trading_hours") or None,
        external_partner_config_id=text.get("code") or None,
        is_paused=None if not paused else paused == "true",
    )
    settings.check()
    return text["store_id"], settings
