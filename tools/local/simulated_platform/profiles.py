"""The brands that the platform runs under, each with its own habits (docs/platform.md 1 to 4).

Where a page or a live client says how a brand behaves, its profile does so. Where nothing says it, the profiles differ
on purpose, so that together they show every form that was seen of any brand.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tools.local.simulated_platform.catalogue_records import Habits
from tools.local.simulated_platform.countries import COUNTRIES, MOROCCO, TURKEY, Country
from tools.local.simulated_platform.lives import Body, Life, Step, to_text, trading_hour
from tools.local.simulated_platform.partner_api import Unknowns
from tools.local.simulated_platform.store_status import StatusHabits

_PAKISTAN, _, _ARGENTINA = COUNTRIES


class Profile(NamedTuple):
    """One brand. ``unknowns`` is how its list behaves, ``courses`` the lives of its orders with their weights, and
    ``spellings`` the statuses that it writes in its own way. ``get_only`` and ``webhook_only`` are statuses that only
    one of the two shows. ``masked`` is the share of orders whose customer GET masks. ``catalogue`` is how its catalogue
    behaves."""

    name: str
    country: Country
    unknowns: Unknowns
    courses: Mapping[str, int]
    spellings: Mapping[str, str] = {}
    get_only: frozenset[str] = frozenset()
    webhook_only: frozenset[str] = frozenset()
    masked: float = 0.3
    has_updated_at: bool = True
    upper_case_ids: bool = False  # of orders, by GET
    numeric_store_ids: bool = False  # by GET, where the webhook writes text
    catalogue: Habits = Habits()
    status: StatusHabits = StatusHabits()

    def hour(
        self, seed: int, orders: int, stores: int, start: datetime, chain_id: str, first_store: int = 0
    ) -> list[Life]:
        """The brand's orders of an hour that begins at ``start`` (UTC). ``first_store`` is as in trading_hour()."""
        country, kinds = self.country, self.courses
        lives = trading_hour(
            seed, orders, stores, start, chain_id, country=country, kinds=kinds, first_store=first_store
        )
        return [self.adapt(life, number) for number, life in enumerate(lives)]

    def adapt(self, life: Life, number: int) -> Life:
        """The same life as this brand tells of it. ``number`` is its place in the hour."""
        masked = int((number + 1) * self.masked) > int(number * self.masked)
        steps = tuple(map(self._step, life.steps))
        # What GET never shows first would hide the whole order until the next state.
        first = replace(steps[0], by_get=True)
        return replace(life, steps=(first, *steps[1:]), masked=masked)

    def form_of_get(self, body: Body) -> Body:
        """A body of the webhook's as this brand's GET writes it. Changes ``body``."""
        client = body.get("client")
        if self.upper_case_ids and isinstance(body.get("order_id"), str):
            body["order_id"] = body["order_id"].upper()
        if self.numeric_store_ids and isinstance(client, dict) and str(client.get("store_id")).isdecimal():
            client["store_id"] = int(client["store_id"])
        return body

    def _step(self, step: Step) -> Step:
        body: Body = json.loads(to_text(step.body))
        status = body["status"]
        body["status"] = self.spellings.get(status, status)
        if not self.has_updated_at:
            body["sys"].pop("updated_at", None)
        return replace(
            step,
            body=body,
            by_webhook=step.by_webhook and status not in self.get_only,
            by_get=step.by_get and status not in self.webhook_only,
        )


# The documentation prints bare times, and names PICKED_UP as the final status of GET (docs/platform.md 2.2, 4.2).
PEDIDOSYA = Profile(
    name="pedidosya",
    country=_ARGENTINA,
    unknowns=Unknowns(
        times="without_z",
        times_refused=True,
        largest_page_size=100,
        page_size_refused=True,
        counts="text",
        order="descending",
        end_included=False,
    ),
    courses={"pelican": 40, "platform_delivery": 40, "vendor_delivery": 10, "cancelled_before_picking": 10},
    spellings={"CANCELLED": "CANCELED"},
    get_only=frozenset({"PICKED_UP"}),
    numeric_store_ids=True,
    # "Less than the buffer" is its FAQ's wording; results come as signed links (docs/platform.md 6).
    catalogue=Habits(buffer_is_sold=True, results_at="storage", delimiter=";", unknown_single=400),
    # None of its pages that were read offers the status by API (docs/platform.md 9).
    status=StatusHabits(is_offered=False),
)
# Short ids of stores, masked customers, and a webhook that says DISPATCHED (docs/platform.md 1, 2.2, 3.3).
FOODPANDA = Profile(
    name="foodpanda",
    country=_PAKISTAN,
    unknowns=Unknowns(times="without_z", empty="missing", filter_by="updated", sort_by="updated"),
    courses={
        "platform_delivery": 40,
        "platform_delivery_delivered": 20,
        "vendor_delivery": 10,
        "pelican": 15,
        "cancelled_before_picking": 8,
        "cancelled_after_pick_up": 7,
    },
    spellings={"READY_FOR_PICKUP": "READY FOR PICKUP", "CANCELLED": "CANCELED"},
    webhook_only=frozenset({"READY_FOR_PICKUP"}),
    masked=0.8,
    # A live client sends the FAQ's name of the cap, and asks for jobs (docs/platform.md 6).
    catalogue=Habits(cap_name="max_sales_quantity", byte_order_mark=True),
    status=StatusHabits(zone="Asia/Karachi", today_as_until=True),
)
# The chain may accept an order, and its dispatch is confirmed as READY_FOR_PICKUP (docs/platform.md 2.2).
GLOVO = Profile(
    name="glovo",
    country=MOROCCO,
    unknowns=Unknowns(times="any", largest_page_size=50, counts="missing", empty="null", order="none"),
    courses={
        "vendor_delivery_accepted": 30,
        "vendor_delivery_confirmed_as_ready": 30,
        "platform_delivery": 30,
        "cancelled_after_picking": 10,
    },
    get_only=frozenset({"ACCEPTED", "DELIVERED"}),
    upper_case_ids=True,
    catalogue=Habits(
        true_alone_is_sold=False,
        single_by_job=True,
        shows_jobs=False,
        stores_by_code=True,
        status_name="job_status",
        processed="processed",
        refused="rejected",
    ),
    status=StatusHabits(zone="Africa/Casablanca", put_answers=204, shows_reason=False, shows_until=False),
)
# Live clients send times with Z, and read only the number of pages (docs/platform.md 4.2). An order can be without
# updated_at (docs/platform.md 3.7).
YEMEKSEPETI = Profile(
    name="yemeksepeti",
    country=TURKEY,
    unknowns=Unknowns(times="with_z", times_refused=True, page_size_honoured=False, empty="no_content"),
    courses={
        "platform_delivery_delivered": 50,
        "platform_delivery": 20,
        "collected_by_the_customer": 10,
        "cancelled_before_picking": 12,
        "cancelled_after_picking": 8,
    },
    masked=0.0,
    has_updated_at=False,
    # A live client reads whole numbers as job ids, and fetches results without a token (docs/platform.md 6).
    catalogue=Habits(job_ids="number", shows_jobs=False, results_at="storage", unknown_single=200, most_products=5_000),
    status=StatusHabits(zone="Europe/Istanbul", closed_at_night=False),
)
PROFILES = (PEDIDOSYA, FOODPANDA, GLOVO, YEMEKSEPETI)
BY_NAME: Mapping[str, Profile] = {profile.name: profile for profile in PROFILES}
