"""What goes wrong, for a person: what failed, why, and what to do."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests


class OperatorError(RuntimeError):
    """A fault that the operator can do something about; ``advice`` says what. Neither text holds secrets or personal
    data."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class NotFoundError(OperatorError):
    """The name that the operator gave means nothing, or several things."""


class CancelledByOperatorError(RuntimeError):
    """The operator was asked, and said no."""


def no_answer(error: "requests.RequestException") -> str:
    """Which host did not answer, and how; not the address, which may hold more."""
    host = urlsplit(error.request.url or "").hostname if error.request is not None else None
    return f"{host or 'a host'} does not respond: {type(error).__name__}"


def name_and_place(error: Exception) -> str:
    """Of a fault of ours. What it says may hold anybody's data, so it is not repeated."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} ({Path(place.filename).name}, line {place.lineno})"
