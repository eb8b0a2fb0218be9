"""``partner-orders catalogue drift`` and ``repair``: products that differ on the platform."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
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
from partner_orders_console.operations.words import values_shown, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_orders.drift.report import DriftReport

_MOST_SHOWN = 50  # products of a report
_NUMBERS = (
    "different",
    "repaired",
    "left",
    "in the buffer",
    "unknown to us",
    "unknown to the platform",
    "not shown",
    "changing",
)


def drift(
    context: typer.Context,
    store: Annotated[str | None, typer.Argument(metavar="[STORE]", help="either of its two ids")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="every product that the store's last comparison lists")] = False,
) -> None:
    """Products whose values on the platform differ from your system's, by the last export: all stores, or one with its
    products and its last 30 comparisons.

    Example: partner-orders catalogue drift 148020
    """
    from partner_orders_console.operations.catalogue import access, drifting

    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: one of them")
    if as_csv and store is None:
        raise typer.BadParameter("--csv: name a store as well")
    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    if store is None:
        found = [one for _, one in sorted(drifting.last_reports(catalogue).items())]
        if as_json:
            print_json([drifting.report_json(one) for one in found])
        else:
            _print_stores(found)
        return
    store_id = access.store_id_named(stack, store)
    newest = drifting.newest_report(catalogue, store_id)
    if as_csv:
        sys.stdout.writelines(drifting.file_lines(catalogue, newest))
        return
    reports = drifting.reports(catalogue, store_id)
    if as_json:
        print_json([drifting.report_json(one) for one in reports])
        return
    _print_report(newest)
    _print_reports(reports)


def repair(
    context: typer.Context,
    store: Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")],
    reason: Annotated[str, typer.Option(help="why, for whoever looks at it later")],
    skus: Annotated[list[str] | None, typer.Argument(metavar="[SKU]...", help="only these products")] = None,
    beyond_guards: Annotated[
        bool, typer.Option("--beyond-guards", help="also what a guard holds, of the products that you name")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done, and change nothing")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send your system's values again where the last export of a store shows others. What a guard holds stays.

    Example: partner-orders catalogue repair 148020 --reason "edited in the portal" --dry-run
    """
    from partner_orders.drift.guards import Repair
    from partner_orders_console.operations.catalogue import access, drifting

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    with working("comparing the store with its export"):
        found = drifting.repair(catalogue, store_id, reason, skus, beyond_guards, is_dry_run=True)
    number = found.repairs[Repair.REPAIRED]
    if not as_json:
        _print_report(found, is_dry_run=True)
    if not dry_run and number:
        ask(f"send {counted(number, 'product')} of the store {store_id} again?", yes)
        with working("repairing"):
            found = drifting.repair(catalogue, store_id, reason, skus, beyond_guards)
    if as_json:
        print_json(drifting.report_json(found))
    elif dry_run or not number:
        say("nothing was changed")
    else:
        number = found.repairs[Repair.REPAIRED]
        what = counted(number, "product is", "products are")
        say(f"{what} sent again within a minute, unless the store is paused")


def _print_stores(found: "Sequence[DriftReport]") -> None:
    columns = [
        Column("store", Kind.ID),
        Column("export of", Kind.TIME),
        *(Column(name, Kind.NUMBER) for name in _NUMBERS),
        Column("because"),
    ]
    print_table(columns, ((one.store_id, one.asked_at, *_numbers(one), _because(one)) for one in found))
    say(f"{counted(len(found), 'store')} compared, times in UTC")
    if not found:
        say("A store is compared each day, once the platform's export of it came.")


def _print_report(report: "DriftReport", is_dry_run: bool = False) -> None:
    """A comparison, with the products that it names."""
    from partner_orders.drift.differences import Finding
    from partner_orders.drift.report import LOADER

    repaired = "would be repaired" if is_dry_run else "repaired"
    names = [repaired if name == "repaired" else name for name in _NUMBERS]
    print_facts(
        {
            "store_id": report.store_id,
            "export of": at(report.asked_at),
            "compared": at(report.compared_at),
            "the same": report.findings[Finding.SAME],
            **dict(zip(names, _numbers(report), strict=True)),
            "by": None if report.by in ("", LOADER) else f"{report.by}: {report.why}",
            "not repaired because": _because(report) or None,
        }
    )
    rows = [
        (
            one.found.sku,
            words(one.found.finding),
            values_shown(one.found.ours.said),
            values_shown(one.found.shown.said),
            words(one.repair),
        )
        for one in report.listed[:_MOST_SHOWN]
    ]
    if rows:
        print_table((Column("sku", Kind.ID), "finding", "we want", "the platform shows", "repair"), rows)
    number = sum(report.findings[one] for one in Finding if one not in (Finding.SAME, Finding.CHANGING))
    if number > len(rows) and not is_dry_run:
        more = counted(number - len(rows), "more product")
        say(f"and {more}: `partner-orders catalogue drift {report.store_id} --csv` names all")


def _print_reports(reports: "Sequence[DriftReport]") -> None:
    columns = [Column("compared", Kind.TIME), *(Column(name, Kind.NUMBER) for name in _NUMBERS)]
    columns += [Column("by"), Column("because")]
    rows = ((one.compared_at, *_numbers(one), one.by, _because(one)) for one in reports)
    print_table(columns, rows, "comparisons, the newest first")
    say("times in UTC")


def _numbers(report: "DriftReport") -> tuple[int, ...]:
    from partner_orders.drift.differences import Finding
    from partner_orders.drift.guards import Repair

    found = report.findings
    return (
        report.different,
        report.repairs[Repair.REPAIRED],
        report.left,
        found[Finding.IN_BUFFER],
        found[Finding.UNKNOWN_TO_US],
        found[Finding.UNKNOWN_TO_PLATFORM],
        found[Finding.NOT_SHOWN],
        found[Finding.CHANGING],
    )


def _because(report: "DriftReport") -> str:
    from partner_orders_console.operations.catalogue.drifting import GUARDS

    return report.problem or "; ".join(GUARDS[guard] for guard in report.guards)
