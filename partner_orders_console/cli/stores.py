"""``partner-orders stores``: what no payload says of a store, set by an operator."""

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    Yes,
    ago,
    ask,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.cli.store_status import close_store, open_store, status

app = typer.Typer(
    help="Stores: currency, time zone, trading hours, code; open and close them on the platform.", no_args_is_help=True
)

COLUMNS = (
    *("store_id", "external_partner_config_id", "name", "currency", "time_zone", "trading_hours"),
    *("is_paused", "is_answering"),
)
_TIMES = ("registered_at", "paused_at")
Name = Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")]

app.command("open")(open_store)
app.command("close")(close_store)
app.command()(status)


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
        from partner_orders_console.operations.store_settings import csv_of

        sys.stdout.writelines(csv_of(stores))
        return
    if as_json:
        print_json([asdict(store) for store in stores])
        return
    ids = ("store_id", "external_partner_config_id")
    columns = [Column(name, Kind.ID if name in ids else Kind.TEXT) for name in COLUMNS]
    print_table(columns, ([getattr(store, name) or None for name in COLUMNS] for store in stores))
    say(counted(len(stores), "store"))


@app.command()
def show(context: typer.Context, store: Name, as_json: AsJson = False) -> None:
    """One store: settings, last order and webhook, how far it is checked, who paused it.

    Example: partner-orders stores show 148020
    """
    from partner_orders.clock import now
    from partner_orders_console.operations.orders import store_named
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
    code: Annotated[
        str | None, typer.Option(help="the chain's own code for the store (external_partner_config_id)")
    ] = None,
    answers: Annotated[
        bool | None, typer.Option("--answers/--no-answers", help="whether answers to its orders are sent")
    ] = None,
) -> None:
    """Set the given fields and leave the rest. A store that no event has named yet is registered.

    Example: partner-orders stores set 148020 --currency SAR --time-zone Asia/Riyadh
    """
    from partner_orders.stores.store import StoreSettings
    from partner_orders_console.operations.store_settings import set_store as set_one

    settings = StoreSettings(
        currency=currency,
        time_zone=time_zone,
        trading_hours=trading_hours,
        external_partner_config_id=code,
        is_answering=answers,
    )
    store_id, is_new = set_one(stack_of(context), store, settings)
    say(f"{store_id} is set" + (", and is new: no event has named it yet" if is_new else ""))


@app.command()
def pause(
    context: typer.Context,
    store: Name,
    off: Annotated[bool, typer.Option("--off", help="reconcile it again")] = False,
    reason: Annotated[str, typer.Option(help="why, for whoever finds it paused")] = "",
) -> None:
    """Leave a store out of reconciliation while it is closed for a long time. Its webhooks are still stored.

    Example: partner-orders stores pause 148020 --reason "closed until May"
    """
    from partner_orders_console.operations.orders import store_named
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
    """Remove a store that was registered by mistake. A store that has orders cannot be removed, only paused.

    Example: partner-orders stores remove 148O20 --yes
    """
    from partner_orders_console.operations.orders import store_named
    from partner_orders_console.operations.store_settings import check_removable

    stack = stack_of(context)
    found = store_named(stack, store)
    check_removable(stack, found)
    ask(f"remove the store {found.store_id}{f' ({found.name})' if found.name else ''} and its settings?", yes)
    stack.stores.remove(found)
    say(f"{found.store_id} is removed")


@app.command("import")
def import_stores(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a header")],
    preview: Annotated[bool, typer.Option("--preview", help="check it, and change nothing")] = False,
) -> None:
    """Set many stores from a CSV file: store_id, and any of code, currency, time_zone, trading_hours, is_paused,
    is_answering; or from what `stores list --csv` printed. What is empty stays as it is.

    All lines are checked before the first is written.

    Example: partner-orders stores import stores.csv --preview
    """
    from partner_orders_console.operations.store_settings import set_all, settings_of_file

    stack = stack_of(context)
    found = settings_of_file(stack, file)
    if preview:
        say(f"{counted(len(found), 'store is', 'stores are')} valid; nothing was changed")
        return
    with working(f"setting {counted(len(found), 'store')}") as progress:
        set_all(stack, found, progress)
    say(f"{counted(len(found), 'store is', 'stores are')} set")
