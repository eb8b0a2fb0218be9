"""One request to the platform that reads or writes something, and what its response means.

Each call makes one request, and the same once more if its token was rejected. What to do about a failure is for the
caller, and its class says it.
"""

import re
from collections.abc import Callable
from datetime import datetime

import requests

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.platform.failures import Failure, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.http import PartnerApiClient, Request
from partner_orders.platform.responses import error_of, read_body
from partner_orders.platform_words import without_contacts

MAX_RESPONSE_BYTES = 65_536
MAX_MESSAGE = 300
MAX_WORD = 64  # characters
NOT_SENT = "not_sent"
# A call may be refused so for one of its lines, or for its size.
_OF_A_LINE = frozenset({"400", "413", "422", NOT_SENT})
_NOT_ALLOWED = frozenset({Failure.UNAUTHORIZED, Failure.FORBIDDEN, Failure.CREDENTIALS})
_THROTTLED = frozenset({Failure.RATE_LIMITED, Failure.BLOCKED})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Words with an address, links, and what is long enough to be a token.
_PERSONAL_OR_SECRET = re.compile(r"\S*@\S*|\S+://\S*|\S{65,}")
_PLATFORM_NOT_FOUND = re.compile(r"platform[ _-]?not[ _-]?found", re.IGNORECASE)


class CallRefusedError(PartnerApiError):
    """The platform refused the whole call: nothing of it took effect. Where it ``may_be_of_a_line``, halve the call
    until the bad line is alone. ``code`` and ``message`` are the platform's, bounded and without personal data; empty
    if it gave none. ``detail`` is the status, or NOT_SENT where the call was refused here."""

    def __init__(self, status: str, code: str = "", message: str = "") -> None:
        super().__init__(Failure.REFUSED, status)
        self.code = code
        self.message = message

    @property
    def may_be_of_a_line(self) -> bool:
        return self.detail in _OF_A_LINE


class EffectUnknownError(PartnerApiError):
    """The call may have taken effect: no response came, a server failed, or the response cannot be read. Take what was
    sent as unconfirmed, and send the newest values after ``retry_after`` seconds."""


class ThrottledError(PartnerApiError):
    """The platform limits our requests, or its edge blocks our address. Send nothing before ``not_before`` (UTC)."""

    def __init__(self, error: PartnerApiError, not_before: datetime) -> None:
        super().__init__(error.failure, error.detail, error.retry_after)
        self.not_before = not_before


class NotAllowedError(PartnerApiError):
    """The credentials are missing or rejected, or do not allow the call. A person has to see to them."""


class PlatformNotFoundError(PartnerApiError):
    """The account is not set up for writing its catalogue ("Platform Not Found"). Ask the platform's account manager;
    reading may work meanwhile."""

    def __init__(self) -> None:
        super().__init__(Failure.NOT_FOUND, "platform")


def is_of_every_store(error: PartnerApiError) -> bool:
    """Whether requests for other stores would fail as well now: the credentials are rejected, the platform limits us,
    or no token could be had."""
    is_for_all = error.failure in _NOT_ALLOWED | _THROTTLED and error.failure is not Failure.FORBIDDEN
    return is_for_all or isinstance(error, PlatformUnavailableError)


def is_for_a_person(error: PartnerApiError) -> bool:
    """Whether somebody has to see to it: the credentials are missing, rejected or not allowed to write a catalogue."""
    return error.failure in _NOT_ALLOWED or isinstance(error, PlatformNotFoundError)


