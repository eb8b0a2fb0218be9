"""``partner-orders catalogue``: the newest price and stock of each product on the platform, and what became of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.catalogue_drift import drift, repair
from partner_orders_console.cli.catalogue_files import drop, held, load, release
from partner_orders_console.cli.catalogue_shown import (
    name_and_problem,
    print_decided,
    print_off,
    print_product,
    print_standings,
    print_store,
    print_switched,
)
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    DryRun,
    Kind,
    Reason,
    Yes,
    ask,
    at,
    counted,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.words import values_shown

if TYPE_CHECKING:
    from partner_orders_console.operations.catalogue.switching import Switch
    from partner_orders_console.operations.catalogue_stack import CatalogueStack

app = typer.Typer(
    help="The catalogue: files, stores, products and their outcomes; what is held; pause, resume, settings.",
    no_args_is_help=True,
)

StoreName = Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")]
NamedStore = Annotated[str | None, typer.Argument(metavar="[STORE]", help="either of its two ids")]
SomeStore = Annotated[str | None, typer.Option("--store", help="a store, by either of its ids; by default all stores")]
Every = Annotated[bool, typer.Option("--all", help="every store of the catalogue")]
_NAMED = 10  # stores in a question


app.command()(load)
app.command()(held)
app.command()(release)
app.command()(drop)
app.command()(drift)
app.command()(repair)


@app.command()
def status(context: typer.Context, store: SomeStore = None, as_json: AsJson = False) -> None:
    """All stores of the catalogue: what is sent, waits and is held. With --store also how many products of a store are
    processed, shown and refused, which reads each of its rows.

    Example: partner-orders catalogue status
    """
    from partner_orders.clock import now
    from partner_orders_console.operations.catalogue import access, overview

    if store is not None:
        _show_store(context, store, as_json)
        return
    catalogue = access.catalogue_of(stack_of(context))
    with working("reading the stores") as progress:
        found = overview.standings(catalogue, progress)
    if as_json:
        print_json([one.to_json() for one in found])
        return
    print_standings(found, now())
    say(f"{counted(len(found), 'store')}, times in UTC")
    if not found:
        say("`partner-orders catalogue set STORE` puts a store into the catalogue.")


@app.command()
def show(
    context: typer.Context,
    store: StoreName,
    sku: Annotated[str | None, typer.Argument(help="a product; by default the store as a whole")] = None,
    asks: Annotated[
        bool, typer.Option("--ask", help="also ask the platform what it shows of the product: one request")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """A store: settings, figures, jobs, what waits. Or a product: its values, their outcome, and its history.

    Example: partner-orders catalogue show 148020 WM-520955
    """
    from partner_orders_console.operations.catalogue import access, asking, products

    if sku is None:
        if asks:
            raise typer.BadParameter("--ask: name a product as well")
        _show_store(context, store, as_json)
        return
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    with working("reading the jobs of the store"):
        found = products.product(catalogue, store_id, sku)
    shown = asking.to_json(asking.shown_now(catalogue, store_id, sku)) if asks else None
    if as_json:
        print_json(found.to_json() | ({"shown_now": shown} if asks else {}))
        return
    print_product(found)
    if asks:
        say(f"the platform shows now: {values_shown(shown) or 'no product with this SKU'}")


@app.command()
def refused(context: typer.Context, store: SomeStore = None, as_json: AsJson = False) -> None:
    """Products that the platform refused, with its words, and files that were refused. Reads every row of the stores.

    Example: partner-orders catalogue refused --store 148020
    """
    from partner_orders_console.operations.catalogue import refusals

    catalogue, store_ids = _stores(context, store)
    with working("reading the products") as progress:
        found = [*refusals.refusals(catalogue, store_ids, progress)]
    if as_json:
        print_json([one.to_json() for one in found])
        return
    columns = (Column("store", Kind.ID), Column("sku", Kind.ID), "sent", "the platform says")
    print_table(
        columns,
        ((one.store_id, row.sku, values_shown(row.refused.said), row.refusal) for one in found for row in one.products),
    )
    files = [(one.store_id, *name_and_problem(row)) for one in found for row in one.files]
    if files:
        heads = (Column("store", Kind.ID), Column("file", Kind.ID), Column("stored", Kind.TIME), Column("because"))
        print_table(heads, files, "refused files")
    number = sum(one.number for one in found)
    say(f"{counted(number, 'refused product')}, {counted(len(files), 'refused file')}, times in UTC")
    if number:
        say("Correct them in your system, and load them again: other values are sent at once.")
        say("A wrong SKU is no longer shown here once a whole list leaves it out.")


@app.command()
def decisions(context: typer.Context, store: SomeStore = None, as_json: AsJson = False) -> None:
    """Who released or dropped what guards held, when and why: the last 100 decisions. And who last paused or resumed
    each store, or changed its settings.

    Example: partner-orders catalogue decisions --store 148020
    """
    from partner_orders_console.operations.catalogue import access, decided

    catalogue, store_ids = _stores(context, store)
    with working("reading the decisions"):
        stores = decided.switched([access.settings_of(catalogue, store_id) for store_id in store_ids])
        found = decided.newest(catalogue, store_ids)
    if as_json:
        print_json({"decisions": [one.to_json() for one in found], "stores": [one.to_json() for one in stores]})
        return
    if found:
        print_decided(found, "decisions")
    if stores:
        print_switched(stores)
    more = f", at most {decided.MOST} are shown" if len(found) == decided.MOST else ""
    say(f"{counted(len(found), 'decision')}{more}, times in UTC")


@app.command()
def export(
    context: typer.Context,
    store: StoreName,
    output: Annotated[Path | None, typer.Option(help="the file to write; by default the standard output")] = None,
) -> None:
    """What the platform showed last of a store, as CSV: each product with its barcodes, price, whether it is on sale,
    and the most pieces in one order.

    Example: partner-orders catalogue export 148020 --output shown.csv
    """
    from partner_orders_console.operations.catalogue import access, exported
    from partner_orders_console.operations.exporting import opened

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    # An earlier file is overwritten only where there is something to write.
    note = exported.note_of(catalogue, store_id)
    target = opened(output, is_private=False)[0] if output else sys.stdout
    count = -1  # The first line names the columns.
    try:
        for line in exported.csv_lines(catalogue, store_id):
            target.write(line)
            count += 1
    finally:
        if output:
            target.close()
    say(f"{counted(count, 'product')}, as the platform showed them at {at(note.shown_at)} (UTC)")


@app.command()
def pause(
    context: typer.Context,
    reason: Reason,
    store: NamedStore = None,
    every: Every = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send nothing more of a store, or of all. Files are still taken, and the newest values go out after `resume`.

    Example: partner-orders catalogue pause 148020 --reason "stocktaking" --yes
    """
    from partner_orders_console.operations.catalogue.switching import Switch

    _switch(context, store, every, Switch(False, reason, dry_run), yes, as_json)


