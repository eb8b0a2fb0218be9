"""What ``catalogue`` prints for people: stores, a store, a product."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partner_orders_console.cli.output import (
    Column,
    Kind,
    ago,
    at,
    counted,
    print_facts,
    print_table,
    print_text,
    say,
)

if TYPE_CHECKING:
    from partner_orders_console.operations.catalogue.overview import StoreStanding
    from partner_orders_console.operations.catalogue.products import ProductView
    from partner_orders_console.operations.catalogue.store_view import StoreView

_MOST_REFUSED = 20  # products that a store's page names


def values_shown(values: Mapping[str, Any] | None) -> str:
    """Values in a line: ``price 3.50, on sale, quantity 7``; empty without any."""
    return ", ".join(_value_shown(name, value) for name, value in (values or {}).items() if value is not None)


def _value_shown(name: str, value: Any) -> str:
    match name:
        case "active":
            return "on sale" if value else "off sale"
        case "price":
            return f"price {value:f}"
        case _:
            return f"{name} {value}"


def print_standings(found: "Sequence[StoreStanding]", now: datetime) -> None:
    """A table of stores."""
    numbers = [Column(name, Kind.NUMBER) for name in ("products", "for sale", "waiting", "held prices", "held files")]
    columns = [Column("store", Kind.ID), Column("sent", Kind.STATE), *numbers, Column("unfinished jobs")]
    print_table(columns, (_row(one, now) for one in found))


def _row(one: "StoreStanding", now: datetime) -> tuple[object, ...]:
    state = one.state
    numbers = (state.products, state.for_sale, one.waiting, one.held_prices, one.held_files)
    return (one.store_id, sending(one, now), *(number or None for number in numbers), _jobs(one, now))


def sending(one: "StoreStanding", now: datetime) -> str:
    """Whether a store is sent: ``yes``, ``paused``, or until when it waits after failed jobs."""
    if not one.settings.is_sending:
        return "paused"
    until = one.waits_until(now)
    return f"waits until {at(until)}" if until else "yes"


def _jobs(one: "StoreStanding", now: datetime) -> str:
    return ", ".join(f"{number} ({ago(sent_at, now)})" for number, sent_at in one.unfinished)


def print_standing(one: "StoreStanding", now: datetime) -> None:
    """A store's settings and figures."""
    settings, state, margins = one.settings, one.state, one.settings.margins
    exceptions = len({*(margins.safety_stock_of or ()), *(margins.cap_of or ())})
    waiting = f"{one.waiting:,} since {at(one.waiting_since)}" if one.waiting else 0
    print_facts(
        {
            "store_id": one.store_id,
            "sent": sending(one, now),
            "set": f"{at(settings.changed_at)} by {settings.changed_by}" if settings.changed_at else None,
            "because": settings.reason,
            "absent from a whole list": "goes off sale" if settings.switches_absent_off else "stays as it is",
            "safety stock": margins.safety_stock,
            "cap": margins.cap,
            "exceptions by SKU": exceptions,
            "products": state.products,
            "for sale": state.for_sale,
            "lines of the last list": state.last_list,
            "not in a job yet": waiting,
            "held prices": one.held_prices,
            "held files": one.held_files,
            "unfinished jobs": _jobs(one, now),
            "failed jobs in a row": state.failed_jobs or None,
        }
    )


def print_store(view: "StoreView", now: datetime) -> None:
    """A store as a whole."""
    print_standing(view.standing, now)
    number = view.counts
    titles = ("products", "processed", "waiting", "refused")
    counts = (number.products, number.processed, number.waiting, number.refused)
    columns_of_counts = [Column(title, Kind.NUMBER) for title in titles]
    print_table(columns_of_counts, [counts], "products by outcome")
    if view.jobs:
        columns = (Column("job", Kind.NUMBER), Column("sent", Kind.TIME), Column("lines", Kind.NUMBER), "state", "id")
        rows = ((job.number, job.sent_at, len(job.lines), job.state.value, job.job_id) for job in view.jobs)
        print_table(columns, rows, "newest jobs")
    if number.refusals:
        refusals = number.refusals[:_MOST_REFUSED]
        rows_of = ((row.sku, values_shown(row.refused.said), row.refusal) for row in refusals)
        print_table((Column("sku", Kind.ID), "sent", "the platform says"), rows_of, "refused")
        if number.refused > len(refusals):
            say(f"`partner-orders catalogue refused --store {view.standing.store_id}` shows all of them.")
    say("times in UTC")


def print_product(found: "ProductView") -> None:
    """A product, and the jobs that carried it."""
    row = found.row
    print_text(f"{row.sku}  {found.standing.value}", "bold")
    newest = max(row.versions.values(), default=None)
    print_facts(
        {
            "store_id": found.store_id,
            "your system says": values_shown(row.values.said),
            "newest version": at(newest),
            "to be sent": values_shown(found.wanted.said) if found.wanted != row.values else None,
            "the platform confirmed": values_shown(row.confirmed.said) or "nothing yet",
            "the platform refused": values_shown(row.refused.said),
            "and says": row.refusal,
        }
    )
    if found.held:
        rows = ((it.reason.value, values_shown(it.lines[row.sku].said), it.version, it.source) for it in found.held)
        print_table(("because", "held", Column("version", Kind.TIME), "file"), rows, "held")
    if found.sent:
        columns = (Column("sent", Kind.TIME), "values", "outcome", Column("job", Kind.NUMBER), "id")
        sent = ((it.sent_at, values_shown(it.values.said), it.outcome, it.number, it.job_id) for it in found.sent)
        print_table(columns, sent, "sent in the last seven days")
    say(f"{counted(len(found.sent), 'job')} carried it, times in UTC")