class Calls:
    """The calls of one client. Every method raises NotAllowedError, ThrottledError and PlatformNotFoundError;
    PartnerApiError with Failure.NOT_FOUND where nothing has the id; PlatformUnavailableError where no token could be
    had, so that nothing was sent; and OutOfTimeError where the request budget has nothing left."""

    def __init__(self, client: PartnerApiClient) -> None:
        self._client = client

    def write(self, request: Request) -> dict[str, Json]:
        """The JSON object that a call with an effect was answered. Raises CallRefusedError and EffectUnknownError."""
        return self._effect(request, self._object_of())

    def send(self, request: Request) -> None:
        """A call with an effect, whose response says nothing that matters: any 2xx will do, with a body or without.
        Raises CallRefusedError and EffectUnknownError."""
        self._effect(request, self._nothing_of)

    def read(self, request: Request, most_bytes: int = MAX_RESPONSE_BYTES) -> dict[str, Json]:
        """The JSON object of a response with 2xx. Raises CallRefusedError, and PartnerApiError for what may pass."""
        return self._exchange(request, self._object_of(most_bytes))

    def read_text(self, request: Request, most_bytes: int) -> bytes:
        """The body of a response with 2xx, which may be too large to be parsed whole. Raises as ``read`` does."""

        def parsed(response: requests.Response) -> bytes:
            self._require_success(response)
            return read_body(response, most_bytes)

        return self._exchange(request, parsed)

    def _effect[T](self, request: Request, parsed: Callable[[requests.Response], T]) -> T:
        try:
            return self._exchange(request, parsed)
        except (CallRefusedError, NotAllowedError, ThrottledError, PlatformUnavailableError):
            raise
        except PartnerApiError as error:
            if error.failure is Failure.NOT_FOUND:
                raise
            raise EffectUnknownError(error.failure, error.detail, error.retry_after or 0.0) from None

    def _exchange[T](self, request: Request, parsed: Callable[[requests.Response], T]) -> T:
        try:
            return self._client.exchange(request, parsed)
        except PartnerApiError as error:
            if error.failure in _NOT_ALLOWED:
                raise NotAllowedError(error.failure, error.detail, error.retry_after) from None
            if error.failure in _THROTTLED:
                raise ThrottledError(error, self._client.not_before) from None
            raise

    def _object_of(self, most_bytes: int = MAX_RESPONSE_BYTES) -> Callable[[requests.Response], dict[str, Json]]:
        def parsed(response: requests.Response) -> dict[str, Json]:
            self._require_success(response)
            return json_object(read_body(response, most_bytes))

        return parsed

    def _nothing_of(self, response: requests.Response) -> None:
        with response:
            self._require_success(response)

    def _require_success(self, response: requests.Response) -> None:
        if response.status_code // 100 != 2:
            raise _refusal(response, self._client.now())


def _refusal(response: requests.Response, now: datetime) -> PartnerApiError:
    """What a response without 2xx says. Closes it."""
    with response:
        error = error_of(response, now) or PartnerApiError(Failure.REFUSED, str(response.status_code))
        is_of_the_call = error.failure in {Failure.REFUSED, Failure.FORBIDDEN, Failure.NOT_FOUND}
        if not is_of_the_call or error.retry_after is not None:
            return error
        code, message = _words(response)
    if any(_PLATFORM_NOT_FOUND.search(text) for text in (code, message)):
        return PlatformNotFoundError()
    return CallRefusedError(error.detail, code, message) if error.failure is Failure.REFUSED else error


def _words(response: requests.Response) -> tuple[str, str]:
    """The platform's code and message, or its gateway's; empty where it gave none. Without personal data."""
    try:
        said = json_object(read_body(response, MAX_RESPONSE_BYTES))
    except (PartnerApiError, OSError):
        return "", ""
    inner = said.get("error")
    if isinstance(inner, dict):
        said = inner
    code = next((text for name in ("code", "error") if (text := text_of(said.get(name)))), "")
    names = ("message", "error_description", "detail", "title")
    message = next((text for name in names if (text := text_of(said.get(name)))), "")
    plain = "".join(c if c.isprintable() else " " for c in message)
    plain = " ".join(without_contacts(_PERSONAL_OR_SECRET.sub("…", plain)).split())
    return code if _CODE.fullmatch(code) else "", plain[:MAX_MESSAGE]


def json_object(content: bytes) -> dict[str, Json]:
    """A JSON object. Raises PartnerApiError."""
    try:
        value = parse(content)
    except MalformedJsonError:
        raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0) from None
    if not isinstance(value, dict):
        raise PartnerApiError(Failure.NOT_JSON, "object", retry_after=0.0)
    return value


def text_of(value: Json) -> str:
    """A text or a whole number, as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def word_of(value: Json) -> str:
    """A word of the platform's in capitals, such as a status; empty for anything else."""
    return re.sub(r"[^A-Z0-9]+", "_", text_of(value).upper())[:MAX_WORD].strip("_")
