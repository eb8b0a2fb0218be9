"""The simulated platform's catalogue, whose faults are the seed's."""

import json
import random
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_call import RefusedCallError, lines_of
from tools.local.simulated_platform.catalogue_records import Habits, Job, Pace, Product
from tools.local.simulated_platform.promotions import PromotionPace, Promotions
from tools.local.simulated_platform.store_status import StatusHabits, StoreStatuses
from tools.simulation.catalogue.session import PRIVATE_HOST
from tools.simulation.faults import Faults

# A job that is later than we wait for it, and never called back, is found by comparing with the export alone.
LATEST = timedelta(minutes=15)
PACE = Pace(worked=timedelta(seconds=20), late_most=LATEST)
# The platform has these, but refuses any call that has the first, and knows nothing of the second.
BAD_SKU, UNKNOWN_SKU = "KW-BAD", "KW-UNKNOWN"


class TroubledCatalogue(Catalogue):
    """A catalogue whose faults are counted with all others. ``refused``: the products that it refused, by store: in a
    result, or in a call of that product alone."""

    def __init__(self, seed: int, habits: Habits, faults: Faults) -> None:
        super().__init__(seed, habits, PACE)
        self.refused: set[tuple[str, str]] = set()
        self._troubles = faults

    def strikes(self, fault: str) -> bool:
        return self._troubles.strikes(f"catalogue_{fault}")

    def note_not_found(self, vendor: str, content: bytes) -> None:
        """Note that a PUT gets a 404: of one product, that says that there is none."""
        skus = [product["sku"] for product in json.loads(content)["products"]]
        if len(skus) == 1:
            self.refused.add((vendor, skus[0]))

    def put(self, vendor: str, content: bytes, now: datetime) -> Job | str:
        lines = lines_of(content, self.habits.cap_name, self.habits.most_bytes, self.habits.most_products)
        skus = [line.sku or "" for line in lines]
        try:
            if BAD_SKU in skus:
                raise RefusedCallError(400, "BAD_REQUEST", "a product is not valid")
            return super().put(vendor, content, now)
        except RefusedCallError:
            if len(skus) == 1:
                self.refused.add((vendor, skus[0]))
            raise

    def link(self, job: Job, now: datetime) -> str | None:
        link = super().link(job, now)
        if link is not None and self._troubles.strikes("catalogue_link_private", job.vendor):
            return self._troubles.one_of(
                "catalogue_link_private",
                [f"https://{PRIVATE_HOST}/f.csv", "https://10.1.2.3/f.csv", "http://storage.example.com/f.csv"],
            )
        return link

    def work(self, now: datetime) -> list[Job]:
        ended = super().work(now)
        for job in ended:
            self._note_refusals(job)
        return ended

    def take_callbacks(self, now: datetime, early: bool = False) -> list[Any]:
        found = super().take_callbacks(now, early)
        for callback in found:
            self._note_refusals(self.jobs[callback.job_id])
        return found

    def _note_refusals(self, job: Job) -> None:
        self.refused |= {(job.vendor, outcome.sku) for outcome in job.outcomes if outcome.error}


class TroubledStatuses(StoreStatuses):
    """The status of stores, whose faults are counted with all others. A seed's platform has habits of its own."""

    def __init__(self, seed: int, faults: Faults) -> None:
        chance = random.Random(f"{seed}/status habits")
        habits = StatusHabits(
            opens=chance.choice([time(0), time(0), time(11, 40)]),
            closes=chance.choice([time(0), time(0), time(22)]),
            put_answers=chance.choice([200, 204]),
            shows_reason=chance.random() < 0.7,
            shows_until=chance.random() < 0.8,
            today_as_until=chance.random() < 0.3,
            checks_in=chance.random() < 0.3,
        )
        super().__init__(seed, habits)
        self._troubles = faults

    def strikes(self, fault: str) -> bool:
        return self._troubles.strikes(f"status_{fault}")


class TroubledPromotions(Promotions):
    """Promotions whose faults are counted with all others."""

    def __init__(self, catalogue: Catalogue, seed: int, faults: Faults) -> None:
        super().__init__(catalogue, seed, PromotionPace(worked=timedelta(seconds=20), late_most=LATEST))
        self._troubles = faults

    def strikes(self, fault: str) -> bool:
        return self._troubles.strikes(f"promotion_{fault}")


def assortment(store_id: str, skus: list[str], prices: dict[str, Decimal]) -> list[Product]:
    """The products of a store, without a buffer of the platform's own."""
    return [
        Product(sku, (f"0{number:012d}",), {"en_PK": f"{store_id} {sku}"}, prices[sku])
        for number, sku in enumerate(skus, start=1)
    ]
