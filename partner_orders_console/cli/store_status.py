"""``partner-orders stores open``, ``close`` and ``status``: whether stores are open on the platform."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
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
    print_facts,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_orders_console.operations.catalogue_stack import CatalogueStack
    from partner_orders_console.operations.store_status.viewing import StatusView
    from partner_orders_console.operations.store_status.wishing import Planned

Name = Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")]


def open_store(
    context: typer.Context,
    store: Name,
    why: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Open a store on the platform, within its scheduled hours. It is sent within a minute and read back. A closing of
    the platform's own later on is shown, not lifted.

    Example: partner-orders stores open 148020 --why "power is back" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.orders import store_named
    from partner_orders_console.operations.store_status import wishing

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    _wish(catalogue, wishing.opening(catalogue, store_named(stack, store), why), dry_run, yes, as_json)


def close_store(
    context: typer.Context,
    store: Name,
    reason: Annotated[
        str, typer.Option(help="the platform's code, such as TECHNICAL_PROBLEM or HOLIDAY_SPECIAL_DAY")
    ] = "",
    why: Reason = "",
    today: Annotated[bool, typer.Option("--today", help="for the rest of the store's day")] = False,
    until: Annotated[str | None, typer.Option(help="until a time, in UTC, such as 2026-03-14T18:00:00Z")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Close a store on the platform, today or until a time. It is sent within a minute, read back, and sent again while
    the platform shows something else.

    Example: partner-orders stores close 148020 --today --reason TECHNICAL_PROBLEM --why "no power" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.orders import store_named
    from partner_orders_console.operations.store_status import wishing

    if today is (until is not None):
        raise typer.BadParameter("use either --today or --until TIME")
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    planned = wishing.closing(catalogue, store_named(stack, store), until, reason, why)
    _wish(catalogue, planned, dry_run, yes, as_json)


def status(
    context: typer.Context,
    store: Annotated[str | None, typer.Argument(metavar="[STORE]", help="either of its two ids; else all")] = None,
    live: Annotated[bool, typer.Option("--live", help="also ask the platform what it shows now: one request")] = False,
    as_json: AsJson = False,
) -> None:
    """Whether stores are open on the platform: what it shows, what is wished, and where the two differ. Of one store
    also its history, with who wished what and why.

    Example: partner-orders stores status 148020
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.store_status import viewing

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    if store is None:
        if live:
            raise typer.BadParameter("--live: name a store as well")
        found = viewing.all_stores(catalogue)
        _print_all(found, as_json)
        return
    store_id = access.store_id_named(stack, store)
    view = viewing.of_store(catalogue, store_id)
    if live:
        with working("asking the platform"):
            view = replace(view, live=viewing.live(catalogue, store_id))
    _print_one(view, as_json)


def _wish(catalogue: "CatalogueStack", planned: "Planned", dry_run: bool, yes: bool, as_json: bool) -> None:
    from partner_orders_console.operations.store_status import viewing, wishing

    for sentence in wishing.warnings(planned):
        say(sentence)
    if not dry_run:
        ask(f"{planned.text}?", yes)
        wished = wishing.wish(catalogue, planned)
        if as_json:
            print_json(viewing.StatusView(wished).to_json())
    elif as_json:
        print_json(planned.to_json())
    say(f"{'would ' if dry_run else ''}{planned.text}{'' if dry_run else ': it is sent within a minute'}")
    if not dry_run:
        say(f"`partner-orders stores status {planned.store_id}` shows what became of it.")
    elif planned.present.active_wish is not None:
        say(f"would overtake: {viewing.wish_text(planned.present.active_wish)}")


def _print_all(found: "Sequence[StatusView]", as_json: bool) -> None:
    if as_json:
        print_json([view.to_json() for view in found])
        return
    columns = (Column("store", Kind.ID), Column("shown"), Column("since", Kind.TIME), Column("read", Kind.TIME))
    rows = (
        (view.store_id, view.shown or "not read yet", *_times(view), view.wished, view.difference) for view in found
    )
    print_table((*columns, Column("wished"), Column("look at")), rows)
    say(f"{counted(len(found), 'store')}, times in UTC")


def _times(view: "StatusView") -> tuple[datetime | None, datetime | None]:
    shown = view.status.shown
    return (None, None) if shown is None else (shown.since, shown.read_at)


def _print_one(view: "StatusView", as_json: bool) -> None:
    from partner_orders_console.operations.store_status.viewing import reading_text, record_text

    if as_json:
        print_json(view.to_json())
        return
    status, (since, read_at) = view.status, _times(view)
    wish = status.wish
    print_facts(
        {
            "store_id": view.store_id,
            "the platform shows": view.shown or "not read yet",
            "since": since,
            "read": read_at,
            "the platform shows now": None if view.live is None else reading_text(view.live),
            "wished": view.wished,
            "wished at": None if wish is None else f"{at(wish.at)} by {wish.by}",
            "because": None if wish is None else wish.why,
            "sent": f"{counted(status.puts, 'time')}, the last at {at(status.put_at)}" if status.put_at else None,
            "look at": view.difference,
            "next": view.next_text,
        }
    )
    if view.history:
        columns = (Column("when", Kind.TIME), "what", "became", Column("sent", Kind.NUMBER), "by", "why")
        rows = (
            (record.wish.at, record_text(record), words(record.outcome), record.puts, record.wish.by, record.wish.why)
            if record.wish is not None
            else (record.at, record_text(record), None, None, "the platform", None)
            for record in view.history
        )
        print_table(columns, rows, "history")
    say("times in UTC")
