"""The pages of the desk, in the order of its navigation. A page that is added gets its line in ``PAGES``."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.routing import Route

from partner_orders_console.desk.pages import (
    answers,
    catalogue,
    catalogue_drift,
    changes,
    events,
    now,
    orders,
    promotions,
    reconciliation,
    stores,
    trouble,
)
from partner_orders_console.operations.catalogue_stack import has_catalogue
from partner_orders_console.operations.stack import DeployedStack


def _always(_stack: DeployedStack) -> bool:
    return True


class Page(NamedTuple):
    """A page as the navigation shows it, with its routes and those of its parts. ``is_of``: whether a stack has what
    the page is about."""

    title: str
    path: str
    routes: Sequence[Route]
    is_of: Callable[[DeployedStack], bool] = _always


PAGES: tuple[Page, ...] = (
    Page("Now", "/", now.ROUTES),
    Page("Orders", "/orders", orders.ROUTES),
    Page("Events", "/events", events.ROUTES),
    Page("Reconciliation", "/reconciliation", reconciliation.ROUTES),
    Page("Trouble", "/trouble", trouble.ROUTES),
    Page("Stores", "/stores", stores.ROUTES),
    Page("Answers", "/answers", answers.ROUTES),
    Page("Catalogue", "/catalogue", (*catalogue.ROUTES, *catalogue_drift.ROUTES), has_catalogue),
    Page("Promotions", "/promotions", promotions.ROUTES, has_catalogue),
    Page("Changes", "/changes", changes.ROUTES),
)
