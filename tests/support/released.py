"""What a release stores: samples of its rows and messages, and what its own code reads of them.

Run as a program, this writes the folder of the present version: ``python -m tests.support.released``. A later version
has to read these rows as the release did, and to write rows that the release could read.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from partner_orders.answers.judgement import Outcome as AnswerOutcome
from partner_orders.answers.table import AnswersTable
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import to_text
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK, OrderEventMessage
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.report import Repair, Report
from partner_orders.reconciler.table import Backfill, ReconciliationTable
from partner_orders.reconciler.windows import Position
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from partner_orders_console.operations import forgetting
from tests.support import released_catalogue
from tests.support.accepted_answers import BAG, accept, end
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.template import TEMPLATE, table_of_the_template
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "tests" / "released"
PUBLISHED = ("change-event.v1.schema.json", "answers-api.yaml")
ROWS, READ, MESSAGES = "rows.json", "read.json", "messages.json"
CATALOGUE = "catalogue"
STORE = "q7xk"
REJECTED_RETENTION = timedelta(days=90)
_LONG_LIFE = 101  # events: more than an order's row holds

type Row = dict[str, Any]


def releases() -> list[Path]:
    """The folder of each release, the oldest first."""
    return sorted(RELEASED.iterdir(), key=lambda folder: [int(part) for part in folder.name.split(".")])


def empty_tables() -> Any:
    """A client of a simulated DynamoDB with both tables."""
    client = SimulatedDynamoDB().client
    client.create_table(TableName=TABLE, **table_of_the_template(TEMPLATE))
    pk, sk = ({"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE")))
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    client.create_table(
        TableName=CATALOGUE, BillingMode="PAY_PER_REQUEST", KeySchema=[pk, sk], AttributeDefinitions=attributes
    )
    return client


# -- what is written ---------------------------------------------------------------------------------------------------


def written() -> dict[str, list[Row]]:
    """The rows that this version writes of the samples, by table, in DynamoDB's own form."""
    client = empty_tables()
    _write_orders(client)
    _write_rejected(client)
    _write_stores(client)
    _write_reconciliation(client)
    _write_answers(client)
    _write_erasure(client)
    released_catalogue.write(client, CATALOGUE, STORE)
    return {
        table: sorted(client.scan(TableName=table)["Items"], key=lambda row: (row["pk"]["S"], row["sk"]["S"]))
        for table in (TABLE, CATALOGUE)
    }


def messages() -> dict[str, str]:
    """The messages that this version enqueues of the samples."""
    body = as_bytes(order(12))
    return {
        "short": OrderEventMessage(WEBHOOK, NOW, "request-1", body).to_text(),
        "shown": OrderEventMessage(RECONCILIATION, NOW, "run-1", body, NOW).to_text(),
        "long": OrderEventMessage(WEBHOOK, NOW, "request-1", as_bytes(order(12, comment="x" * 9_000))).to_text(),
    }


def _orders(client: Any) -> OrdersTable:
    return OrdersTable(client, TABLE, RETENTION)


def _write_orders(client: Any) -> None:
    """An order with a large body, one that a GET showed, one with problems, and one with a long history."""
    orders = _orders(client)
    large = Random(1).randbytes(5_000).hex()  # more than 4,096 bytes also when it is packed
    lives = {
        "o-life": [order(12), order(20, status="READY_FOR_PICKUP", more=large), order(31, status="CANCELLED")],
        "o-shown": [order(12, status="DELIVERED")],
        "o-odd": [order(12, promised_for={"not": "a time"}, order_code="é\U0001f9fa")],
        "o-long": [{"status": "RECEIVED", "comment": f"change {number}"} for number in range(_LONG_LIFE)],
    }
    for order_id, bodies in lives.items():
        shown_at = NOW if order_id == "o-shown" else None
        for body in bodies if order_id == "o-life" else [None]:
            some = [body] if body else bodies
            events = [parse_event(as_bytes(it | {"order_id": order_id})) for it in some]
            source = RECONCILIATION if shown_at else WEBHOOK
            orders.write([(event, Arrival(source, NOW, "request-1", shown_at)) for event in events])
    # The entries of a long history move once there is one more.
    late = parse_event(as_bytes(order(13, order_id="o-long", status="DISPATCHED")))
    orders.write([(late, Arrival(WEBHOOK, NOW, "request-2"))])
    orders.publish_again("o-life")


def _write_rejected(client: Any) -> None:
    """Two rejected events, one of which was replayed since."""
    table = RejectedTable(client, TABLE, REJECTED_RETENTION, clock)
    for body, reason in ((b"<order/>", "malformed_json"), (b'{"status":1}', "not_an_order")):
        table.keep(body, Arrival(WEBHOOK, NOW, "request-3"), reason, ["order_id: Field required"])
    table.resolve(b"<order/>")


def _write_stores(client: Any) -> None:
    """A store that events made known, with settings, and a paused one."""
    stores = StoresTable(client, TABLE, CHAIN_ID, clock)
    stores.register(parse_event(as_bytes(order(12))).order.client, NOW)
    stores.set(STORE, StoreSettings("PKR", "Asia/Karachi", "mon-sun 08:00-22:00", is_answering=True))
    paused = StoreSettings(is_paused=True, paused_at=to_text(NOW), paused_by="somebody", paused_reason="a test")
    stores.set("148020", paused)


