"""Reconciliation: missed webhooks as a heat map and charts, the runs, and the backfills."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders_console.desk.charts import Chart, chart, scaled
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.pages.now import FIGURES_FRESH, FRESH, names_of_stores
from partner_orders_console.desk.pages.orders import stores_of
from partner_orders_console.desk.rendering import desk_of, fault_page, message, page
from partner_orders_console.operations import reconciliation
from partner_orders_console.operations.missed_webhooks import (
    By,
    MissedWebhooks,
    missed_webhooks,
    received,
    shares,
    start_of,
)

_RUNS_SHOWN = 60
_LEVELS = 5  # shades of the heat map


class Span(NamedTuple):
    """A time that the heat map covers."""

    title: str
    by: By
    columns: int


SPANS = {
    "2d": Span("48 hours", By.HOUR, 48),
    "7d": Span("7 days", By.DAY, 7),
    "30d": Span("30 days", By.DAY, 30),
    "90d": Span("90 days", By.DAY, 90),
}
_USUAL = "7d"


def _reconciliation(request: Request) -> Response:
    desk = desk_of(request)
    name = request.query_params.get("span", _USUAL)
    if name not in SPANS:
        return message(request, HTTPStatus.NOT_FOUND, "there is no such time", "", "/reconciliation")
    return page(
        request,
        "reconciliation.html",
        span=name,
        spans=SPANS,
        known_stores=stores_of(desk),
        **_backfills_context(desk),
        **_runs_context(desk),
    )


def _missed(request: Request) -> Response:
    """The heat map and the charts; over many days their reports take a while to read."""
    desk = desk_of(request)
    span = SPANS.get(request.query_params.get("span", _USUAL), SPANS[_USUAL])

    def read(stack: Any) -> MissedWebhooks:
        reports = stack.reconciliation.reports(start_of(span.by, span.columns), now())
        return missed_webhooks(reports, span.by, span.columns)

    missed = desk.read(("missed", span), FIGURES_FRESH, read)
    counted = desk.read(("received", span), FIGURES_FRESH, lambda stack: received(stack, span.by, span.columns))
    charts = [] if isinstance(missed, Fault) else _charts(missed, None if isinstance(counted, Fault) else counted)
    return page(
        request,
        "reconciliation_missed.html",
        missed=missed,
        counted_fault=counted if isinstance(counted, Fault) else None,
        charts=charts,
        stores=names_of_stores(desk),
        explained=has_reason(desk),
        span=span,
        level=_level,
    )


def _level(missed: int, most: int) -> int:
    """The shade of a cell, from 0 for none to 5 for the most."""
    return 0 if not missed else max(1, round(_LEVELS * missed / most))


def _charts(missed: MissedWebhooks, counted: dict[Any, float] | None) -> list[Chart]:
    start, end, step = missed.columns[0], missed.columns[-1], missed.by.length
    # Zero would mean "checked, none found", so a time in which nothing was checked has no point.
    totals = {column: float(missed.total(column)) for column in missed.columns if column in missed.checked}
    found = [chart(f"Webhooks missed by {missed.by}", {"missed": totals}, start, end, step, nothing=None)]
    if counted is not None:
        measured = {column: part for column, part in shares(missed, counted).items() if column in missed.checked}
        share = scaled(measured, lambda part: 100 * part)
        found.append(chart(f"Share of webhooks missed by {missed.by}", {"missed": share}, start, end, step, "%", None))
    late = {
        "median": {column: late.p50 / 60 for column, late in missed.lateness.items()},
        "95 % were less late than": {column: late.p95 / 60 for column, late in missed.lateness.items()},
    }
    found.append(chart("Minutes by which their orders were late", late, start, end, step, "min", None))
    return found


def _runs(request: Request) -> Response:
    return page(request, "reconciliation_runs.html", **_runs_context(desk_of(request)))


def _runs_context(desk: Desk) -> dict[str, Any]:
    def read(stack: Any) -> list[dict[str, Any]]:
        return list(reversed(stack.reconciliation.reports(now() - timedelta(hours=5), now())))[:_RUNS_SHOWN]

    return {"runs": desk.read("runs", FRESH, read), "explained": has_reason(desk)}


def has_reason(desk: Desk) -> bool:
    """Whether the doctor has found why the reconciler does not run."""
    examined = desk.examining.latest
    return any(check in {"schedule", "reconciliation"} for check, _ in examined.faults) if examined else False


def _backfills(request: Request) -> Response:
    return page(request, "reconciliation_backfills.html", **_backfills_context(desk_of(request)))


def _backfills_context(desk: Desk) -> dict[str, Any]:
    def read(stack: Any) -> list[dict[str, Any]]:
        return [reconciliation.progress_of(backfill) for backfill in reversed(stack.reconciliation.backfills())]

    return {"backfills": desk.read("backfills", 2.0, read), "stores": names_of_stores(desk)}


def _run(request: Request) -> Response:
    desk, name = desk_of(request), request.path_params["started_at"]
    report = desk.connection.attempt(lambda stack: reconciliation.report_of(stack, name))
    if isinstance(report, Fault):
        return fault_page(request, report, "/reconciliation")
    return page(request, "run.html", report=report, stores=names_of_stores(desk))


ROUTES = (
    Route("/reconciliation", _reconciliation),
    Route("/reconciliation/missed", _missed),
    Route("/reconciliation/runs", _runs),
    Route("/reconciliation/backfills", _backfills),
    Route("/reconciliation/runs/{started_at}", _run),
)
