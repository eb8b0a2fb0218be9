"""One order at the platform: shown by GET, and answered by PUT (docs/platform.md 4.2, 8.1). Nothing is repeated here
but a request whose token was rejected."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from partner_orders.clock import Clock
from partner_orders.exact_json import Json, write_bytes
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, TokenRejectedError
from partner_orders.platform.rate_limit import RequestLimit
from partner_orders.platform.responses import date_of, error_of, read_body

# To connect, and for the whole response.
TIMEOUT_SECONDS = (3.05, 10.0)
# How long to wait for a permit before the order is put off.
PERMIT_SECONDS = 2.0
MAX_ORDER_BYTES = 1_048_576


@dataclass(frozen=True)
class Shown:
    """An order object as the platform returned it, and when, by the platform's clock."""

    body: bytes = field(repr=False)
    shown_at: datetime


class OrderExchange:
    """Every method raises PartnerApiError, whose ``retry_after`` is None where the platform refused what was sent; and
    OutOfTimeError where the request budget has nothing left."""

    def __init__(
        self,
        base_url: str,
        chain_id: str,
        credentials: PartnerApiCredentials,
        session: requests.Session,
        limit: RequestLimit,
        clock: Clock,
    ) -> None:
        self._orders_url = f"{base_url.rstrip('/')}/v2/chains/{quote(chain_id, safe='')}/orders/"
        self._credentials = credentials
        self._session = session
        self._limit = limit
        self._clock = clock

    def make_room(self) -> None:
        """Get the permit for the next request ahead of it, so that nothing is noted as sent that cannot be. Raises
        OutOfTimeError."""
        if not self._limit.wait(PERMIT_SECONDS):
            raise OutOfTimeError

    def show(self, order_id: str) -> Shown:
        """The order as the platform shows it now."""
        shown = self._request("GET", order_id, None)
        if shown is None:
            raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0)
        return shown

    def put(self, order_id: str, body: Json) -> Shown | None:
        """Answer an order; what the platform returns as the order, if it does."""
        return self._request("PUT", order_id, write_bytes(body))

    def _request(self, method: str, order_id: str, content: bytes | None) -> Shown | None:
        try:
            return self._once(method, order_id, content)
        except TokenRejectedError:
            self._credentials.rejected()
        return self._once(method, order_id, content)

    def _once(self, method: str, order_id: str, content: bytes | None) -> Shown | None:
        self.make_room()  # also for the request that a token may take
        token = self._token()
        self.make_room()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._session.request(
                method,
                self._orders_url + quote(order_id, safe=""),
                data=content,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            return self._read(response)
        except (HTTPError, OSError, ValueError) as error:
            raise PartnerApiError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None
        finally:
            self._limit.record()

    def _read(self, response: requests.Response) -> Shown | None:
        """The order in a response; None in one that holds nothing. Raises PartnerApiError."""
        shown_at = date_of(response) or self._clock()
        if response.status_code // 100 != 2 and (error := error_of(response, shown_at)):
            response.close()
            raise error
        body = read_body(response, MAX_ORDER_BYTES)
        return Shown(body, shown_at) if body.strip() else None

    def _token(self) -> str:
        try:
            return self._credentials.token()
        except CredentialsError:
            raise PartnerApiError(Failure.CREDENTIALS, retry_after=60.0) from None
        except (HTTPError, OSError, ValueError) as error:
            raise PartnerApiError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None
