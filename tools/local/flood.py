"""A flood of the catalogue: callbacks with the secret, files and urgent messages, as fast as somebody sends them, while
loader and pusher run without a pause."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import now
from tools.local.stack import Stack

STORE_ID = "flooded"
# In a second. The API lets twenty callbacks through.
PER_SECOND = {"callbacks": 10, "files": 0.5, "messages": 5}
LINES = 100  # of a file
FUNCTIONS = ("LoaderFunctionName", "PusherFunctionName")
LONGEST_RUN_SECONDS = 60.0  # once there is no more to do
QUEUES = ("CallbacksQueueUrl", "FilesQueueUrl", "UrgentQueueUrl")


class Flood:
    """``sent``: how many of each kind were taken."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._outputs = stack.catalogue_outputs
        self._http = requests.Session()
        self._s3, self._sqs = stack.client("s3"), stack.client("sqs")
        self._lambda = stack.client("lambda", config=Config(read_timeout=900, retries={"total_max_attempts": 1}))
        self._ended = threading.Event()
        self.sent: Counter[str] = Counter()

    def work(self, kind: str) -> None:
        """Send one after the other, until the flood ends. What is not taken is not counted: a flood may be too much."""
        step = {"callbacks": self._call_back, "files": self._upload, "messages": self._send}[kind]
        while not self._ended.is_set():
            begun = time.monotonic()
            with suppress(BotoCoreError, ClientError, requests.RequestException):
                step()
                self.sent[kind] += 1
            self._ended.wait(max(0.0, 1 / PER_SECOND[kind] - (time.monotonic() - begun)))

    def run(self, output: str) -> None:
        """Call a function again and again, until the flood ends."""
        while not self._ended.is_set():
            with suppress(BotoCoreError, ClientError):
                self._lambda.invoke(FunctionName=self._outputs[output], Payload=b"{}")

    def end(self) -> None:
        self._ended.set()

    def drain(self) -> None:
        """Take what is left off the queues."""
        for output in QUEUES:
            self._sqs.purge_queue(QueueUrl=self._outputs[output])

    def _call_back(self) -> None:
        headers = {**self._stack.catalogue_webhook_headers, "Authorization": self._stack.webhook_secret}
        body = {"job_id": str(uuid4()), "status": "COMPLETED"}
        response = self._http.post(self._stack.catalogue_webhook_url, json=body, headers=headers, timeout=60)
        response.raise_for_status()

    def _upload(self) -> None:
        lines = (f"flood-{number},1.{number % 90 + 10},true,{number % 9 + 1}" for number in range(LINES))
        content = "\n".join(["sku,price,active,quantity", *lines, ""]).encode()
        key = f"changes/{STORE_ID}/{uuid4()}.csv"
        self._s3.put_object(Bucket=self._outputs["FilesBucketName"], Key=key, Body=content)

    def _send(self) -> None:
        said = {"store_id": STORE_ID, "sku": f"flood-{self.sent['messages'] % LINES}", "quantity": "7"}
        self._sqs.send_message(QueueUrl=self._outputs["UrgentQueueUrl"], MessageBody=json.dumps(said))


@contextmanager
def flooded(stack: Stack) -> Iterator[Flood]:
    """Flood the catalogue until the context ends; what is left on its queues then is taken off."""
    flood = Flood(stack)
    tables = Tables.named(stack.client("dynamodb"), stack.catalogue_outputs["CatalogueTableName"])
    tables.settings.put(CatalogueSettings(STORE_ID, changed_at=now(), changed_by="flood"))
    threads = [threading.Thread(target=flood.work, args=(kind,), daemon=True) for kind in PER_SECOND]
    threads += [threading.Thread(target=flood.run, args=(output,), daemon=True) for output in FUNCTIONS]
    for thread in threads:
        thread.start()
    try:
        yield flood
    finally:
        flood.end()
        for thread in threads[: len(PER_SECOND)]:
            thread.join()
        # The loader ends when its queue is empty.
        flood.drain()
        for thread in threads:
            thread.join(LONGEST_RUN_SECONDS)
