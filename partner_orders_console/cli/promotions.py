"""``partner-orders promotions``: put, list, show and end promotions; pause and resume them by store."""

from pathlib import Path
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

    from partner_orders.promotions.promotion import Promotion
    from partner_orders_console.operations.promotions.putting import Plan
    from partner_orders_console.operations.promotions.viewing import PromotionView

app = typer.Typer(
    name="promotions",
    help="Promotions: put them on the platform from a document, follow them, and end them.",
    no_args_is_help=True,
)
Promotion_ = Annotated[str, typer.Argument(metavar="PROMOTION", help="its id, as `promotions list` shows it")]
Stores = Annotated[list[str], typer.Argument(metavar="STORE...", help="either of its two ids, or all")]
_MOST_PROBLEMS = 50
_MOST_PRODUCTS = 50


@app.command("put")
def put(
    context: typer.Context,
    document: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="promotions as JSON or CSV")
    ],
    why: Reason = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="end a promotion that differs in its end alone, then make the new one")
    ] = False,
    allow_overlaps: Annotated[
        bool, typer.Option("--allow-overlaps", help="also where a product gets two things at a time")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put the promotions of a document on the platform. The whole document is checked before anything is sent. The same
    promotion with other products or discounts changes the one that is there.

    Example: partner-orders promotions put dairy-week.json --why "dairy week" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.errors import OperatorError
    from partner_orders_console.operations.promotions import putting
    from partner_orders_console.operations.promotions.kept import why_given
    from partner_orders_console.operations.promotions.what_follows import what_follows

    catalogue = access.catalogue_of(stack_of(context))
    if not dry_run:
        why_given(why)
    with working("checking the document") as progress:
        plan = putting.plan(catalogue, document, putting.Allowed(replace, allow_overlaps), progress)
    _print_plan(plan, as_json)
    if plan.problems:
        raise OperatorError(
            f"{document.name} has {counted(len(plan.problems), 'problem')}",
            "Nothing was put. Correct it, and try again.",
        )
    if dry_run or not plan.to_do:
        say("nothing was changed")
        return
    ask(f"put {counted(len(plan.to_do), 'promotion')}?", yes)
    putting.put(catalogue, plan, why)
    for line in what_follows(plan.to_do):
        say(line)
    say("`partner-orders promotions list` shows what became of it.")


@app.command("list")
def list_(
    context: typer.Context,
    store: Annotated[str | None, typer.Argument(metavar="[STORE]", help="either of its two ids; else all")] = None,
    old: Annotated[bool, typer.Option("--old", help="also those that were over long ago")] = False,
    as_json: AsJson = False,
) -> None:
    """Promotions that run, are to come, or ended within a week: where each stands, and what to look at.

    Example: partner-orders promotions list 148020
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.moments import EARLIEST
    from partner_orders_console.operations.promotions import viewing

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = None if store is None else access.store_id_named(stack, store)
    found = viewing.all_promotions(catalogue, store_id, EARLIEST if old else None)
    if as_json:
        print_json([view.to_json() for view in found])
        return
    columns = (
        *(Column("promotion", Kind.ID), "name", "stage", Column("starts", Kind.TIME), Column("ends", Kind.TIME)),
        *("stores", Column("products", Kind.NUMBER), "sent by", "latest", "problem"),
    )
    print_table(columns, map(_row, found))
    say(f"{counted(len(found), 'promotion')}, times in UTC")


@app.command("show")
def show(context: typer.Context, promotion: Promotion_, as_json: AsJson = False) -> None:
    """A promotion: its products, what the platform made of it, and who wished what and why.

    Example: partner-orders promotions show 5f2a70f2b288
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.promotions import viewing

    view = viewing.one_promotion(access.catalogue_of(stack_of(context)), promotion)
    if as_json:
        print_json(view.to_json())
    else:
        _print_one(view)


@app.command("end")
def end(
    context: typer.Context,
    promotion: Promotion_,
    skus: Annotated[list[str] | None, typer.Argument(metavar="[SKU]...", help="only these products of it")] = None,
    why: Reason = "",
    when: Annotated[
        str | None,
        typer.Option("--at", help="at a time; without an offset it is the stores' own"),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End a promotion before its own end, and try until the platform has done it. With SKUs, take only these products
    out: a change like any other, which waits while promotions are paused in a store.

    Example: partner-orders promotions end 5f2a70f2b288 --why "sold out" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.promotions import ending, viewing
    from partner_orders_console.operations.promotions.kept import why_given

    catalogue = access.catalogue_of(stack_of(context))
    if not dry_run:
        why_given(why)
    planned = ending.plan_end(catalogue, promotion, skus or (), when)
    if dry_run:
        if as_json:
            print_json(planned.to_json())
        say(f"would {planned.text}; nothing was changed")
        return
    ask(f"{planned.text}?", yes)
    state = ending.do_end(catalogue, planned, why)
    if as_json:
        print_json(viewing.PromotionView(state).to_json())
    say(f"{planned.text}: it {'will be sent at that time' if planned.not_before else 'is sent within minutes'}")
    say(f"`partner-orders promotions show {state.promotion_id}` shows what became of it.")


@app.command("keep")
def keep(context: typer.Context, promotion: Promotion_, why: Reason = "", yes: Yes = False) -> None:
    """Take back an end that was set for later: the promotion runs until its own end.

    Example: partner-orders promotions keep 5f2a70f2b288 --why "the stock lasts" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.promotions import ending
    from partner_orders_console.operations.promotions.kept import why_given

    why_given(why)
    catalogue = access.catalogue_of(stack_of(context))
    planned_for = ending.planned_end(catalogue, promotion)
    ask(f"keep {promotion}, which was to end at {at(planned_for)} UTC?", yes)
    ending.keep(catalogue, promotion, why)
    say("kept: it runs until its own end")


@app.command("pause")
def pause(context: typer.Context, stores: Stores, why: Reason = "", dry_run: DryRun = False, yes: Yes = False) -> None:
    """Send no new or changed promotion that names one of these stores. Promotions that run go on, and ends are sent.

    Example: partner-orders promotions pause 148020 --why "renovation" --yes
    """
    _switch(context, stores, False, why, dry_run, yes)


@app.command("resume")
def resume(context: typer.Context, stores: Stores, why: Reason = "", dry_run: DryRun = False, yes: Yes = False) -> None:
    """Send promotions that name these stores. They are off until then.

    Example: partner-orders promotions resume all --why "go live" --yes
    """
    _switch(context, stores, True, why, dry_run, yes)


def _switch(context: typer.Context, names: list[str], is_promoting: bool, why: str, dry_run: bool, yes: bool) -> None:
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.promotions import switching
    from partner_orders_console.operations.promotions.kept import why_given

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    is_all = names == ["all"]
    store_ids = access.store_ids(catalogue) if is_all else [access.store_id_named(stack, name) for name in names]
    stores = switching.to_switch(catalogue, [*dict.fromkeys(store_ids)], is_promoting)
    word = "resume" if is_promoting else "pause"
    what = f"{word} promotions in {counted(len(stores), 'store')}"
    if dry_run or not stores:
        is_so = f"nothing to do: promotions are {'on' if is_promoting else 'off'} there already"
        say(f"would {what}; nothing was changed" if stores else is_so)
        return
    why_given(why)
    ask(f"{what}?", yes)
    switching.switch(catalogue, stores, is_promoting, why)
    say(f"promotions {word} in {counted(len(stores), 'store')} within a minute")


# -- what is printed -------------------------------------------------------------------------------------------------


def _print_plan(plan: "Plan", as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "promotions": [one.to_json() for one in plan.planned],
                "problems": [{"place": problem.place, "problem": problem.what} for problem in plan.problems],
                "warnings": [*plan.warnings],
            }
        )
        return
    for problem in plan.problems[:_MOST_PROBLEMS]:
        say(str(problem), style="red")
    if len(plan.problems) > _MOST_PROBLEMS:
        say(f"and {counted(len(plan.problems) - _MOST_PROBLEMS, 'more problem')}; --json has all")
    for warning in plan.warnings:
        say(warning)
    if plan.planned and not plan.problems:
        columns = (
            *(Column("promotion", Kind.ID), "name", "gives", "change", Column("starts", Kind.TIME)),
            Column("ends", Kind.TIME),
            *(
                Column("stores", Kind.NUMBER),
                Column("products", Kind.NUMBER),
                "takes out",
                Column("ends first", Kind.ID),
                Column("ends earlier", Kind.TIME),
            ),
        )
        rows = (
            (
                *(
                    one.promotion_id,
                    one.promotion.name,
                    one.gives,
                    one.change.value,
                    one.promotion.starts,
                    one.promotion.ends,
                ),
                *(len(one.store_ids), len(one.promotion.active_skus), _few(one.taken_out)),
                None if one.replaces is None else one.replaces.promotion_id,
                one.ends_earlier,
            )
            for one in plan.planned
        )
        print_table(columns, rows)
        say("times in UTC")


def _few(skus: "Sequence[str]") -> str:
    more = len(skus) - 3
    return ", ".join(skus[:3]) + (f" and {more:,} more" if more > 0 else "")


def _row(view: "PromotionView") -> tuple[object, ...]:
    summary = view.state.summary
    return (
        *(view.promotion_id, summary.name, view.stage.value, summary.starts, summary.ends),
        *(view.stores_text, summary.active_skus, _way(view), view.outcome_text, view.trouble),
    )


def _way(view: "PromotionView") -> str:
    return "API" if view.state.channel.value == "api" else "file"


def _print_one(view: "PromotionView") -> None:
    from partner_orders_console.operations.promotions.putting import gives
    from partner_orders_console.operations.promotions.viewing import wish_word

    state, summary = view.state, view.state.summary
    print_facts(
        {
            "promotion": view.promotion_id,
            "name": summary.name,
            "stage": view.stage.value,
            "type": summary.kind.value,
            "reason": summary.reason,
            "starts": summary.starts,
            "ends": summary.ends,
            "ends earlier": None if state.planned is None else state.planned.not_before,
            "gives": None if view.body is None else gives(view.body),
            "limits": None if view.body is None else ", ".join(f"{k} {v}" for k, v in view.body.limits.items()),
            "stores": view.stores_text if len(summary.vendors) > _MOST_PRODUCTS else ", ".join(summary.vendors),
            "sent by": _way(view),
            "latest": view.outcome_text,
            "requested by": state.wish.by,
            "because": state.wish.why,
            "after the end of": state.wish.after or None,
            "job": state.job_id or None,
            "sent": f"{counted(state.puts, 'time')}, the last at {at(state.put_at)}" if state.put_at else None,
            "problem": view.trouble,
            "next": view.next_text,
        }
    )
    if view.body is not None:
        _print_products(view.body)
    if view.left_out:
        print_table(("left out", Column("store", Kind.ID), Column("sku", Kind.ID)), view.left_out, "left out")
    columns = (Column("when", Kind.TIME), "what", "became", Column("sent", Kind.NUMBER), "by", "why")
    rows = (
        (one.wish.at, wish_word(one.wish), words(one.outcome), one.puts, one.wish.by, one.wish.why)
        for one in view.history
    )
    print_table(columns, rows, "history")
    say("times in UTC")


def _print_products(body: "Promotion") -> None:
    found = [
        (sku, one.subtype.value, one.value, one.max_quantity, one.is_active)
        for one in body.discounts
        for sku in one.skus
    ]
    columns = (Column("sku", Kind.ID), "gets", Column("value", Kind.NUMBER), Column("at most", Kind.NUMBER), "active")
    print_table(columns, found[:_MOST_PRODUCTS], "products")
    if len(found) > _MOST_PRODUCTS:
        say(f"and {counted(len(found) - _MOST_PRODUCTS, 'more product')}; --json has all")
