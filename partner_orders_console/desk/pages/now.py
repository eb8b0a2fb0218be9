"""Now: the flow with the figures, alarms and findings of each stage; open orders; the last webhook of each store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from partner_orders.clock import now
from partner_orders.reconciler.report import is_regular
from partner_orders.stores.store import Store
from partner_orders_console.desk.charts import Chart, chart
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.rendering import desk_of, page, since
from partner_orders_console.operations.active_alarms import FIRST_RUN
from partner_orders_console.operations.answers import open_count
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.flow import CHECKS, DAY, Flow, Stage, alarms_by_stage, flow, stages_of
from partner_orders_console.operations.last_webhooks import last_webhooks
from partner_orders_console.operations.open_orders import by_store, open_orders
from partner_orders_console.operations.queue_counts import QueueCounts, queue_counts
from partner_orders_console.operations.stack import DeployedStack

# Seconds for which what was read is good enough: CloudWatch is charged by the metric, and a minute late anyway.
FIGURES_FRESH, ALARMS_FRESH, FRESH, STORES_FRESH, WEBHOOKS_FRESH = 60.0, 60.0, 10.0, 60.0, 300.0
_FIVE_MINUTES = timedelta(minutes=5)


@dataclass(frozen=True)
class Standing:
    """A figure of the present moment at a stage; ``is_wrong`` where it should be 0."""

    word: str
    value: str
    is_wrong: bool = False


@dataclass(frozen=True)
class Standings:
    """The figures of the present moment by stage, and what cannot be read."""

    by_stage: dict[Stage, list[Standing]]
    faults: list[Fault]


def _now(request: Request) -> Response:
    desk = desk_of(request)
    return page(request, "now.html", **_flow_context(desk), **_open_context(desk))


def _flow(request: Request) -> Response:
    return page(request, "now_flow.html", **_flow_context(desk_of(request)))


def _open(request: Request) -> Response:
    return page(request, "now_open.html", **_open_context(desk_of(request)))


def _findings(request: Request) -> Response:
    """The doctor's findings; they are looked for beside the page."""
    examining = desk_of(request).examining
    examining.look(again="again" in request.query_params)
    return page(request, "now_findings.html", examining=examining)


def _webhooks(request: Request) -> Response:
    desk = desk_of(request)
    return page(request, "now_webhooks.html", last=last_of_stores(desk), stores=names_of_stores(desk))


def _flow_context(desk: Desk) -> dict[str, Any]:
    figures = desk.read("flow", FIGURES_FRESH, flow)
    counts = desk.read("queues", FRESH, queue_counts)
    stages = desk.read("stages", STORES_FRESH, stages_of)
    standings = _standing(desk, [] if isinstance(stages, Fault) else stages, counts)
    return {
        "stages": stages,
        "figures": figures,
        "counts": counts,
        "alarms": desk.read("alarms", ALARMS_FRESH, alarms_by_stage),
        "standing": standings.by_stage,
        "faults": standings.faults,
        "findings": _findings_by_stage(desk),
        "charts": [] if isinstance(figures, Fault) else _charts(figures),
    }


def _open_context(desk: Desk) -> dict[str, Any]:
    orders = desk.read("open orders", FRESH, open_orders)
    return {
        "open_orders": orders,
        "open_by_store": [] if isinstance(orders, Fault) else by_store(orders),
        "stores": names_of_stores(desk),
    }


def all_stores(desk: Desk, stack: DeployedStack) -> list[Store]:
    """Every store, read once for all parts of a page. Raises botocore's errors."""
    return desk.kept.get("stores", STORES_FRESH, stack.stores.all)


def last_of_stores(desk: Desk) -> dict[str, datetime | None] | Fault:
    """When the last webhook of each store came (UTC), the one that has waited longest first."""
    return desk.read("last webhooks", WEBHOOKS_FRESH, lambda stack: last_webhooks(stack, all_stores(desk, stack)))


