"""The platform's status of a store: read, and sent (docs/platform.md 9). The errors are those of
partner_orders.platform.calls."""

from datetime import UTC, datetime

from partner_orders.exact_json import Json, write_bytes
from partner_orders.platform.calls import Calls, word_of
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.http import PartnerApiClient, Request
from partner_orders.platform.paths import segment
from partner_orders.store_status.shown import CheckinTimes, Reading
from partner_orders.store_status.wish import Kind, Wish

# Such a response has some 300 bytes. What takes longer is for the next run: others wait.
SECONDS = 5.0
MAX_TIME = 40  # characters


class PlatformStoreStatus:
    """``vendor_id`` is either of a store's ids. Both calls raise NotAllowedError, ThrottledError, CallRefusedError and
    PlatformNotFoundError; PartnerApiError with Failure.NOT_FOUND where no store has the id; PlatformUnavailableError
    where no token could be had, so that nothing was sent; and OutOfTimeError."""

    def __init__(self, client: PartnerApiClient, chain_id: str) -> None:
        self._client = client
        self._calls = Calls(client)
        self._chain = f"/v2/chains/{segment(chain_id)}"

    def make_room(self) -> None:
        """Get the permit for the next request ahead of it, so that nothing is noted as sent that cannot be. Raises
        OutOfTimeError."""
        self._client.make_room()

    def now(self) -> datetime:
        """The platform's time, as far as ``has_heard``."""
        return self._client.now()

    @property
    def has_heard(self) -> bool:
        """Whether the platform has responded in this run, so that its time is known."""
        return self._client.has_heard

    def get(self, vendor_id: str) -> Reading:
        """What the platform shows. An optional field that cannot be read is taken as missing. Raises PartnerApiError as
        well, for what may pass."""
        answer = self._calls.read(Request("GET", self._path(vendor_id), seconds=SECONDS))
        status = word_of(answer.get("status"))
        if not status:
            raise PartnerApiError(Failure.NOT_JSON, "status", retry_after=0.0)
        return Reading(
            status,
            word_of(answer.get("closed_reason")),
            _time(answer.get("closed_until")),
            _checkin(answer.get("checkin_interval")),
        )

    def put(self, vendor_id: str, wish: Wish) -> None:
        """Send what is wished. The response says nothing that a reading would not. Raises EffectUnknownError as
        well."""
        body: dict[str, Json] = {"status": wish.kind.value}
        if wish.kind.closes:
            body["closed_reason"] = wish.reason
        if wish.kind is Kind.CLOSED_UNTIL:
            body["closed_until"] = wish.until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = write_bytes(body)
        self._calls.send(Request("PUT", self._path(vendor_id), content=content, seconds=SECONDS))

    def _path(self, vendor_id: str) -> str:
        return f"{self._chain}/vendors/{segment(vendor_id)}/status"


def _time(value: Json) -> datetime | None:
    """A time in UTC, which it is where no offset says otherwise; None for anything else."""
    if not isinstance(value, str) or len(value) > MAX_TIME:
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _checkin(value: Json) -> CheckinTimes | None:
    if not isinstance(value, dict):
        return None
    begins, ends = _time(value.get("start_time")), _time(value.get("end_time"))
    return CheckinTimes(begins, ends) if begins is not None and ends is not None and begins < ends else None
