"""What a message of the files queue says: files that came, by S3's notifications, or a held file that was released."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

LISTS, CHANGES = "lists", "changes"
MAX_KEY = 700  # bytes; keys of rows and of the report hold more than the file's
MAX_VERSION_ID = 128  # characters
# S3's id of the only version, where a bucket keeps none.
ONLY_VERSION = "null"
_CREATED, _TEST = "ObjectCreated:", "s3:TestEvent"


class UnreadableMessageError(ValueError):
    """A message that says nothing that we know; the message says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """A file that came, or one that a person released."""

    store_id: str
    key: str
    version_id: str
    is_released: bool = False

    @property
    def is_whole_list(self) -> bool:
        return self.key.startswith(f"{LISTS}/")


@dataclass(frozen=True, slots=True)
class FileEvents:
    """What one message says. ``ignored``: records of other objects, or of deletions. ``problems``: what is wrong with
    records that cannot be read."""

    files: list[FileEvent] = field(default_factory=list)
    ignored: int = 0
    problems: list[str] = field(default_factory=list)


def release_message(store_id: str, key: str, version_id: str) -> str:
    """The message by which a held file is released, after the decision was written."""
    return json.dumps({"store_id": store_id, "key": key, "version_id": version_id, "is_released": True})


def file_events(text: str, bucket_name: str) -> FileEvents:
    """What a message says. Raises UnreadableMessageError."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableMessageError("not JSON") from None
    match message:
        case {"is_released": True, "store_id": str(), "key": str(key), "version_id": str(version_id)}:
            return FileEvents([_released(message["store_id"], key, version_id)])
        case {"Event": event, "Service": "Amazon S3"} if event == _TEST:
            return FileEvents(ignored=1)
        case {"Records": [*records]} if records:
            return _of_records(records, bucket_name)
        case _:
            raise UnreadableMessageError("neither an S3 notification nor a release")


def store_of(key: str) -> str | None:
    """The store that a file is for, by its key; None for an object that is no store's file."""
    match key.split("/"):
        case [kind, store_id, name] if kind in {LISTS, CHANGES} and store_id and name:
            return store_id
        case _:
            return None


def _released(store_id: str, key: str, version_id: str) -> FileEvent:
    if store_of(key) != store_id:
        raise UnreadableMessageError("a release of a file that is not the store's")
    _check_lengths(key, version_id)
    return FileEvent(store_id, key, version_id, is_released=True)


def _of_records(records: list[Any], bucket_name: str) -> FileEvents:
    files: dict[FileEvent, None] = {}
    ignored, problems = 0, []
    for record in records:
        try:
            event = _of_record(record, bucket_name)
        except UnreadableMessageError as error:
            problems.append(str(error))
        else:
            ignored += event is None
            files |= {} if event is None else {event: None}
    return FileEvents([*files], ignored, problems)


def _of_record(record: Any, bucket_name: str) -> FileEvent | None:
    """None for a record of an object that is no store's file, or of one that was deleted."""
    match record:
        case {
            "eventSource": "aws:s3",
            "eventName": str(name),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(quoted), **rest}},
        }:
            pass
        case _:
            raise UnreadableMessageError("a record that is not S3's")
    if bucket != bucket_name:
        raise UnreadableMessageError("a record of another bucket")
    try:
        key = unquote_plus(quoted, errors="strict")
    except UnicodeDecodeError:
        raise UnreadableMessageError("a key that is not UTF-8") from None
    store_id, version_id = store_of(key), rest.get("versionId") or ONLY_VERSION
    if store_id is None or not name.removeprefix("s3:").startswith(_CREATED):
        return None
    if not isinstance(version_id, str):
        raise UnreadableMessageError("a version id that is no text")
    _check_lengths(key, version_id)
    return FileEvent(store_id, key, version_id)


def _check_lengths(key: str, version_id: str) -> None:
    if len(key.encode(errors="surrogatepass")) > MAX_KEY or len(version_id) > MAX_VERSION_ID:
        raise UnreadableMessageError(f"a key of over {MAX_KEY} bytes, or a version id of over {MAX_VERSION_ID}")
    if any("\ud800" <= letter <= "\udfff" for letter in key + version_id):
        raise UnreadableMessageError("a key with half a character (a lone surrogate)")