@app.command()
def resume(
    context: typer.Context,
    reason: Reason,
    store: NamedStore = None,
    every: Every = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send what changed in a store, or in all: within a minute, each product's newest values.

    Example: partner-orders catalogue resume 148020 --reason "first list checked" --yes
    """
    from partner_orders_console.operations.catalogue.switching import Switch

    _switch(context, store, every, Switch(True, reason, dry_run), yes, as_json)


@app.command("set")
def set_store(
    context: typer.Context,
    store: StoreName,
    safety_stock: Annotated[
        int | None, typer.Option(help="pieces of each product that are not offered", min=0, max=1_000_000)
    ] = None,
    cap: Annotated[
        int | None, typer.Option(help="the most pieces of a product in one order; 0 for no limit", min=0, max=1_000_000)
    ] = None,
    exceptions: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV with sku, safety_stock, cap: up to 1,000 products"),
    ] = None,
    absent_off: Annotated[
        bool | None,
        typer.Option("--absent-off/--absent-stay", help="whether products that a whole list leaves out go off sale"),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put a store into the catalogue, or change its settings. A new one is not sent before `resume`.

    Example: partner-orders catalogue set 148020 --safety-stock 2
    """
    from partner_orders_console.operations.catalogue import access, switching
    from partner_orders_console.operations.catalogue.overview import settings_json

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    found = None if exceptions is None else switching.exceptions_of_file(exceptions)
    wanted = switching.Wanted(safety_stock, cap, found, absent_off)
    with working("reading the store"):
        planned = switching.planned(catalogue, store_id, wanted)
    settings = planned.settings if dry_run else switching.store(catalogue, planned)
    if as_json:
        print_json(settings_json(settings) | {"is_new": planned.is_new, "affected": len(planned.affected)})
        return
    say(f"{store_id} {'would be' if dry_run else 'is'} {'in the catalogue' if planned.is_new else 'set'}")
    if planned.affected:
        say(f"other values of {counted(len(planned.affected), 'product')} {'would be' if dry_run else 'will be'} sent")
    if planned.is_new:
        say(f"Nothing of it is sent before `partner-orders catalogue resume {store_id}`.")


@app.command()
def urgent(
    context: typer.Context,
    store: StoreName,
    sku: Annotated[str, typer.Argument(help="the product, as your files name it")],
    off: Annotated[bool, typer.Option("--off", help="take it off sale")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Take one product off sale now, ahead of everything else, and follow it to the platform's word. It comes on sale
    again with the next file or message that says so: set it off in your system, too.

    Example: partner-orders catalogue urgent 148020 WM-520955 --off --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.catalogue import urgent as urgently

    if not off:
        raise typer.BadParameter("say what is urgent: --off")
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    message = urgently.off(catalogue, access.store_id_named(stack, store), sku)
    ask(f"take {sku} off sale in the store {message.store_id} now?", yes)
    urgently.send(catalogue, message)
    with working("waiting for the outcome") as progress:
        followed = urgently.wait(catalogue, message, progress, say)
    found, is_off = followed.product, not followed.why_not
    if as_json:
        print_json(found.to_json() | {"is_off": is_off, "why_not": followed.why_not or None})
    else:
        print_product(found)
        print_off(found, followed.why_not)
    return 0 if is_off else 1


def _show_store(context: typer.Context, store: str, as_json: bool) -> None:
    from partner_orders.clock import now
    from partner_orders_console.operations.catalogue import access, store_view

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    with working("reading the store") as progress:
        view = store_view.store_view(catalogue, access.store_id_named(stack, store), progress)
    if as_json:
        print_json(view.to_json())
    else:
        print_store(view, now())


def _switch(context: typer.Context, store: str | None, every: bool, wanted: "Switch", yes: bool, as_json: bool) -> None:
    from partner_orders_console.operations.catalogue import switching
    from partner_orders_console.operations.catalogue.overview import settings_json

    if (store is None) is not every:
        raise typer.BadParameter("name a store, or use --all")
    catalogue, store_ids = _stores(context, store)
    found = switching.to_switch(catalogue, store_ids, wanted)
    names = ", ".join(one.store_id for one in found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    if found and not wanted.is_dry_run:
        ask(f"{'send' if wanted.is_sending else 'send nothing more of'} {names}?", yes)
        found = switching.switch(catalogue, found, wanted)
    if as_json:
        print_json([settings_json(one) for one in found])
        return
    state = "sent" if wanted.is_sending else "paused"
    if not found:
        say(f"nothing to do: {'the store is' if store else 'all stores are'} {state} already")
        return
    is_or_are = "would be" if wanted.is_dry_run else "is" if len(found) == 1 else "are"
    say(f"{names} {is_or_are} {state}{'' if wanted.is_dry_run else ', within a minute'}")


def _stores(context: typer.Context, store: str | None) -> "tuple[CatalogueStack, list[str]]":
    """The catalogue, and the stores that a call means."""
    from partner_orders_console.operations.catalogue import access

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    return catalogue, access.store_ids(catalogue) if store is None else [access.store_id_named(stack, store)]
