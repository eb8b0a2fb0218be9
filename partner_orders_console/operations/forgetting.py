"""Erasing one customer's personal data, and the record that it was done."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from partner_orders.aws import keys
from partner_orders.clock import now, to_text
from partner_orders.order_events.message import body_within
from partner_orders.orders.erasure import Erasure, is_behind
from partner_orders.orders.table import ContendedError
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.customer_search import is_named_in, is_of, normal
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

FIELDS = {
    "phone": ("phone_number",),
    "customer-id": ("_id",),
    "loyalty-card": ("loyalty_card",),
    "tax-id": ("tax_id", "national_id"),
}
BEYOND = (
    "the queues: what waits is stored without personal data if its order was erased; dead-letter messages stay 14 days",
    "the table's stream: 24 hours",
    "point-in-time backups: 35 days; who restores one has to erase again",
    "what subscribers of the bus were given, where personal data is published",
    "rejected events that nothing can decode; with fewer than 7 letters or digits given, any that are no order",
    "with fewer than 7 letters or digits given, orders that have them only in a comment or the like",
    "orders only ever among the rejected: one that comes again and is parsed is stored whole; erase it again then",
    "the platform itself: an order it shows again is stored without personal data, if it was among those erased",
)


LEAST_LETTERS = 4
MAX_FOUND = 200  # orders that a preview names


@dataclass
class Work:
    """What the row of an erasure holds: nothing of the customer but a slow hash with a salt, until it is done.
    ``found`` are the first orders that a preview would erase; it has no row."""

    erasure_id: str
    started_at: str
    by: str
    preview: bool
    rows_read: int = 0
    orders: int = 0
    rejected: int = 0
    done_at: str = ""
    last_key: dict[str, str] = field(default_factory=dict)
    salt: str = ""
    customer_hash: str = ""
    kind: str = ""
    found: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """What was erased, or would be, and what is not reached."""
        unsaid = {"last_key", "salt", "customer_hash", *(() if self.preview else ("found",))}
        return {name: value for name, value in asdict(self).items() if name not in unsaid} | {"beyond": [*BEYOND]}


@dataclass(frozen=True)
class Size:
    """About how much a search reads: rows, and read units."""

    rows: int
    read_units: int


def wanted_of(by: str, text: str) -> str:
    """What is searched for, folded. Raises OperatorError for a kind that is none, and for what is too short."""
    if by not in FIELDS:
        raise OperatorError(f"cannot look for a customer by {by}", f"Use one of: {', '.join(FIELDS)}.")
    wanted = normal(text)
    if not wanted:
        raise OperatorError("no value was given", "Type it at the prompt, or pass it by the standard input.")
    if len(wanted) < LEAST_LETTERS:
        raise OperatorError("this is too short to identify one customer", "Give the whole value.")
    return wanted


def size_of(stack: DeployedStack) -> Size:
    """How large the table is, as DynamoDB last counted it."""
    table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
    return Size(table.get("ItemCount", 0), max(1, round(table.get("TableSizeBytes", 0) / 8192)))


def work_through(stack: DeployedStack, by: str, wanted: str, work: Work, progress: Progress = silent) -> None:
    """Read the table to its end, erase what is the customer's, and note after each page how far it is. Raises
    OperatorError."""
    erasure = Erasure(
        stack.dynamodb,
        stack.table_name,
        lambda order: is_of(order, FIELDS[by], wanted),
        now,
        lambda body: is_named_in(body, wanted) or is_named_in(body_within(body), wanted),
    )
    while not work.done_at:
        try:
            _read_on(stack, erasure, work)
        except ContendedError as error:
            raise OperatorError(str(error), f"Continue with --resume {work.erasure_id}.") from None
        finally:
            if not work.preview:
                _save(stack, work)
        progress(f"{work.rows_read:,} rows read, {work.orders:,} orders {'found' if work.preview else 'erased'}")


def erasures(stack: DeployedStack) -> list[dict[str, Any]]:
    """Every recorded erasure, the newest first: when, by whom, by what kind of id, how many orders; never the id."""
    rows = stack.table.query(keys.ERASURES, newest_first=True)
    return [
        {
            "erasure": work.erasure_id,
            "started_at": work.started_at,
            "done_at": work.done_at or None,
            "by": work.by,
            "kind": work.kind or None,
            "orders": work.orders,
            "rejected": work.rejected,
        }
        for work in (Work(**json.loads(row["progress"])) for row in rows)
    ]


def _read_on(stack: DeployedStack, erasure: Erasure, work: Work) -> None:
    """One page of the table."""
    rows, last_key = stack.table.scan_page(work.last_key)
    orders: set[str] = set()
    for row in rows:
        kind, _, name = row["pk"].partition("#")
        is_theirs = erasure.concerns(row)
        # What an earlier version left of others is erased as well, and not counted as this customer's.
        if not is_theirs and (work.preview or not is_behind(row)):
            continue
        if kind == "ORDER" and is_theirs:
            orders.add(name)
        elif kind == "ORDER":
            erasure.erase_order(name)
        elif kind == "REJECTED":
            if not work.preview:
                erasure.erase_rejected(name)
            work.rejected += is_theirs
    for order_id in sorted(orders):
        if not work.preview:
            erasure.erase_order(order_id)
        elif len(work.found) < MAX_FOUND:
            work.found.append(order_id)
        work.orders += 1
    work.rows_read += len(rows)
    work.last_key = last_key
    if not work.last_key:
        work.done_at = to_text(now())
        work.salt = work.customer_hash = ""


def begun(stack: DeployedStack, by: str, wanted: str, preview: bool, resume: str | None) -> Work:
    """A new erasure of the customer, or the one to go on with. Raises OperatorError if that is done, another
    customer's, or none at all."""
    customer = f"{by}|{wanted}"
    if resume is None:
        who = caller(stack)
        started_at = to_text(now())
        salt = "" if preview else secrets.token_hex(16)
        customer_hash = "" if preview else _hash(customer, salt)
        erasure_id = f"{started_at}-{secrets.token_hex(2)}"
        work = Work(erasure_id, started_at, who, preview, salt=salt, customer_hash=customer_hash, kind=by)
        if not preview:
            _save(stack, work)
        return work
    row = stack.table.get(keys.erasure(resume), consistent=False)
    if row is None:
        raise OperatorError(
            f"there is no erasure {resume}",
            "`partner-orders erasures list` shows them. Leave out --resume to begin a new one.",
        )
    work = Work(**json.loads(row["progress"]))
    if work.done_at:
        raise OperatorError(f"the erasure {resume} is already complete", "Leave out --resume to begin a new one.")
    # An earlier version wrote no hash.
    if work.customer_hash and _hash(customer, work.salt) != work.customer_hash:
        raise OperatorError(
            f"the erasure {resume} was begun for another customer, or with another --by",
            "Give the same value and the same --by as at its beginning, or leave out --resume to begin a new one.",
        )
    return work


def _hash(customer: str, salt: str) -> str:
    """Slow on purpose, since there are few enough phone numbers to try them all: a tenth of a second, 32 MB."""
    text = customer.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=2**15, r=8, p=1, maxmem=2**26, dklen=16).hex()


def _save(stack: DeployedStack, work: Work) -> None:
    row = {"schema_version": 1, "progress": json.dumps(asdict(work))}
    stack.table.put(keys.erasure(work.erasure_id), row)
