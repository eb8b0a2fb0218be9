"""A callback of the platform about a job (docs/platform.md)."""

from dataclasses import dataclass, field

from partner_orders.exact_json import Json, MalformedJsonError, parse

MAX_BYTES = 64 * 1024
_MAX_ID, _MAX_STATUS, _MAX_URL = 200, 64, 8 * 1024  # characters


class NoCallbackError(ValueError):
    """A body that is no callback; the message says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Callback:
    """``status`` is a word in capitals, such as COMPLETED. ``download_url`` may be a secret."""

    job_id: str
    status: str
    download_url: str | None = field(default=None, repr=False)


def parse_callback(body: bytes) -> Callback:
    """Parse a callback: ``job_id`` as text or a number, ``status`` or ``job_status``, and a link that may be missing.
    Raises NoCallbackError."""
    if len(body) > MAX_BYTES:
        raise NoCallbackError(f"larger than {MAX_BYTES} bytes")
    try:
        content = parse(body)
    except MalformedJsonError as error:
        raise NoCallbackError(str(error)) from None
    if not isinstance(content, dict):
        raise NoCallbackError("not a JSON object")
    job_id = _text(content.get("job_id"), _MAX_ID)
    status = _text(content.get("status"), _MAX_STATUS) or _text(content.get("job_status"), _MAX_STATUS)
    if not job_id:
        raise NoCallbackError("no job_id")
    if not status:
        raise NoCallbackError("no status")
    return Callback(job_id, status.upper(), _text(content.get("download_url"), _MAX_URL) or None)


def _text(value: Json, most: int) -> str:
    """A short text or whole number as text; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return text if len(text) <= most and text.isprintable() else ""
