"""``partner-orders forget``: erase one customer's personal data, and write down that it was done."""

import hashlib
import json
import secrets
import sys
from dataclasses import asdict, dataclass, field
from typing import Annotated

import typer

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now, to_text
from partner_orders.order_events.message import body_within
from partner_orders.orders.erasure import Erasure, is_behind
from partner_orders.orders.table import ContendedError
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.customer_search import is_named_in, is_of, normal
from partner_orders_console.cli.output import AsJson, Yes, ask, counted, print_json, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

_FIELDS = {
    "phone": ("phone_number",),
    "customer-id": ("_id",),
    "loyalty-card": ("loyalty_card",),
    "tax-id": ("tax_id", "national_id"),
}
BEYOND = (
    "the queues: what waits is stored without personal data if its order was erased; dead letters stay 14 days",
    "the table's stream: 24 hours",
    "point-in-time backups: 35 days; who restores one has to erase again",
    "what subscribers of the bus were given, where personal data is published",
    "rejected events that nothing can decode; with fewer than 7 letters or digits given, any that are no order",
    "with fewer than 7 letters or digits given, orders that have them only in a comment or the like",
    "orders only ever among the rejected: one that comes again and is understood is stored whole; forget again then",
    "the platform itself: an order it shows again is stored without personal data, if it was among those erased",
)


@dataclass
class Progress:
    """What the row of an erasure holds: nothing of the customer but a slow hash with a salt, until it is done."""

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


def forget(
    context: typer.Context,
    by: Annotated[
        str, typer.Option(help="what the customer is known by: phone, customer-id, loyalty-card, tax-id")
    ] = "phone",
    preview: Annotated[bool, typer.Option("--preview", help="count, and change nothing")] = False,
    resume: Annotated[str | None, typer.Option(help="go on with an erasure that was interrupted")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase one customer's data from orders, their histories and the rejected. The figures stay. The phone number, or
    what else, is read from a prompt or the standard input, never from arguments.

    Example: partner-orders forget --by phone --yes < number.txt
    """
    if by not in _FIELDS:
        raise OperatorError(f"a customer is not known by {by}", f"One of: {', '.join(_FIELDS)}.")
    if preview and resume:
        raise OperatorError("a preview leaves nothing to go on with", "Say --preview or --resume.")
    wanted = normal(_read(by))
    if len(wanted) < 4:
        raise OperatorError("too short to tell one customer from another", "Give it whole.")
    stack = stack_of(context)
    table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
    units = max(1, round(table.get("TableSizeBytes", 0) / 8192))
    say(f"The whole table is read: about {counted(table.get('ItemCount', 0), 'row')}, {counted(units, 'read unit')}.")
    if not preview:
        ask("erase this customer's data for good?", yes)
    progress = _begun(stack, preview, resume, f"{by}|{wanted}")
    if not preview:
        _save(stack, progress)
        say(f"Written down as {progress.erasure_id}. If this is interrupted: --resume {progress.erasure_id}")
    erasure = Erasure(
        stack.dynamodb,
        stack.table_name,
        lambda order: is_of(order, _FIELDS[by], wanted),
        now,
        lambda body: is_named_in(body, wanted) or is_named_in(body_within(body), wanted),
    )
    _work_through(stack, erasure, progress)
    _tell(progress, as_json)


def _work_through(stack: DeployedStack, erasure: Erasure, progress: Progress) -> None:
    """Read the table to its end, and note after each page how far it is. Raises OperatorError."""
    with working("reading the table") as shown:
        while not progress.done_at:
            try:
                _read_on(stack, erasure, progress)
            except ContendedError as error:
                raise OperatorError(str(error), f"Go on with --resume {progress.erasure_id}.") from None
            finally:
                if not progress.preview:
                    _save(stack, progress)
            shown(f"{progress.rows_read} rows read, {progress.orders} orders erased")


def _tell(progress: Progress, as_json: bool) -> None:
    """Print what was erased, and what is not reached."""
    unsaid = ("last_key", "salt", "customer_hash")
    report = {name: value for name, value in asdict(progress).items() if name not in unsaid} | {"beyond": [*BEYOND]}
    if not progress.orders + progress.rejected:
        say("Nobody was found. Check the spelling, and try other ways of writing it, such as without the country code.")
    if as_json:
        print_json(report)
        return
    counts = f"{counted(progress.orders, 'order')} and {counted(progress.rejected, 'rejected event')}"
    say(f"{counts} {'would be' if progress.preview else 'are'} erased")
    say("Not reached:")
    for place in BEYOND:
        say(f"  - {place}")


def _read_on(stack: DeployedStack, erasure: Erasure, progress: Progress) -> None:
    """One page of the table."""
    rows, last_key = _table(stack).scan_page(progress.last_key)
    orders: set[str] = set()
    for row in rows:
        kind, _, name = row["pk"].partition("#")
        is_theirs = erasure.concerns(row)
        # What an earlier version left of others is erased as well, and not counted as this customer's.
        if not is_theirs and (progress.preview or not is_behind(row)):
            continue
        if kind == "ORDER" and is_theirs:
            orders.add(name)
        elif kind == "ORDER":
            erasure.erase_order(name)
        elif kind == "REJECTED":
            if not progress.preview:
                erasure.erase_rejected(name)
            progress.rejected += is_theirs
    for order_id in sorted(orders):
        if not progress.preview:
            erasure.erase_order(order_id)
        progress.orders += 1
    progress.rows_read += len(rows)
    progress.last_key = last_key
    if not progress.last_key:
        progress.done_at = to_text(now())
        progress.salt = progress.customer_hash = ""


def _read(by: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(by, hide_input=True, err=True))
    return sys.stdin.readline()


def _begun(stack: DeployedStack, preview: bool, resume: str | None, customer: str) -> Progress:
    """A new erasure of the customer, or the one to go on with. Raises OperatorError if that is done, another
    customer's, or none at all."""
    if resume is None:
        who = stack.client("sts").get_caller_identity()["Arn"]
        started_at = to_text(now())
        salt = "" if preview else secrets.token_hex(16)
        customer_hash = "" if preview else _hash(customer, salt)
        erasure_id = f"{started_at}-{secrets.token_hex(2)}"
        return Progress(erasure_id, started_at, who, preview, salt=salt, customer_hash=customer_hash)
    row = _table(stack).get(keys.erasure(resume), consistent=False)
    if row is None:
        raise OperatorError(
            f"there is no erasure {resume}", "`forget` says its id as it begins; without --resume it begins anew."
        )
    progress = Progress(**json.loads(row["progress"]))
    if progress.done_at:
        raise OperatorError(f"the erasure {resume} is done already", "Without --resume a new one begins.")
    # An earlier version wrote no hash.
    if progress.customer_hash and _hash(customer, progress.salt) != progress.customer_hash:
        raise OperatorError(
            f"the erasure {resume} was begun for another customer, or by another kind of number",
            "Give what it was begun with, with the same --by; without --resume a new one begins.",
        )
    return progress


def _hash(customer: str, salt: str) -> str:
    """Slow on purpose, since there are few enough phone numbers to try them all: a tenth of a second, 32 MB."""
    text = customer.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=2**15, r=8, p=1, maxmem=2**26, dklen=16).hex()


def _save(stack: DeployedStack, progress: Progress) -> None:
    row = {"schema_version": 1, "progress": json.dumps(asdict(progress))}
    _table(stack).put(keys.erasure(progress.erasure_id), row)


def _table(stack: DeployedStack) -> Table:
    return Table(stack.dynamodb, stack.table_name)
