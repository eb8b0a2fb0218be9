"""One request to the platform with credentials that are not in use yet: whether it accepts them.

Only the reconciler may ask. The platform may know its address alone, and the request counts against its limit.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from partner_orders.clock import Clock
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.http import PartnerApiClient, RunLimits
from partner_orders.platform.order_page import parse_page
from partner_orders.platform.orders import TIME_FORMATS, orders_path
from partner_orders.platform.paths import is_segment
from partner_orders.reconciler.lease import Lease, LeaseLostError
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders.stores.table import StoresTable

REQUEST = "try_credentials"
# Short: any answer of the platform's says whether the credentials are accepted.
WINDOW = timedelta(minutes=10)
# What the request leaves of the time, to release the lease.
RELEASE_SECONDS = 15.0


class Verdict(StrEnum):
    """What the platform says of credentials. The values are those of the function's response."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    # They were not tried, or the platform did not say.
    UNKNOWN = "unknown"


class Outcome(NamedTuple):
    """``why`` is a StopReason or a Failure, or NO_STORE; empty for accepted credentials. ``store_id`` is the store that
    was asked for."""

    verdict: Verdict
    why: str = ""
    store_id: str = ""

    def to_json(self) -> dict[str, str]:
        return {"verdict": str(self.verdict), "why": self.why, "store_id": self.store_id}

    @classmethod
    def from_json(cls, content: Mapping[str, str]) -> "Outcome":
        """Raises KeyError and ValueError."""
        return cls(Verdict(content["verdict"]), content["why"], content["store_id"])


NO_STORE = "no_store"
_REFUSALS = {Failure.UNAUTHORIZED, Failure.FORBIDDEN}


class CredentialsTrial:
    """``client_of`` makes a platform client that uses one version of the secret, by its id."""

    def __init__(
        self,
        client_of: Callable[[str], PartnerApiClient],
        stores: StoresTable,
        lease: Lease,
        chain_id: str,
        clock: Clock,
    ) -> None:
        self._client_of = client_of
        self._stores = stores
        self._lease = lease
        self._chain_id = chain_id
        self._clock = clock

    def run(self, version_id: str, remaining_seconds: Callable[[], float]) -> Outcome:
        """Ask for the orders of a store that is not paused, under the lease and within the platform's limit. An OAuth
        client's token is one more request. Raises botocore's errors."""
        usable = (one.store_id for one in self._stores.all() if not one.is_paused and is_segment(one.store_id))
        store_id = next(usable, "")
        if not store_id:
            return Outcome(Verdict.UNKNOWN, NO_STORE)
        handover = self._lease.acquire()
        if handover is None:
            return Outcome(Verdict.UNKNOWN, StopReason.LEASE_HELD)
        if handover.not_before is not None and self._clock() < handover.not_before:
            self._lease.release(handover)
            return Outcome(Verdict.UNKNOWN, StopReason.REQUESTED_LATER)
        client = self._client_of(version_id)
        limits = RunLimits(
            keep_alive=self._lease.renew, remaining_seconds=lambda: remaining_seconds() - RELEASE_SECONDS
        )
        client.begin(limits, handover)
        try:
            return self._ask(client, store_id)
        finally:
            self._lease.release(client.end())

    def _ask(self, client: PartnerApiClient, store_id: str) -> Outcome:
        end = client.now()
        time_format = client.time_format or TIME_FORMATS[0]
        times = {"start_time": end - WINDOW, "end_time": end}
        query = {name: time.strftime(time_format) for name, time in times.items()} | {"page": "1", "page_size": "1"}
        try:
            client.get_once(orders_path(self._chain_id, store_id), query, partial(parse_page, requested_size=1))
        except PartnerApiError as error:
            return Outcome(_verdict(error.failure), str(error.failure), store_id)
        except OutOfTimeError:
            return Outcome(Verdict.UNKNOWN, StopReason.OUT_OF_TIME, store_id)
        except LeaseLostError as error:
            return Outcome(Verdict.UNKNOWN, str(error), store_id)
        return Outcome(Verdict.ACCEPTED, "", store_id)


def _verdict(failure: Failure) -> Verdict:
    if failure in _REFUSALS:
        return Verdict.REFUSED
    # The token is accepted, and the store is not known by this id.
    return Verdict.ACCEPTED if failure is Failure.NOT_FOUND else Verdict.UNKNOWN
