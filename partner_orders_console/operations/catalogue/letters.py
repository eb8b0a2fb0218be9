"""The catalogue's dead letters: what each is about, what of it may be shown, and whether it can be taken again."""

import json
from typing import Any
from urllib.parse import unquote_plus

from partner_orders.catalogue.line_columns import COLUMNS
from partner_orders.loader.file_event import UnreadableMessageError, file_events
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.order_events.message import UnreadableMessageError as UnreadableCallbackError
from partner_orders.pusher.urgent_message import STORE_ID, VERSION
from partner_orders.results.callback import NoCallbackError, parse_callback
from partner_orders_console.operations.dead_letter_queue import Queue

UNKNOWN = "not one of our messages"
_LONGEST = 200  # characters of a name
# The parts of S3's notifications that name the file. The others name who put it there, and from which address.
_OF_A_RECORD = ("eventName", "eventTime")
_OF_A_RELEASE = ("store_id", "key", "version_id", "is_released")
# The parts of a callback but for its link, by which anybody could read the file.
_OF_A_CALLBACK = ("job_id", "platform_vendor_id", "status", "job_status")


def about(queue: Queue, text: str) -> str:
    """What a message is about: its files, its job, or its product."""
    match queue:
        case Queue.FILES:
            names = [str(file.get("key", "")) for file in _files(text)]
        case Queue.CALLBACKS:
            callback = _parsed(text)
            names = [f"job {callback.job_id} {callback.status}"] if callback else []
        case _:
            message = _object(text)
            names = [" ".join(str(message[name]) for name in (STORE_ID, "sku", "barcode") if message.get(name))]
    return ", ".join(name[:_LONGEST] for name in names if name) or UNKNOWN


def content(queue: Queue, text: str, is_whole: bool) -> Any:
    """What a message holds: whole, or only what may be shown to anybody. None for one that cannot be parsed, unless
    it is to be whole."""
    if is_whole:
        return _object(_body(text) if queue is Queue.CALLBACKS else text) or text
    match queue:
        case Queue.FILES:
            return _files(text) or None
        case Queue.CALLBACKS:
            return _some(_object(_body(text)), _OF_A_CALLBACK) or None
        case _:
            return _some(_object(text), (STORE_ID, *COLUMNS)) or None


def can_be_taken(queue: Queue, text: str, bucket_name: str) -> bool:
    """Whether the message may go onto its queue again. An urgent change without a version is as new as its message:
    once more on the queue, it would undo what was said since."""
    match queue:
        case Queue.FILES:
            try:
                return bool(file_events(text, bucket_name).files)
            except UnreadableMessageError:
                return False
        case Queue.CALLBACKS:
            return _parsed(text) is not None
        case _:
            return bool(_object(text).get(VERSION))


def _files(text: str) -> list[dict[str, Any]]:
    """The files that a message of S3's, or a release, names."""
    message = _object(text)
    if "key" in message:
        return [_some(message, _OF_A_RELEASE)]
    records = message.get("Records")
    return [file for record in records if (file := _file(record))] if isinstance(records, list) else []


def _file(record: Any) -> dict[str, Any]:
    match record:
        case {"s3": {"bucket": {"name": bucket}, "object": {"key": str(key), **rest}}}:
            file = {"bucket": bucket, "key": unquote_plus(key), "version_id": rest.get("versionId")}
            return _some(record, _OF_A_RECORD) | file
        case _:
            return {}


def _body(text: str) -> bytes:
    """The body that the webhook enqueued; empty where the message is not the webhook's."""
    try:
        return OrderEventMessage.from_text(text).body
    except UnreadableCallbackError:
        return b""


def _parsed(text: str) -> Any:
    try:
        return parse_callback(_body(text))
    except NoCallbackError:
        return None


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _some(facts: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}
