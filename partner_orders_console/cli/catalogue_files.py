"""``partner-orders catalogue``: load files, and decide about what guards hold."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.catalogue_shown import print_held, print_loaded, print_tried
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    DryRun,
    Kind,
    Reason,
    Yes,
    ask,
    counted,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.words import values_shown

if TYPE_CHECKING:
    from partner_orders.catalogue.files import FileRow
    from partner_orders_console.operations.catalogue.holding import Choice, Decision
    from partner_orders_console.operations.catalogue.loading import LocalFile, Tried
    from partner_orders_console.operations.catalogue_stack import CatalogueStack

StoreOption = Annotated[str, typer.Option("--store", help="the store, by either of its ids")]
Skus = Annotated[list[str] | None, typer.Argument(metavar="[SKU]...", help="products whose held price is meant")]
AllPrices = Annotated[bool, typer.Option("--all-prices", help="every held price of the store")]
HeldFileName = Annotated[str | None, typer.Option("--file", help="a held file, by its name")]
_MOST_SHOWN = 50  # products of a decision
_DONE = {"release": "released", "drop": "dropped"}


def load(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV or JSON Lines; - for the standard input")],
    store: StoreOption,
    whole: Annotated[
        bool | None, typer.Option("--whole/--changes", help="whether they list all products of the store, or some")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Check files, upload them, and wait for the loader. Ctrl-C ends the wait, not the file.

    With --dry-run nothing is uploaded: it shows what would change, what would be held and why.

    Example: partner-orders catalogue load prices.csv --store 148020 --changes --dry-run
    """
    from partner_orders_console.operations.catalogue import access, loading

    if whole is None:
        raise typer.BadParameter("say what the files list: --whole (all products of the store) or --changes")
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    with ExitStack() as opened:
        found = [opened.enter_context(loading.local_file(name, whole)) for name in files]
        with working("checking") as progress:
            tried = [loading.try_file(catalogue, store_id, file, dry_run, progress) for file in found]
        if dry_run:
            return _say_tried(tried, as_json)
        refused = [one for one in tried if one.problem]
        if refused:
            _say_tried(refused, as_json)
            say("nothing was uploaded", style="red")
            return 1
        return _upload(catalogue, store_id, found, tried, as_json)


def _say_tried(tried: "list[Tried]", as_json: bool) -> int:
    if as_json:
        print_json([one.to_json() for one in tried])
    else:
        for one in tried:
            print_tried(one)
    return 0 if all(one.is_fine for one in tried) else 1


def _upload(
    catalogue: "CatalogueStack", store_id: str, found: "list[LocalFile]", tried: "list[Tried]", as_json: bool
) -> int:
    """Upload files and follow each to its end; 0 if every line was taken and nothing is held."""
    from partner_orders_console.operations.catalogue import files, loading

    rows: list[FileRow] = []
    for file, one in zip(found, tried, strict=True):
        if one.report.bad:
            say(f"{file.name}: {counted(one.report.bad, 'bad line')} will be left out")
        with working(f"uploading {file.name}") as progress:
            stored = loading.upload(catalogue, store_id, file)
            say(f"{file.name} is uploaded as {stored.key}")
            rows.append(loading.wait(catalogue, stored, progress))
    if as_json:
        print_json([files.file_json(row) for row in rows])
    else:
        for row in rows:
            print_loaded(row, files.report_of(catalogue, row))
    return 0 if all(files.is_fine(row) for row in rows) else 1


def held(
    context: typer.Context,
    store: Annotated[str | None, typer.Option("--store", help="a store; by default all stores")] = None,
    as_json: AsJson = False,
) -> None:
    """What guards hold until somebody releases or drops it: prices that change too much, and whole files.

    Example: partner-orders catalogue held
    """
    from partner_orders_console.operations.catalogue import access, holding

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_ids = access.store_ids(catalogue) if store is None else [access.store_id_named(stack, store)]
    with working("reading what is held"):
        found = [holding.held_of(catalogue, store_id) for store_id in store_ids]
    if as_json:
        print_json([one.to_json() for one in found if one.lines or one.files])
        return
    print_held(found)


def release(
    context: typer.Context,
    store: StoreOption,
    reason: Reason,
    skus: Skus = None,
    all_prices: AllPrices = False,
    file: HeldFileName = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let held prices or a held file through. A value that your system has replaced meanwhile stays replaced.

    Example: partner-orders catalogue release WM-520955 --store 148020 --reason "price confirmed" --dry-run
    """
    from partner_orders_console.operations.catalogue.holding import Choice

    _decide(context, store, Choice(tuple(skus or ()), all_prices, file), reason, "release", (dry_run, yes, as_json))


def drop(
    context: typer.Context,
    store: StoreOption,
    reason: Reason,
    skus: Skus = None,
    all_prices: AllPrices = False,
    file: HeldFileName = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget held prices or a held file: they never reach the platform.

    Example: partner-orders catalogue drop WM-520955 --store 148020 --reason "wrong price" --dry-run
    """
    from partner_orders_console.operations.catalogue.holding import Choice

    _decide(context, store, Choice(tuple(skus or ()), all_prices, file), reason, "drop", (dry_run, yes, as_json))


def _decide(
    context: typer.Context, store: str, choice: "Choice", reason: str, verb: str, how: tuple[bool, bool, bool]
) -> None:
    from partner_orders_console.operations.catalogue import access, holding

    dry_run, yes, as_json = how
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    decide = holding.release if verb == "release" else holding.drop
    would = decide(catalogue, store_id, choice, reason, is_dry_run=True)
    if not as_json:
        _print_decision(would)
    if not dry_run:
        what = counted(len(would.lines), "held price") if would.lines else would.files[0].file.key
        ask(f"{verb} {what} of the store {store_id}?", yes)
        would = decide(catalogue, store_id, choice, reason)
    if as_json:
        print_json(would.to_json())
        return
    if dry_run:
        say("nothing was changed")
    elif would.lines:
        say(f"{counted(len(would.lines), 'held price is', 'held prices are')} {_DONE[verb]}")
    elif verb == "release":
        say("the file is released: the loader loads it within a minute, and `partner-orders catalogue show` follows it")
    else:
        say("the file is dropped: it is never loaded")


def _print_decision(would: "Decision") -> None:
    columns = (Column("sku", Kind.ID), "now", "held", Column("effect", Kind.STATE))
    rows: list[tuple[Any, ...]] = [
        (line.sku, values_shown(line.before.said), values_shown(line.held.said), line.effect.value)
        for line in would.lines[:_MOST_SHOWN]
    ]
    if rows:
        print_table(columns, rows)
    if len(would.lines) > len(rows):
        say(f"and {counted(len(would.lines) - len(rows), 'more product')}")
    for file in would.files:
        row = file.row
        figures = f": {counted(row.changed, 'product')} change, {row.switched_off:,} go off sale" if row else ""
        say(f"{file.file.key}{figures}")
        if file.is_superseded:
            say("A newer whole list was loaded since, so this file would change nothing.")
