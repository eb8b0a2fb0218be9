"""The platform's promotions: a body sent, and its job asked for (docs/platform.md 10). The errors are those of
partner_orders.platform.calls."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.platform.calls import Calls, EffectUnknownError, text_of, word_of
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.http import PartnerApiClient, Request
from partner_orders.platform.json_scanner import BrokenStructureError, JsonScanner
from partner_orders.platform.paths import segment
from partner_orders.promotions.job_result import JobResult, JobStatus, LeftOut

# A body has up to 5 MB, and a result names up to 2 million SKUs that were left out.
SECONDS = 8.0
MAX_JOB_BYTES = 32 * 1_048_576
MAX_JOB_ID = 200  # characters
_STATUS = ("job_status", "status")
_ENDS = frozenset(status.value for status in JobStatus if status.is_end)


class JobAnswer(NamedTuple):
    """What a body was answered. ``job_id`` is empty where it was worked off at once; ``status`` tells how then."""

    job_id: str
    status: str


class JobReading(NamedTuple):
    """A job's status, as a word in capitals that may be any, and what the platform left out."""

    status: str
    result: JobResult


class PlatformPromotions:
    """Both calls raise NotAllowedError, ThrottledError, CallRefusedError and PlatformNotFoundError;
    PlatformUnavailableError where no token could be had, so that nothing was sent; and OutOfTimeError."""

    def __init__(self, client: PartnerApiClient, chain_id: str) -> None:
        self._client = client
        self._calls = Calls(client)
        self._path = f"/v2/chains/{segment(chain_id)}/promotion"

    def make_room(self) -> None:
        """Get the permit for the next request ahead of it, so that nothing is noted as sent that cannot be. Raises
        OutOfTimeError."""
        self._client.make_room()

    def now(self) -> datetime:
        """The platform's time, as far as it has responded."""
        return self._client.now()

    def put(self, body: bytes) -> JobAnswer:
        """Send a body. A response without a job counts only where it says how the job ended: a bare 2xx is no outcome,
        and nobody could ask what became of it. Raises EffectUnknownError as well, and PartnerApiError with
        Failure.NOT_FOUND where the brand has no promotions."""
        answer = self._calls.write(Request("PUT", self._path, content=body, seconds=SECONDS))
        status = _status(answer)
        job_id = text_of(answer.get("job_id"))
        if 0 < len(job_id) <= MAX_JOB_ID and job_id.isprintable():
            return JobAnswer(job_id, status)
        if status not in _ENDS:
            raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)
        return JobAnswer("", status)

    def job(self, job_id: str) -> JobReading | None:
        """What the platform shows of a job; None where it shows none. Raises PartnerApiError as well, for what may
        pass."""
        request = Request("GET", f"{self._path}/jobs/{segment(job_id)}", seconds=SECONDS)
        try:
            text = self._calls.read_text(request, MAX_JOB_BYTES)
        except PartnerApiError as error:
            if error.failure is Failure.NOT_FOUND:
                return None
            raise
        try:
            return _reading(JsonScanner(text))
        except BrokenStructureError:
            raise PartnerApiError(Failure.NOT_JSON, "job", retry_after=0.0) from None


def _reading(scanner: JsonScanner) -> JobReading:
    """Raises BrokenStructureError, and PartnerApiError where there is no status."""
    words, left_out = dict[str, Json](), LeftOut()
    for name in scanner.members():
        value = scanner.value()
        if name in _STATUS:
            words[name] = _text(value)
        elif name == "result" and value[:1] == b"{":
            _read_result(JsonScanner(value), left_out)
    status = _status(words)
    if not status:
        raise PartnerApiError(Failure.NOT_JSON, "job_status", retry_after=0.0)
    return JobReading(status, left_out.result())


def _status(words: Mapping[str, Json]) -> str:
    """A job's status under either of its names; empty where there is none."""
    return next((word_of(words[name]) for name in _STATUS if text_of(words.get(name))), "")


def _read_result(scanner: JsonScanner, left_out: LeftOut) -> None:
    for name in scanner.members():
        value = scanner.value()
        if name == "invalid_vendors":
            for vendor in _texts(value):
                left_out.vendor(vendor)
        elif name == "missing_skus":
            _read_pairs(value, left_out.missing)
        elif name == "invalid_discounted_skus":
            _read_pairs(value, left_out.invalid)


def _read_pairs(value: bytes, note: Callable[[str, str], None]) -> None:
    """SKUs by store; of a list that names no store, the store is empty."""
    if value[:1] != b"{":
        for sku in _texts(value):
            note("", sku)
        return
    scanner = JsonScanner(value)
    for vendor in scanner.members():
        for sku in _texts(scanner.value()):
            note(vendor, sku)


def _texts(value: bytes) -> Iterator[str]:
    """The texts of a list; nothing for anything else, and an empty text for an element that is none."""
    if value[:1] == b"[":
        yield from map(_text, JsonScanner(value).elements())


def _text(value: bytes) -> str:
    try:
        return text_of(parse(value))
    except MalformedJsonError:
        return ""
