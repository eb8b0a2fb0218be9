"""`make run`'s catalogue: a store's morning, from a whole list to urgent messages, while the platform loses a callback,
and somebody at the platform edits a product.

It calls loader and pusher as their schedules would each minute. At the end every product is compared with the shop that
customers see, with its row, and with what a guard holds.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
from botocore.config import Config

from partner_orders.catalogue import keys
from partner_orders.catalogue.job import ASK_AFTER
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import now
from partner_orders.drift.differences import SETTLES
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.table import ExportsTable
from tools.local.chain import Article, Chain, File
from tools.local.morning_outcome import CatalogueFigures, End, compared
from tools.local.simulated_platform.catalogue_records import plain
from tools.local.stack import Stack

STORE_ID, SEED = "morning", 41
PRODUCTS = 2_010
# Files of changes: how many products, how many of them go off sale, and how many wrong prices stand among them.
CHANGES = ((40, 6, 0), (30, 4, 3), (25, 0, 0), (30, 3, 0))
LOST_CALLBACK = 2  # after the file of this number
# The platform begins no job until it is told to.
WAITS = {"queued": 3600.0}
AT_ONCE = {"queued": 0.0}
# As one of the brands: its results begin with a byte order mark.
HABITS = {"byte_order_mark": True}
LONGEST_SECONDS = 300.0
PAUSE_SECONDS = 0.5
# A callback that waits belongs to an unfinished job, or to none.
QUEUES = ("FilesQueueUrl", "UrgentQueueUrl")


class NotFinishedError(RuntimeError):
    """The morning did not come to its end in time."""


class Morning:
    """One store's morning, beside the hours that are played."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._outputs = stack.catalogue_outputs
        self._http = requests.Session()
        self._s3, self._sqs, self._dynamodb = (stack.client(name) for name in ("s3", "sqs", "dynamodb"))
        self._lambda = stack.client("lambda", config=Config(read_timeout=300, retries={"total_max_attempts": 1}))
        self._tables = Tables.named(self._dynamodb, self._outputs["CatalogueTableName"])
        self._drifts = DriftTable(self._dynamodb, self._outputs["CatalogueTableName"])
        self._drift: int | None = None
        self._deadline = 0.0
        self._letters_before = self._messages("UrgentDeadLettersUrl")
        self._wrong: list[str] = []
        self.chain = Chain(STORE_ID, [], now, SEED)

    def begin(self) -> threading.Thread:
        """Set the store up, and play its morning in a thread of its own."""
        self._platform("catalogue-habits", HABITS)
        filled = self._platform("catalogue-fill", {"vendor": STORE_ID, "products": PRODUCTS})["products"]
        articles = [Article(one["sku"], Decimal(one["price"]), one["active"]) for one in filled]
        self.chain = Chain(STORE_ID, articles, now, SEED)
        self._tables.settings.put(CatalogueSettings(STORE_ID, is_sending=True, changed_at=now(), changed_by="make run"))
        thread = threading.Thread(target=self._play, daemon=True)
        thread.start()
        return thread

    def result(self) -> CatalogueFigures:
        """Compare every product, once the morning is over."""
        figures = compared(self.chain, self._end())
        figures.drift = self._drift
        if self._drift:
            self._wrong.append(f"{self._drift} products still drift after the repair")
        figures.wrong = [*self._wrong, *self._wrong_of_files(), *self._wrong_of_messages(), *figures.wrong]
        return figures

    # -- the story -----------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        self._deadline = time.monotonic() + LONGEST_SECONDS
        try:
            self._off_against_a_running_job()
            for number, (count, off, wrong_prices) in enumerate(CHANGES):
                self._upload(self.chain.changes(number, count, off, wrong_prices))
                if number == LOST_CALLBACK:
                    self._lose_a_callback()
                self._come_to_rest()
            self._urgent_messages()
            self._repair_drift()
        except Exception as error:
            self._wrong.append(f"the morning ended early: {error!r}")

    def _off_against_a_running_job(self) -> None:
        """A whole list, and while its job waits at the platform, a product of it goes off sale, now. The job then puts
        it on sale once more, so it has to go off again."""
        self._platform("catalogue-pace", WAITS)
        self._upload(self.chain.whole_list())
        self._until("the platform has a job of the list", self._has_sent)
        [job, *_] = self._tables.jobs.newest(STORE_ID)
        shop = self._shop()
        sku = next(sku for sku in sorted(job.lines) if sku in shop and shop[sku]["active"])
        self._send(self.chain.off_now(sku))
        self._until(f"{sku} is off sale", lambda: not self._shop()[sku]["active"])
        self._platform("catalogue-pace", AT_ONCE)
        self._until(
            f"the list's job puts {sku} on sale again", lambda: self._has_ended() and self._shop()[sku]["active"]
        )
        self._come_to_rest()

    def _lose_a_callback(self) -> None:
        """The job of a file is worked off, and its callback is lost: after ten minutes the platform is asked."""
        self._platform("catalogue-pace", WAITS)
        self._until("the file's job is sent", self._has_sent)
        self._platform("catalogue-faults", {"callback_lost": 1})
        self._platform("catalogue-pace", AT_ONCE)
        self._until("the job is worked off", self._has_ended)
        for number, sent_at in self._unfinished().items():
            self._set_back(number, sent_at - ASK_AFTER)
        asked_before = self._truth()["requests"].get("job", 0)
        self._come_to_rest()
        if self._truth()["requests"].get("job", 0) == asked_before:
            self._wrong.append("nobody asked for the job whose callback was lost")

    def _urgent_messages(self) -> None:
        """A price, some stock, a wrong price, and a message that cannot be taken."""
        for is_price in (True, False, True):
            sku, text = self.chain.change_now(is_price)
            self._send(text)
            self._until(f"the message of {sku} is taken", lambda sku=sku: self._is_as_said(sku))  # type: ignore[misc]
            self._come_to_rest()
        self._send(self.chain.mistake_now())
        self._send(self.chain.bad_message())
        self._come_to_rest()

    def _repair_drift(self) -> None:
        """Somebody edits the price of a product at the platform. A day's export tells of it, the chain's price goes
        again, and the next day's export shows it."""
        sku = self._edit_a_price()
        found = self._next_export()
        if (found.different, found.left) != (1, 0):
            self._wrong.append(f"the platform's price of {sku} was edited, and the comparison found {found.findings}")
        self._until(f"{sku} has the chain's price again", lambda: self._is_at_rest() and self._is_shown_as_said(sku))
        self._drift = self._next_export().left

    def _edit_a_price(self) -> str:
        """Edit the price of the product whose outcome is known for longest: what is fresh is not compared yet."""
        known = [
            (row.settled_at, row.sku, row.confirmed.price)
            for row in self._tables.products.all_of(STORE_ID)
            if row.settled_at and row.confirmed.price and row.sku not in self.chain.held
        ]
        settled_at, sku, price = min(known)
        self._until(f"the outcome of {sku} is no news", lambda: now() - settled_at > SETTLES)
        edited = plain(price * Decimal("1.1"))
        self._platform("catalogue-edit", {"vendor": STORE_ID, "sku": sku, "price": edited})
        return sku

    def _next_export(self) -> DriftReport:
        """The next day's export, and what its comparison finds. Nobody waits a day for a story, so the row of the last
        export is forgotten, and all of the rest is as in AWS."""
        key = keys.export(STORE_ID)
        self._dynamodb.delete_item(
            TableName=self._outputs["CatalogueTableName"], Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}
        )
        asked_from = now()
        exports = ExportsTable(self._dynamodb, self._outputs["CatalogueTableName"])

        def has_come() -> bool:
            self._run_minute()
            return (exports.get(STORE_ID).shown_at or asked_from) > asked_from

        self._until("the platform's export has come", has_come)
        self._call("LoaderFunctionName")
        [report] = self._drifts.of_store(STORE_ID, 1)
        return report

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _upload(self, file: File) -> None:
        """Put a file into the bucket, and wait until the loader's queue tells of it."""
        self._s3.put_object(Bucket=self._outputs["FilesBucketName"], Key=file.key, Body=file.content)
        self._until(f"the queue tells of {file.key}", lambda: bool(self._messages("FilesQueueUrl")))

    def _send(self, text: str) -> None:
        self._sqs.send_message(QueueUrl=self._outputs["UrgentQueueUrl"], MessageBody=text)

    def _run_minute(self) -> None:
        """What the schedules call each minute; the loader only where a file waits, since it waits a while for one.
        Raises NotFinishedError where a function fails."""
        if self._messages("FilesQueueUrl"):
            self._call("LoaderFunctionName")
        self._call("PusherFunctionName")

    def _call(self, output: str) -> None:
        answer = self._lambda.invoke(FunctionName=self._outputs[output], Payload=b"{}")
        content = json.load(answer["Payload"])
        if answer.get("FunctionError"):
            raise NotFinishedError(f"{self._outputs[output]} failed: {content.get('errorType')}")

    def _has_sent(self) -> bool:
        """Run a minute; whether a job is unfinished then."""
        self._run_minute()
        return bool(self._unfinished())

    def _come_to_rest(self) -> None:
        """Go on until no message waits, no job is unfinished, and nothing is to be sent."""
        self._until("the catalogue has come to rest", self._is_at_rest)

    def _is_at_rest(self) -> bool:
        self._run_minute()
        return not (self._unfinished() or self._messages(*QUEUES) or self._tables.changes.first(STORE_ID, 1))

    def _until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so. Raises NotFinishedError."""
        while not is_so():
            if time.monotonic() > self._deadline:
                raise NotFinishedError(f"it took too long until {what}")
            time.sleep(PAUSE_SECONDS)

    def _set_back(self, number: int, sent_at: datetime) -> None:
        """Make a job older. Nobody waits ten minutes for a story, so its time is set back in the table, and all of the
        rest is as in AWS."""
        key = keys.state(STORE_ID)
        state = self._tables.states.get(STORE_ID)
        value = {"L": [{"N": str(int(sent_at.timestamp() * 1000))}, {"S": state.job_ids[number]}]}
        self._dynamodb.update_item(
            TableName=self._outputs["CatalogueTableName"],
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="SET #job = :job",
            ExpressionAttributeNames={"#job": f"unfinished_{number}"},
            ExpressionAttributeValues={":job": value},
        )

    # -- what there is -------------------------------------------------------------------------------------------------

    def _unfinished(self) -> Mapping[int, datetime]:
        return self._tables.states.get(STORE_ID).unfinished

    def _has_ended(self) -> bool:
        """Whether the platform has worked off all of its jobs."""
        return all(job["ended_at"] for job in self._truth()["jobs"] if job["vendor"] == STORE_ID)

    def _is_as_said(self, sku: str) -> bool:
        row = self._tables.products.many(STORE_ID, [sku]).get(sku)
        return row is not None and row.values == self.chain.said[sku]

    def _is_shown_as_said(self, sku: str) -> bool:
        return Decimal(self._shop()[sku]["price"]) == self.chain.said[sku].price

    def _messages(self, *outputs: str) -> int:
        """How many messages are in queues, also those that somebody works on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = (
            self._sqs.get_queue_attributes(QueueUrl=self._outputs[output], AttributeNames=names)["Attributes"]
            for output in outputs
        )
        return sum(int(number) for attributes in found for number in attributes.values())

    def _end(self) -> End:
        rows = {row.sku: row for row in self._tables.products.all_of(STORE_ID)}
        held = {
            sku: values.price
            for held in self._tables.held.of_store(STORE_ID)
            for sku, values in held.lines.items()
            if values.price is not None
        }
        return End(self._shop(), rows, held)

    def _wrong_of_files(self) -> list[str]:
        """What the reports of files say otherwise than the chain knows."""
        wrong = []
        reports = {report["file"]: report for report in self._reports()}
        for file in self.chain.files:
            report = reports.get(file.key)
            if report is None:
                wrong.append(f"file {file.key}: it has no report")
                continue
            found = report["outcome"], report["good"], tuple(sorted(line["line"] for line in report["lines"]))
            if found != ("loaded", file.good, file.bad):
                wrong.append(f"file {file.key}: it ended as {found}, should be {('loaded', file.good, file.bad)}")
        return wrong

    def _reports(self) -> list[dict[str, Any]]:
        bucket = self._outputs["FilesBucketName"]
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix="reports/").get("Contents", [])
        names = [one["Key"] for one in found if one["Key"].endswith(".json")]
        return [json.loads(self._s3.get_object(Bucket=bucket, Key=name)["Body"].read()) for name in names]

    def _wrong_of_messages(self) -> list[str]:
        number, bad = self._messages("UrgentDeadLettersUrl") - self._letters_before, self.chain.bad_messages
        return [] if number == bad else [f"{number} urgent messages are dead letters, should be {bad}"]

    def _shop(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._truth()["shown"].get(STORE_ID, {})
        return shown

    def _truth(self) -> dict[str, Any]:
        response = self._http.get(f"{self._stack.platform_url}/_platform/catalogue", timeout=60)
        response.raise_for_status()
        truth: dict[str, Any] = response.json()
        return truth

    def _platform(self, what: str, content: object) -> Any:
        response = self._http.post(f"{self._stack.platform_url}/_platform/{what}", json=content, timeout=60)
        response.raise_for_status()
        return response.json()
