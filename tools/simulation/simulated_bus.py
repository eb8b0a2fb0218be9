"""An event bus to EventBridge's semantics: it takes of a request what it takes, and says so entry by entry."""

import json
from collections.abc import Callable
from typing import Any

MAX_ENTRIES = 10
MAX_BYTES = 262_144


class BusError(ValueError):
    """A request that EventBridge would refuse."""


class SimulatedBus:
    """The one call of a boto3 client that our code makes. ``call`` stands between it and its effect: it is given how
    many entries there are, and the effect, which takes the codes of the entries to refuse.

    An entry for a bus that does not exist is accepted and dropped, as in AWS (API reference of PutEvents)."""

    def __init__(self, name: str, call: Callable[[int, Callable[[dict[int, str]], Any]], Any]) -> None:
        self._name = name
        self._call = call
        self.entries: list[dict[str, str]] = []
        self._accepted = 0

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        size = sum(len(entry[name].encode()) for entry in Entries for name in ("Source", "DetailType", "Detail"))
        if not 1 <= len(Entries) <= MAX_ENTRIES or size > MAX_BYTES:
            raise BusError("a request of no or too many entries or bytes")

        malformed = {index: "MalformedDetail" for index, entry in enumerate(Entries) if not _is_json(entry["Detail"])}

        def effect(refused: dict[int, str]) -> dict[str, Any]:
            refused = refused | malformed
            answers: list[dict[str, str]] = []
            for index, entry in enumerate(Entries):
                if index in refused:
                    # As services do: the message quotes what it is about.
                    answers.append({"ErrorCode": refused[index], "ErrorMessage": f"refused: {entry['Detail']}"})
                else:
                    if entry["EventBusName"] == self._name:
                        self.entries.append(entry)
                    self._accepted += 1
                    answers.append({"EventId": f"e{self._accepted:05d}"})
            return {"FailedEntryCount": len(refused), "Entries": answers}

        answer: dict[str, Any] = self._call(len(Entries), effect)
        return answer


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