def names_of_stores(desk: Desk) -> dict[str, str]:
    """The name of each store that has one, by each of its ids; none where they cannot be read."""
    stores = desk.connection.attempt(lambda stack: all_stores(desk, stack))
    if isinstance(stores, Fault):
        return {}
    return {listing: store.name for store in stores if store.name for listing in store.listings}


def _standing(desk: Desk, stages: Sequence[Stage], counts: QueueCounts | Fault) -> Standings:
    """What is to be said of the stages at this moment, and why something cannot be said."""
    found: dict[Stage, list[Standing]] = {}
    faults: list[Fault] = []

    def say(stage: Stage, part: Standing | Fault) -> None:
        if isinstance(part, Fault):
            faults.append(part)
        else:
            found.setdefault(stage, []).append(part)

    if not isinstance(counts, Fault):
        for stage, standing in _in_queues(counts):
            say(stage, standing)
    orders = desk.read("open orders", FRESH, open_orders)
    say(Stage.TABLE, orders if isinstance(orders, Fault) else Standing("open orders", f"{len(orders):,}"))
    say(Stage.TABLE, desk.read("rejected", FRESH, _rejected))
    say(Stage.RECONCILER, desk.read("last run", FRESH, _last_run))
    if Stage.SENDER in stages:
        say(Stage.SENDER, desk.read("open answers", FRESH, _open_answers))
    return Standings(found, [*dict.fromkeys(faults)])


def _in_queues(counts: QueueCounts) -> list[tuple[Stage, Standing]]:
    stages = {
        "order-events": Stage.QUEUE,
        "publisher": Stage.PUBLISHER,
        "reconciliation": Stage.RECONCILER,
        "answers": Stage.SENDER,
    }
    letters = [
        (stages[queue.value], Standing("dead letters", f"{number:,}", number > 0))
        for queue, number in counts.dead_letters.items()
    ]
    waiting = Standing("waiting", f"{counts.waiting:,}")
    return [(Stage.QUEUE, waiting), (Stage.CONSUMER, Standing("in work", f"{counts.in_work:,}")), *letters]


def _last_run(stack: DeployedStack) -> Standing:
    reports = [*filter(is_regular, stack.reconciliation.reports(now() - timedelta(hours=1), now()))]
    if not reports:
        is_new = now() - stack.deployed_at < FIRST_RUN
        return Standing("last run", "none yet" if is_new else "none in the last hour", is_wrong=not is_new)
    when = since(reports[-1]["started_at"])
    stopped = f", stopped: {reports[-1]['stopped'].replace('_', ' ')}" if reports[-1]["stopped"] else ""
    return Standing("last run", f"{when}{stopped}")


def _rejected(stack: DeployedStack) -> Standing:
    number = stack.rejected.count()
    return Standing("rejected, unresolved", f"{number:,}", number > 0)


def _open_answers(stack: DeployedStack) -> Standing:
    return Standing("waiting", f"{open_count(stack):,}")


def _findings_by_stage(desk: Desk) -> dict[Stage, list[Finding]]:
    """The faults that the doctor found last, at the stage that each is about."""
    examined = desk.examining.latest
    found: dict[Stage, list[Finding]] = {}
    for check, finding in examined.faults if examined else ():
        if check in CHECKS:
            found.setdefault(CHECKS[check], []).append(finding)
    return found


def _charts(figures: Flow) -> list[Chart]:
    start, end = figures.at - DAY, figures.at
    events = {"received": figures.received, "stored": figures.stored}
    lag = {"median": figures.lag_p50, "95 % were faster than": figures.lag_p95}
    return [
        chart("Events in five minutes", events, start, end, _FIVE_MINUTES),
        chart("Seconds from webhook to table", lag, start, end, _FIVE_MINUTES, "s", nothing=None),
    ]


ROUTES = (
    Route("/", _now),
    Route("/now/flow", _flow),
    Route("/now/open", _open),
    Route("/now/findings", _findings),
    Route("/now/webhooks", _webhooks),
)
