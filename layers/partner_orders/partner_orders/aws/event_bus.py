"""The stack's event bus: entries in, and for each what became of it."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "partner-orders"
MAX_ENTRIES = 10
MAX_BYTES = 250_000
# What passes; anything else that the bus says of an entry will be said again.
_TRANSIENT = frozenset(
    {
        *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"),
        # Of our own credentials, which are renewed, or of a clock: never of an entry.
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidSignatureException"),
        *("UnrecognizedClientException", "InvalidClientTokenId"),
        *("InternalFailure", "InternalException", "InternalError", "ServiceUnavailable", "ServiceUnavailableException"),
    }
)


class Entry(Protocol):
    """What the bus carries."""

    @property
    def detail_type(self) -> str: ...

    def detail_text(self) -> str: ...


class Fate(StrEnum):
    """What became of an entry: on the bus; not now, but perhaps later; or never."""

    PUT = "put"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, events: Sequence[Entry]) -> list[tuple[Fate, str]]:
        """Put events on the bus, in as few requests as it allows; for each what became of it and, where that is a
        fault, its code. The bus may take a later one and not an earlier, so no two are to be of one subject."""
        entries: list[PutEventsRequestEntryTypeDef] = [
            {
                "EventBusName": self._name,
                "Source": SOURCE,
                "DetailType": event.detail_type,
                "Detail": event.detail_text(),
            }
            for event in events
        ]
        return [fate for part in _parts(entries) for fate in self._put(part)]

    def _put(self, entries: "list[PutEventsRequestEntryTypeDef]") -> list[tuple[Fate, str]]:
        try:
            answer = self._client.put_events(Entries=entries)
        except ClientError as error:
            code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            if code in _TRANSIENT or status >= 500:
                return [(Fate.TRANSIENT, code)] * len(entries)
            if len(entries) == 1:
                return [(Fate.PERMANENT, code)]
            # One of them spoils it for all: find out which.
            return [fate for entry in entries for fate in self._put([entry])]
        except Exception as error:  # No answer: it may be on the bus, and will be put again.
            return [(Fate.TRANSIENT, type(error).__name__)] * len(entries)
        codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
        return [
            (Fate.PUT, "") if code is None else (Fate.TRANSIENT if code in _TRANSIENT else Fate.PERMANENT, code)
            for code in codes
        ]


def _parts(entries: "list[PutEventsRequestEntryTypeDef]") -> "Iterator[list[PutEventsRequestEntryTypeDef]]":
    part: list[PutEventsRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        entry_size = sum(len(str(value).encode()) for value in entry.values())
        if part and (len(part) == MAX_ENTRIES or size + entry_size > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += entry_size
    if part:
        yield part
