"""Each right that the catalogue's functions need for their own calls is needed: without it something fails that works
with it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.aws.dynamodb import Table
from partner_orders.catalogue import keys
from partner_orders.catalogue.channel import Channel, FilePlace
from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.files import FileState
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders.drift.differences import Finding
from partner_orders.drift.table import DriftTable
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import Discount, Promotion, Subtype, body_of
from partner_orders.promotions.promotion import Kind as PromotionKind
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Channel as PromotionChannel
from partner_orders.promotions.wish import Outcome, Wish
from partner_orders.uploader.file_names import FileKind
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from tests.support.deployed import Answer, cold, eventually, invoke, platform
from tests.support.deployed_roles import Roles
from tools.local.sftp_server import SSHD, Sshd
from tools.local.stack import Stack

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class World:
    """``beside`` is the catalogue in the shape of a stack, for what asks by outputs."""

    stack: Stack
    beside: Stack
    catalogue: CatalogueStack
    post: Callable[..., Answer]
    secret: bytes

    def client(self, service: str) -> Any:
        return self.stack.client(service)

    def new_store(self, is_sending: bool = False) -> str:
        """A store of the catalogue that nobody else uses."""
        store_id = f"t{uuid4().hex[:12]}"
        self.catalogue.tables.settings.put(CatalogueSettings(store_id, is_sending))
        return store_id

    def on_platform(self) -> tuple[str, list[str]]:
        """A new store that is sent, which the platform knows with some products: its SKUs."""
        store_id = self.new_store(is_sending=True)
        filled = platform(self.stack, "POST", "catalogue-fill", {"vendor": store_id, "products": 4})
        return store_id, [product["sku"] for product in filled["products"]]

    def put(self, store_id: str, body: str) -> None:
        key = f"changes/{store_id}/{uuid4().hex}.csv"
        self.client("s3").put_object(Bucket=self.catalogue.output("FilesBucketName"), Key=key, Body=body.encode())

    def is_loaded(self, store_id: str) -> bool:
        """Whether one run of the loader loads what the store has put."""
        invoke(self.beside, "Loader", {})
        return [row.state for row in self.catalogue.tables.files.of_store(store_id)] == [FileState.LOADED]

    def jobs(self, store_id: str) -> int:
        """How many jobs with lines the platform has of a store; an export has none."""
        jobs = platform(self.stack, "GET", "catalogue")["jobs"]
        return len([job for job in jobs if job["vendor"] == store_id and job["lines"]])

    def is_dead_letter(self, output: str, mark: str) -> bool:
        """Whether a message with this mark is among the dead letters."""
        url = self.catalogue.output(output)
        found = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return any(mark in message["Body"] for message in found.get("Messages", []))


@pytest.fixture(scope="module")
def roles(stack: Stack) -> Roles:
    return Roles(replace(stack, stack_name=f"{stack.stack_name}-catalogue"))


@pytest.fixture(scope="module", autouse=True)
def schedules_off(stack: Stack) -> Iterator[None]:
    """The functions run when a test calls them: a run that a test ended would keep a store's claim for minutes."""
    scheduler = stack.client("scheduler")
    found = [scheduler.get_schedule(Name=f"{stack.stack_name}-catalogue-{ending}") for ending in ("load", "push")]
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    whole = [{name: schedule[name] for name in kept if name in schedule} for schedule in found]
    for schedule in whole:
        scheduler.update_schedule(**schedule, State="DISABLED")
    yield
    for schedule in whole:
        scheduler.update_schedule(**schedule, State="ENABLED")
    # Of what the tests had buried, doctor would tell.
    for output in ("FilesDeadLettersUrl", "CallbacksDeadLettersUrl", "UrgentDeadLettersUrl"):
        stack.client("sqs").purge_queue(QueueUrl=stack.catalogue_outputs[output])


