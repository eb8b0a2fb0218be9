"""The pages of the desk, in the order of its navigation. A page that is added gets its line in ``PAGES``."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.routing import Route

from partner_orders_console.desk.pages import answers, changes, now, orders, reconciliation, stores, trouble


class Page(NamedTuple):
    """A page as the navigation shows it, with its routes and those of its parts."""

    title: str
    path: str
    routes: Sequence[Route]


PAGES: tuple[Page, ...] = (
    Page("Now", "/", now.ROUTES),
    Page("Orders", "/orders", orders.ROUTES),
    Page("Reconciliation", "/reconciliation", reconciliation.ROUTES),
    Page("Trouble", "/trouble", trouble.ROUTES),
    Page("Stores", "/stores", stores.ROUTES),
    Page("Answers", "/answers", answers.ROUTES),
    Page("Changes", "/changes", changes.ROUTES),
)
