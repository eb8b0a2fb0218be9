"""Has the uploader send the files of a store now, or tell what it would send."""

import json
import time
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.catalogue.channel import Channel
from partner_orders.clock import now
from partner_orders.uploader.uploads_table import rows_waiting
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.uploads.server import server_of

# A run takes 15 minutes at most, and there is one at a time.
_LONGEST_WAIT = timedelta(minutes=16)
_PAUSE_SECONDS = 10.0
_BUSY = "TooManyRequestsException"


def check(catalogue: CatalogueStack, store_id: str) -> str:
    """What is sent of a store that is switched off, as a sentence; empty where it is on. Raises OperatorError for a
    store of which no file is to be sent."""
    server_of(catalogue)
    settings = settings_of(catalogue, store_id)
    if settings.sends_by_files:
        return ""
    if store_id in rows_waiting(catalogue.uploads.kept_groups(), now()):
        return f"{store_id} is switched off: only its promotions go, which end rows and begin none."
    is_paused = settings.channel is Channel.FILES
    raise OperatorError(
        f"the store {store_id} is {'paused, and no end of a promotion waits' if is_paused else 'not sent by files'}",
        f"`partner-orders files on {store_id}` switches its files on.",
    )


def send(catalogue: CatalogueStack, store_id: str, is_dry_run: bool, progress: Progress = silent) -> dict[str, Any]:
    """What the uploader did: ``files`` and ``problems``. Raises OperatorError where the uploader fails."""
    payload = json.dumps({"store_id": store_id, "dry_run": is_dry_run}).encode()
    client, name = catalogue.client("lambda", is_slow=True), catalogue.output("UploaderFunctionName")
    deadline = now() + _LONGEST_WAIT
    progress("the uploader makes the file")
    while True:
        try:
            response = client.invoke(FunctionName=name, Payload=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] != _BUSY or now() >= deadline:
                raise
            progress("waiting for the end of the uploader's run, at most 15 minutes")
            time.sleep(_PAUSE_SECONDS)
        else:
            return _content(response)


def _content(response: dict[str, Any]) -> dict[str, Any]:
    content = json.load(response["Payload"])
    if "FunctionError" in response:
        raise OperatorError(
            f"the uploader failed: {content.get('errorType', 'unknown')}",
            "`partner-orders logs uploader --errors` says why.",
        )
    return dict(content)