@pytest.fixture(scope="module", autouse=True)
def sftp_server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The server at the place that the stack was deployed with, trusted, with the login stored."""
    found = CatalogueStack.of(stack.deployed())
    assert found is not None
    if SSHD is None:
        yield
        return
    running = Sshd(tmp_path_factory.mktemp("sftp"), port=int(found.parameters["SftpPort"]))
    running.start()
    found.uploads.trust(running.host_key, "anna", now())
    secret = json.dumps({"private_key": running.private_key})
    stack.client("secretsmanager").put_secret_value(SecretId=found.output("SftpSecretArn"), SecretString=secret)
    yield
    running.stop()
    # Of a trusted server that is gone, doctor would tell. Rows of promotions that wait would go to the next server.
    table = Table(stack.client("dynamodb"), found.output("CatalogueTableName"))
    table.delete(keys.sftp_server())
    for kept in found.uploads.kept_groups():
        table.delete(keys.kept_rows(kept.name))


@pytest.fixture
def world(stack: Stack, post: Callable[..., Answer], secret: bytes) -> World:
    found = CatalogueStack.of(stack.deployed())
    assert found is not None
    beside = replace(stack, stack_name=found.name, outputs=stack.catalogue_outputs)
    return World(stack, beside, found, post, secret)


def the_webhook_answers_200(world: World) -> bool:
    cold(world.beside, "CatalogueWebhook")
    headers = world.stack.catalogue_webhook_headers
    body = json.dumps({"job_id": str(uuid4()), "job_status": "COMPLETED"}).encode()

    def status() -> int:
        return world.post(body, world.secret, path="/catalogue-callbacks", headers=headers).status

    eventually(lambda: True if status() in {200, 503} else None)
    return status() == 200


def a_file_is_loaded(world: World) -> bool:
    store_id = world.new_store()
    world.put(store_id, "sku,price\nA,1.00\nB,2.00\n")
    return world.is_loaded(store_id)


def a_barcode_is_resolved(world: World) -> bool:
    store_id = world.new_store()
    export_of(world, store_id)
    world.put(store_id, "barcode,price\n4001234567890,1.00\n")
    return world.is_loaded(store_id)


def export_of(world: World, store_id: str) -> None:
    """Leave an export of a store with one product."""
    table = ExportsTable(world.client("dynamodb"), world.catalogue.output("CatalogueTableName"))
    exports = StoreExports(table, world.client("s3"), world.catalogue.output("FilesBucketName"))
    exports.write(store_id, [ExportedProduct("A", ("4001234567890",), Decimal(1), True)])
    table.came(AskedExport(store_id, now()), 1, now(), is_last=True)


def a_store_is_compared(world: World) -> bool:
    """An export that the loader compares, and leaves a file of: the platform has a product that we do not know."""
    store_id = world.new_store()
    export_of(world, store_id)
    invoke(world.beside, "Loader", {})
    table = DriftTable(world.client("dynamodb"), world.catalogue.output("CatalogueTableName"))
    return [report.findings for report in table.of_store(store_id, 5)] == [{Finding.UNKNOWN_TO_US: 1}]


def the_loader_buries(world: World) -> bool:
    mark = uuid4().hex
    sqs, url = world.client("sqs"), world.catalogue.output("FilesQueueUrl")
    sqs.send_message(QueueUrl=url, MessageBody=f"no file, {mark}")
    invoke(world.beside, "Loader", {})
    return world.is_dead_letter("FilesDeadLettersUrl", mark)


def a_change_is_sent(world: World) -> bool:
    """From the table to the platform, by a pusher that has nothing in its memory."""
    store_id, skus = world.on_platform()
    tables, said = world.catalogue.tables, Values(price=Decimal("1.25"))
    for sku in skus[:2]:
        tables.products.change(
            store_id, sku, lambda row: replace(row, values=said, versions={"price": datetime.now(UTC)})
        )
    tables.changes.add(store_id, skus[:2], now())
    cold(world.beside, "Pusher")
    try:
        return in_some_runs(world, "Pusher", lambda: world.jobs(store_id) == 1)
    finally:
        tables.settings.put(CatalogueSettings(store_id))  # What was not sent is nothing to the next test.


def a_promotion_is_sent(world: World) -> bool:
    """From its row and its body in the bucket to the platform."""
    store_id, skus = world.on_platform()
    settings = world.catalogue.tables.settings
    settings.put(CatalogueSettings(store_id, is_promoting=True))
    begins = now().replace(microsecond=0)
    discounts = (Discount(tuple(skus[:2]), Subtype.PERCENTAGE, Decimal(10)),)
    promotion = Promotion(
        (store_id,),
        PromotionKind.STRIKETHROUGH,
        "TRADING",
        {"en_PK": store_id},
        begins,
        begins + timedelta(hours=1),
        discounts,
    )
    body = body_of(promotion)
    bodies = Bodies(world.client("s3"), world.catalogue.output("FilesBucketName"))
    digest = bodies.write(promotion.promotion_id, body)
    table = PromotionsTable(world.client("dynamodb"), world.catalogue.output("CatalogueTableName"))
    table.wish(promotion, lambda number: Wish(number, digest, False, "a test", "tried", begins), now)

    def is_sent() -> bool:
        state = table.get(promotion.promotion_id)
        return state is not None and state.outcome in {Outcome.SUBMITTED, Outcome.DONE}

    try:
        return in_some_runs(world, "Pusher", is_sent)
    finally:
        settings.put(CatalogueSettings(store_id))  # What was not sent is nothing to the next test.


def the_pusher_buries(world: World) -> bool:
    mark = uuid4().hex
    text = OrderEventMessage(WEBHOOK, now(), mark, b"no callback").to_text()
    sqs, url = world.client("sqs"), world.catalogue.output("CallbacksQueueUrl")
    sqs.send_message(QueueUrl=url, MessageBody=text)
    return in_some_runs(world, "Pusher", lambda: world.is_dead_letter("CallbacksDeadLettersUrl", mark))


def in_some_runs(world: World, function: str, is_so: Callable[[], bool]) -> bool:
    """Whether something is so after one of three runs: callbacks of other tests may come first."""
    for _ in range(3):
        invoke(world.beside, function, {})
        if is_so():
            return True
    return False


def urgent(world: World, store_id: str, **columns: Any) -> Any:
    body = json.dumps({"store_id": store_id, "active": False, **columns})
    record: dict[str, Any] = {"messageId": uuid4().hex, "receiptHandle": "x", "body": body}
    sent = str(int(time.time() * 1000))
    record["attributes"] = {"SentTimestamp": sent, "ApproximateReceiveCount": "1"}
    return invoke(world.beside, "Urgent", {"Records": [record]})


def a_product_is_taken_off(world: World) -> bool:
    """At once, by a function that has nothing in its memory."""
    store_id, skus = world.on_platform()
    cold(world.beside, "Urgent")
    for _ in range(3):  # As the queue would bring it again.
        urgent(world, store_id, sku=skus[0])
        if not platform(world.stack, "GET", "catalogue")["shown"][store_id][skus[0]]["active"]:
            return True
    return False


def a_barcode_is_taken_off(world: World) -> bool:
    store_id = world.new_store()
    export_of(world, store_id)
    urgent(world, store_id, barcode="4001234567890")
    return world.catalogue.tables.products.many(store_id, ["A"]).keys() == {"A"}


def the_urgent_function_buries(world: World) -> bool:
    mark = uuid4().hex
    urgent(world, "nowhere", sku=mark)
    return world.is_dead_letter("UrgentDeadLettersUrl", mark)


def files_are_sent(world: World) -> bool:
    """A catalogue file, and one of promotions, go by a function that has nothing in its memory."""
    store_id, table = world.new_store(), world.catalogue.uploads
    place = FilePlace("rights")
    settings = CatalogueSettings(store_id, True, channel=Channel.FILES, place=place, is_promoting=True)
    world.catalogue.tables.settings.put(settings)
    world.catalogue.tables.products.change(store_id, "A", lambda row: merged(row, Values(price=Decimal(2)), now(), {}))
    world.catalogue.tables.changes.add(store_id, ["A"], now())
    promote(world, store_id)
    table.note_server(replace(table.server(), trouble=None, failures=0, problem="", not_before=None))
    cold(world.beside, "Uploader")
    names = [(kind, f"rights_{store_id}") for kind in FileKind]
    sent = False
    for _ in range(3):  # The function that was ended may take a call with it.
        invoke(world.beside, "Uploader", {})
        sent = sent or all([*table.history(kind, name, 1)] for kind, name in names)
    is_forgotten = not world.catalogue.tables.changes.first(store_id, 1)
    world.catalogue.tables.settings.put(CatalogueSettings(store_id))
    return sent and is_forgotten


def promote(world: World, store_id: str) -> None:
    """A promotion of the channel of files."""
    discount = Discount(("A",), Subtype.FINAL_PRICE, Decimal(1))
    starts, names = now().replace(microsecond=0), {"en_PK": store_id}
    kind, ends = PromotionKind.STRIKETHROUGH, starts + timedelta(days=2)
    promotion = Promotion((store_id,), kind, "TRADING", names, starts, ends, (discount,))
    bodies = Bodies(world.client("s3"), world.catalogue.output("FilesBucketName"))
    digest = bodies.write(promotion.promotion_id, body_of(promotion))
    wish = partial(Wish, digest=digest, is_end=False, by="anna", why="a test", at=now())
    PromotionsTable(world.client("dynamodb"), world.catalogue.output("CatalogueTableName")).wish(
        promotion, wish, now, PromotionChannel.FILES
    )


type Works = Callable[[World], bool]

NEEDED: dict[tuple[str, str], Works] = {
    ("CatalogueWebhookRole", "ReadWebhookSecret"): the_webhook_answers_200,
    ("CatalogueWebhookRole", "SendCallbacks"): the_webhook_answers_200,
    ("LoaderRole", "ReceiveFiles"): a_file_is_loaded,
    ("LoaderRole", "ReadFiles"): a_file_is_loaded,
    ("LoaderRole", "WriteReports"): a_file_is_loaded,
    ("LoaderRole", "ReadCatalogue"): a_file_is_loaded,
    ("LoaderRole", "WriteCatalogue"): a_file_is_loaded,
    ("LoaderRole", "ReadExports"): a_store_is_compared,
    ("LoaderRole", "KeepDeadLetters"): the_loader_buries,
    ("PusherRole", "ReadPartnerApiSecret"): a_change_is_sent,
    ("PusherRole", "ShareRequestBudget"): a_change_is_sent,
    ("PusherRole", "ReadCatalogue"): a_change_is_sent,
    ("PusherRole", "WriteOutcomes"): a_change_is_sent,
    ("PusherRole", "ReadPromotions"): a_promotion_is_sent,
    ("PusherRole", "ReceiveCallbacks"): the_pusher_buries,
    ("PusherRole", "KeepDeadLetters"): the_pusher_buries,
    ("UrgentRole", "ReadPartnerApiSecret"): a_product_is_taken_off,
    ("UrgentRole", "ShareRequestBudget"): a_product_is_taken_off,
    ("UrgentRole", "ReadCatalogue"): a_product_is_taken_off,
    ("UrgentRole", "WriteCatalogue"): a_product_is_taken_off,
    ("UrgentRole", "ReadExports"): a_barcode_is_taken_off,
    ("UrgentRole", "KeepDeadLetters"): the_urgent_function_buries,
    ("UploaderRole", "ReadSftpSecret"): files_are_sent,
    ("UploaderRole", "ReadCatalogue"): files_are_sent,
    ("UploaderRole", "WriteUploads"): files_are_sent,
    ("UploaderRole", "ReadPromotions"): files_are_sent,
    ("UploaderRole", "KeepPromotionRows"): files_are_sent,
    ("UploaderRole", "ArchiveFiles"): files_are_sent,
}
# Why each of these is not tried here.
NOT_TRIED = {
    ("LoaderRole", "NoticeMissingFiles"): "the local AWS answers 404 for a missing object in any case",
    ("UploaderRole", "NoticeMissingRows"): "the same",
    ("PusherRole", "WriteExports"): "an export takes minutes; make run writes one",
    (
        "PusherRole",
        "PutOnBus",
    ): "an event that is not put is counted, and stops nothing",
    ("UrgentRole", "PutOnBus"): "the same",
    ("UrgentRole", "PutOffUrgent"): "without it the message comes back after a minute instead of five seconds",
}


def test_every_policy_statement_is_tried(roles: Roles) -> None:
    """Every policy statement for our own calls has a test, or a reason for having none."""
    for role in ("LoaderRole", "PusherRole", "UrgentRole", "CatalogueWebhookRole", "UploaderRole"):
        tried = {pair for pair in (*NEEDED, *NOT_TRIED) if pair[0] == role}
        assert {(role, sid) for sid in roles.statements(role)} == tried


@pytest.mark.parametrize(("role", "sid"), NEEDED)
def test_policy_statement_is_needed(world: World, roles: Roles, role: str, sid: str) -> None:
    """A function works with a policy statement and fails without it."""
    works = NEEDED[role, sid]
    if works is files_are_sent and SSHD is None:
        pytest.skip("needs OpenSSH's sshd (Debian: openssh-server)")
    assert works(world)
    with roles.without(role, sid):
        assert not works(world)
    assert works(world)
