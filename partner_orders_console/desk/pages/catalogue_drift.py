"""A part of a store's page: what differs on the platform, over time and by product."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders.drift.guards import Repair
from partner_orders.drift.report import LOADER, DriftReport
from partner_orders_console.desk.charts import Chart, chart
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.rendering import desk_of, page
from partner_orders_console.operations.catalogue import access, drifting
from partner_orders_console.operations.stack import DeployedStack

_FRESH = 60.0
_DAY, _MONTH = timedelta(days=1), timedelta(days=30)


def _drift(request: Request) -> Response:
    store_id = request.path_params["store_id"]

    def read(stack: DeployedStack) -> list[DriftReport]:
        return drifting.reports(access.catalogue_of(stack), store_id[: access.MAX_NAME])

    reports = desk_of(request).read(("catalogue drift", store_id), _FRESH, read)
    charts = [] if isinstance(reports, Fault) or not reports else [_chart(reports)]
    return page(
        request,
        "catalogue_drift.html",
        reports=reports,
        charts=charts,
        store_id=store_id,
        guards=drifting.GUARDS,
        loader=LOADER,
    )


def _chart(reports: list[DriftReport]) -> Chart:
    """Of a day with several comparisons the last one counts."""
    of_days = {report.compared_at.date(): report for report in reversed(reports)}.values()
    lines = {
        "different": {report.compared_at: float(report.different) for report in of_days},
        "repaired": {report.compared_at: float(report.repairs[Repair.REPAIRED]) for report in of_days},
        "left": {report.compared_at: float(report.left) for report in of_days},
    }
    return chart("Products that differ on the platform", lines, now() - _MONTH, now(), _DAY, nothing=None)


ROUTES = (Route("/catalogue/stores/{store_id}/drift", _drift),)
