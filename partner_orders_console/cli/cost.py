"""``partner-orders cost``: what a stack cost, from what AWS counted."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Column, Kind, at, counted, print_json, print_table, say, working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_orders_console.operations.cost.reckoning import Bill, Cost


def cost(
    context: typer.Context,
    days: Annotated[float, typer.Option(help="how many days back, up to 90")] = 7,
    prices: Annotated[
        Path | None,
        typer.Option(help="a price list of your own, such as that of your region", exists=True, dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a stack and its catalogue cost: what AWS counted, times list prices, by component and per order.

    Example: partner-orders cost --days 30
    """
    from partner_orders_console.operations.cost import reckoning
    from partner_orders_console.operations.cost.price_list import price_list

    stack = stack_of(context)
    with working("reading what AWS counted"):
        bill = reckoning.bill(stack, days, price_list(stack.region, prices))
    if as_json:
        print_json(_plain(bill))
        return
    _print("the orders' stack", bill.costs)
    if bill.catalogue:
        _print("the catalogue", bill.catalogue)
    say(f"{at(bill.start)} to {at(bill.end)}, times in UTC, in USD; * no metric shows it: an estimate")
    say(f"in all {bill.total:,.4f} USD, or {bill.month:,.2f} USD for a month of such days")
    if bill.per_order is not None and bill.per_order_with_all is not None:
        say(
            f"{counted(bill.orders, 'order')}: {bill.per_order * 1_000:,.4f} USD for a thousand by use,"
            f" {bill.per_order_with_all * 1_000:,.4f} USD with all that is paid anyhow"
        )
    say(f"list prices of {bill.prices.region}, looked up in {bill.prices.as_of}; not counted: ")
    for what in reckoning.NOT_COUNTED:
        say(f"  {what}")
    if bill.prices.region != bill.region:
        say(f"there is no price list of {bill.region}: --prices takes yours, and AWS's price pages have the prices")


def _print(title: str, costs: "Sequence[Cost]") -> None:
    columns = ("component", "used", Column("USD", Kind.NUMBER), "")
    rows = [(cost.component, cost.used, f"{cost.usd:,.4f}", "*" if cost.is_estimate else "") for cost in costs]
    print_table(columns, rows, title)


def _plain(bill: "Bill") -> dict[str, object]:
    from partner_orders_console.operations.cost.reckoning import NOT_COUNTED

    return {
        "start": bill.start,
        "end": bill.end,
        "region": bill.region,
        "prices": {"region": bill.prices.region, "as_of": bill.prices.as_of},
        "orders_stack": [asdict(cost) for cost in bill.costs],
        "catalogue": [asdict(cost) for cost in bill.catalogue],
        "total": bill.total,
        "month": bill.month,
        "orders": bill.orders,
        "per_order": bill.per_order,
        "per_order_with_all": bill.per_order_with_all,
        "not_counted": NOT_COUNTED,
    }