def _write_reconciliation(client: Any) -> None:
    """The lease, a position, a backfill and a report."""
    table, lease = ReconciliationTable(client, TABLE, clock), Lease(client, TABLE, clock)
    lease.acquire()
    table.move(Position(STORE, NOW, NOW, STORE, unended_visits=1, begun_at=NOW), 1)
    backfill = Backfill("2026-10-14T09:00:00.000000Z-0001", NOW - timedelta(hours=2), NOW, False, (STORE,), 1)
    table.add(backfill)
    report = Report(NOW, stopped="out_of_time", failed_stores={"148020": "timeout"})
    report.add(Repair("o-life", STORE, "missing", "RECEIVED", webhook_missed=True))
    table.save_report(NOW, report.to_json())


def _write_answers(client: Any) -> None:
    """An answer that waits and one that has ended."""
    table = AnswersTable(client, TABLE, RETENTION)
    accepted = accept(table, "till-1", "o-life", added=(BAG,))
    end(table, accepted, AnswerOutcome.REFUSED, "order_changed", ("line 1",), order_id="o-life")
    accept(table, "till-2", "o-life", sequence=2)


def _write_erasure(client: Any) -> None:
    """An order of a customer who was erased, and the record of it."""
    body = order(12, order_id="o-erased")
    _orders(client).write([(parse_event(as_bytes(body)), Arrival(WEBHOOK, NOW, "request-4"))])
    Erasure(client, TABLE, lambda _: True, clock).erase_order("o-erased")
    work = forgetting.Work("2026-10-14T09:00:00.000000Z-00ff", to_text(NOW), "somebody", False, orders=1, kind="phone")
    work.done_at = to_text(NOW)
    forgetting._save(_stack(client), work)


# -- what is read ------------------------------------------------------------------------------------------------------


def read(rows: Mapping[str, Iterable[Row]], texts: Mapping[str, str]) -> dict[str, Any]:
    """What this version reads of rows and messages, as plain data."""
    client = empty_tables()
    for table, items in rows.items():
        for item in items:
            client.put_item(TableName=table, Item=item)
    orders, reconciliation = _orders(client), ReconciliationTable(client, TABLE, clock)
    ids = sorted({keys.order_id_of(row["pk"]["S"]) for row in rows[TABLE] if row["sk"]["S"] == keys.ORDER})
    digests = sorted(keys.rejected_digest_of(row["pk"]["S"]) for row in rows[TABLE] if row["sk"]["S"] == keys.REJECTED)
    rejected = RejectedTable(client, TABLE, REJECTED_RETENTION, clock)
    found: dict[str, Any] = {
        "orders": {order_id: orders.get(order_id) for order_id in ids},
        "known": orders.known(ids),
        "of_store": orders.of_store(STORE, NOW - timedelta(days=30), NOW + timedelta(days=30)),
        "rejected": [rejected.get(digest) for digest in digests],
        "stores": StoresTable(client, TABLE, CHAIN_ID, clock).all(),
        "positions": reconciliation.positions(),
        "backfills": reconciliation.backfills(),
        "reports": reconciliation.reports(NOW - timedelta(days=1), NOW + timedelta(days=1)),
        "answers": AnswersTable(client, TABLE, RETENTION).get("o-life"),
        "erasures": forgetting.erasures(_stack(client)),
        "messages": {name: OrderEventMessage.from_text(text) for name, text in texts.items()},
        "catalogue": released_catalogue.read(client, CATALOGUE, STORE),
    }
    return {name: plain(value) for name, value in found.items()}


def _stack(client: Any) -> Any:
    """As much of a stack as the record of erasures needs."""
    return SimpleNamespace(table=Table(client, TABLE))


def plain(value: Any) -> Any:
    """A value as JSON holds it: fields by name, the digest of bytes, times as text, sets in order."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return str(value)
        case datetime():
            return to_text(value)
        case bytes():
            return f"{len(value)} bytes, {hashlib.sha256(value).hexdigest()[:16]}"
        case set() | frozenset():
            return sorted(map(plain, value), key=str)
        case Mapping():
            return {str(name): plain(it) for name, it in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case tuple() if hasattr(value, "_asdict"):
            return plain(value._asdict())
        case list() | tuple():
            return [plain(it) for it in value]
    return str(value)


# -- in files ----------------------------------------------------------------------------------------------------------


def rows_of(release: Path) -> dict[str, list[Row]]:
    """The rows that a release wrote, by table."""
    content = json.loads((release / ROWS).read_text(encoding="utf-8"))
    return {
        table: [{name: _attribute(it) for name, it in row.items()} for row in rows] for table, rows in content.items()
    }


def json_of(release: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((release / name).read_text(encoding="utf-8"))
    return content


def _attribute(value: Any) -> Any:
    """An attribute of DynamoDB's form, with its bytes."""
    [(kind, content)] = value.items()
    match kind:
        case "B":
            return {kind: bytes.fromhex(content)}
        case "M":
            return {kind: {name: _attribute(it) for name, it in content.items()}}
        case "L":
            return {kind: [_attribute(it) for it in content]}
        case "BS":
            return {kind: [bytes.fromhex(it) for it in content]}
    return value


def _in_hex(value: Any) -> Any:
    """Rows as JSON holds them, bytes in groups of digits; _attribute() is the inverse."""
    match value:
        case bytes():
            return value.hex(" ", 8)
        case dict():
            return {name: _in_hex(it) for name, it in value.items()}
        case list():
            return [_in_hex(it) for it in value]
    return value


def save(release: Path) -> None:
    """Write the folder of a release anew."""
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for name in PUBLISHED:
        shutil.copy(ROOT / "docs" / name, release / name)
    rows, texts = written(), messages()
    contents = {ROWS: _in_hex(rows), MESSAGES: texts, READ: read(rows, texts)}
    for name, content in contents.items():
        (release / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    save(RELEASED / version("partner-orders"))
