"""``secrets``, ``register``, ``forget``, ``export``: what an operator takes care of."""

import base64
import csv
import gzip
import hashlib
import io
import json
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.rejected import digest_of
from partner_orders_console.operations import registering
from partner_orders_console.operations.registering import Arrival as OrderArrival
from partner_orders_console.operations.registering import AwaitedOrder
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran, on_moto
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE

pytestmark = pytest.mark.privacy

type Run = Callable[..., Ran]
type Say = Callable[[str], None]
type StoreOrder = Callable[..., None]


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer's hash takes a tenth of a second on purpose."""
    scrypt = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda text, **options: scrypt(text, **options | {"n": 2**4}))


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """What the next command reads from its standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def secret_of(stack: DeployedStack, output: str) -> str:
    return str(stack.client("secretsmanager").get_secret_value(SecretId=stack.output(output))["SecretString"])


# -- register ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", ["0", "1"])
def test_register_hides_secret_by_default(run: Run, monkeypatch: pytest.MonkeyPatch, timeout: str) -> None:
    """``register`` prints where to paste which URL and secret, and the secret itself only on request."""
    arrived = OrderArrival("o-1", "q7xk", "RECEIVED")
    monkeypatch.setattr(registering, "Changes", lambda _: None)
    monkeypatch.setattr(AwaitedOrder, "wait", lambda *_: arrived)
    for options, secret in (((), "(--show-secret prints it here)"), (("--show-secret",), "the webhook secret")):
        ran = run("register", "--timeout", timeout, *options)
        assert ran.out.splitlines() == [
            "1. In the partner portal open Shop Integrations.",
            "2. Webhook URL for orders:  https://api.example.com/order-events",
            f"3. Webhook secret:          {secret}",
            "4. Save, and press Test Order.",
        ]
        assert ("an order of store q7xk arrived: o-1, RECEIVED" in ran.err) == (timeout == "1")


def test_register_waits_ten_minutes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is told how long, ``register`` waits for the test order for ten minutes."""
    waited: list[float] = []
    monkeypatch.setattr(
        "partner_orders_console.operations.registering.now", lambda: NOW + timedelta(seconds=sum(waited))
    )
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("partner_orders_console.operations.registering.Changes", lambda _: SimpleNamespace(rows=list))
    ran = run("register")
    assert (ran.status, "no new order arrived" in ran.err, sum(waited)) == (1, True, 600)


@on_moto
def test_register_sees_rejected_test_order(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """``register`` reports a test order that arrives and is rejected."""

    def arrive(_: float) -> None:
        stack.rejected.keep(b"{}", Arrival("webhook", NOW, "c"), "not_an_order", [])

    monkeypatch.setattr("partner_orders_console.operations.registering.now", lambda: NOW)
    monkeypatch.setattr("time.sleep", arrive)
    ran = run("register")
    assert ran.status == 0
    assert "arrived and was rejected" in ran.err


@pytest.fixture
def registered_while(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Register; the given orders arrive one by one while it waits."""

    def command(*bodies: dict[str, Any], earlier: Sequence[dict[str, Any]] = ()) -> Ran:
        store_order(*earlier)
        left, waited = [*bodies], 0

        def arrive(seconds: float) -> None:
            nonlocal waited
            waited += 1
            if left:
                store_order(left.pop(0))

        monkeypatch.setattr(
            "partner_orders_console.operations.registering.now",
            lambda: NOW + timedelta(seconds=max(0, waited - len(bodies))),
        )
        monkeypatch.setattr("time.sleep", arrive)
        return run("register", "--timeout", "3")

    return command


@pytest.mark.parametrize("created_at", ["2026-09-01T08:12:00.000Z", "2026-10-14T08:12:00.000Z"])
@on_moto
def test_register_ignores_the_creation_time(registered_while: Callable[..., Ran], created_at: str) -> None:
    """``register`` reports a test order whatever creation time it carries."""
    ran = registered_while(order(sys={"created_at": created_at}))
    assert (ran.status, f"an order of store q7xk arrived: {order()['order_id']}, RECEIVED" in ran.err) == (0, True)


@on_moto
def test_register_sees_event_of_known_order(registered_while: Callable[..., Ran]) -> None:
    """``register`` reports a new event of an order stored before, and no event that came earlier."""
    ran = registered_while(order(30, status="DISPATCHED"), earlier=[order(order_id="another"), order()])
    assert (ran.status, f"{order()['order_id']}, DISPATCHED" in ran.err) == (0, True)


@on_moto
def test_register_reports_no_arrival(registered_while: Callable[..., Ran]) -> None:
    """If nothing arrives, ``register`` fails and says so."""
    ran = registered_while(earlier=[order()])
    assert (ran.status, "no new order arrived" in ran.err) == (1, True)


@on_moto
def test_register_reports_another_chain(registered_while: Callable[..., Ran]) -> None:
    """A test order of another chain is reported, and the error names the ChainId parameter."""
    body = order()
    body["client"]["chain_id"] = "another-chain"
    ran = registered_while(body)
    assert ran.status == 1
    assert "of another chain arrived" in ran.err
    assert "ChainId" in ran.err


# -- forget -----------------------------------------------------------------------------------------------------------


def bodies(stack: DeployedStack) -> bytes:
    found = []
    for item in stack.dynamodb.scan(TableName=TABLE)["Items"]:
        packed = [value["M"]["body"]["B"] for value in item.values() if "M" in value and "body" in value["M"]]
        found += [unpack(one) for one in [*packed, *([item["body"]["B"]] if "body" in item else [])]]
    return b"\n".join(found)


def other(**changes: Any) -> dict[str, Any]:
    body = order(order_id="another", **changes)
    body["customer"] = {"first_name": "Bilal", "phone_number": "+92300999999"}
    return body


def test_forget_erases_only_that_customer(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """``forget`` erases a customer from orders, histories and rejected events, and nobody else."""
    store_order(order(12), order(20, status="DISPATCHED"), other())
    stack.rejected.keep(as_bytes(order(status="")), Arrival("webhook", NOW), "not_an_order", ["status"])
    say("0092 (300) 123-441\n")
    ran = run("forget", "--yes", "--json")
    assert (ran.status, ran.json["orders"], ran.json["rejected"]) == (0, 1, 1)
    assert any("backups" in place for place in ran.json["beyond"])
    left = bodies(stack)
    assert b"Amna" not in left
    assert b"123441" not in left
    assert b"Bilal" in left
    assert b"sub_total" in left
    rows = stack.dynamodb.scan(TableName=TABLE)["Items"]
    kept = json.dumps([row for row in rows if row["pk"]["S"] == "ERASURES"])
    assert "arn:aws" in kept
    assert "123441" not in kept
    shown = run("orders", "show", order()["order_id"], "--json", "--show-personal-data").json
    assert all(entry["redacted"] for entry in shown["history"])


def envelope(packed: bytes, **changes: Any) -> bytes:
    content = {"schema_version": 2, "source": "webhook", "body": base64.b64encode(packed).decode()}
    return json.dumps(content | changes).encode()


def with_number(number: str = '"+92300123441"', body: dict[str, Any] | None = None) -> bytes:
    return as_bytes(body or order()).replace(b'"+92300123441"', number.encode())


NO_OBJECT = order(customer=[{"first_name": "Amna", "phone_number": "+92300123441"}])
UNREADABLE = {
    "NaN": b'{"x": NaN,' + as_bytes(order())[1:],
    "a duplicate key": b'{"x": 1, "x": 2,' + as_bytes(order())[1:],
    "a customer that is a list": as_bytes(NO_OBJECT),
    "JSON in a JSON string": json.dumps(as_bytes(order()).decode()).encode(),
    "cut short": as_bytes(order()).partition(b'"phone_number"')[0] + b'"phone_number": "+92300123441',
    "not UTF-8": b'{"name": "\xff",' + as_bytes(order())[1:],
    "UTF-16": as_bytes(order()).decode().encode("utf-16"),
    "a form": b"status=RECEIVED&first_name=Amna&phone=%2B92300123441",
    "written otherwise": with_number('"0092 (300) 123-441"', NO_OBJECT),
    "with hyphens of print": with_number('"+92\u2011300\u2011123441"', NO_OBJECT),
    "escaped": with_number(r'"\u002b\u0039\u0032300123441"', NO_OBJECT),
    "a number": with_number("92300123441", NO_OBJECT),
    "with slashes": with_number('"0092/300/123441"', NO_OBJECT),
    "with characters that nobody sees": with_number('"\u202a+92\u200b300\u2060123441\u202c"', NO_OBJECT),
    "in an address of the web": with_number('"https://shop.example/1/92300123441"', NO_OBJECT),
    "in a sentence": with_number('"call +92 300 123441, not 5 times"', NO_OBJECT),
    "no text around it": b"Amna +92300123441",
    "a message of another version": envelope(zlib.compress(as_bytes(order()))),
    "a message with gzip": envelope(gzip.compress(as_bytes(order()), mtime=0)),
    "a message that is not compressed": envelope(as_bytes(order())),
    "a message that is cut short": envelope(zlib.compress(as_bytes(order()))[:-9]),
    "a field that stays in an order": as_bytes(order(status="", order_code="+92300123441")),
}


def keep_rejected(stack: DeployedStack, *found: bytes) -> None:
    for body in found:
        stack.rejected.keep(body, Arrival("webhook", NOW), "malformed_json", ["NaN or an infinity"])


def test_forget_searches_rejected_as_text(run: Run, stack: DeployedStack, say: Say) -> None:
    """Rejected bodies that cannot be parsed are searched as text and erased."""
    keep_rejected(stack, *UNREADABLE.values())
    say("00 92 300 123441\n")
    assert run("forget", "--preview", "--json").json["rejected"] == len(UNREADABLE)
    assert {event.body for event in stack.rejected.newest()} == {*UNREADABLE.values()}
    say("00 92 300 123441\n")
    ran = run("forget", "--yes", "--json")
    kept = {name: stack.rejected.get(digest_of(body)) for name, body in UNREADABLE.items()}
    assert [name for name, event in kept.items() if event is None or event.body == UNREADABLE[name]] == []
    assert ran.json["rejected"] == len(UNREADABLE)
    left = bodies(stack)
    assert b"Amna" not in left
    assert b"123441" not in left
    assert all(event and event.problems == ("NaN or an infinity",) for event in kept.values())
    say("00 92 300 123441\n")
    assert run("forget", "--yes", "--json").json["rejected"] == 0


INVISIBLE = ("\u200b", "\u200e", "\u202a", "\u202c", "\u2060", "\u2066", "\u00ad", "\ufeff")


def test_phone_number_format_does_not_matter(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """A phone number is found whatever separators and invisible characters it contains."""
    written = [f"{mark}+92 300{mark} 123441{mark}" for mark in INVISIBLE]
    written += ["+92 300/123441", "0092/300 / 123-441", "+92300123441"]
    customer = order()["customer"]
    for number in written:
        store_order(order(order_id=f"of {number!a}", customer=customer | {"phone_number": number}))
    for given in written:
        say(given + "\n")
        assert run("forget", "--preview", "--json").json["orders"] == len(written)
    say("+92300123441\n")
    assert run("forget", "--yes", "--json").json["orders"] == len(written)
    assert b"Amna" not in bodies(stack)


@pytest.mark.parametrize("how", ["--yes", "--preview"])
def test_unknown_customer_gives_advice(run: Run, store_order: StoreOrder, say: Say, how: str) -> None:
    """If no customer is found, ``forget`` says what to check and does not print the number."""
    store_order(order())
    say("+92300123442\n")
    ran = run("forget", how)
    assert (ran.status, "Nobody was found" in ran.err, "123442" in ran.out + ran.err) == (0, True, False)
    say("+92300123441\n")
    assert "Nobody was found" not in run("forget", how).err


def test_forget_without_value_says_so(run: Run, say: Say) -> None:
    """An empty standard input is not called too short a value: the message says that none was given."""
    say("")
    ran = run("forget", "--preview")
    assert ran.status == 1
    assert "no value was given" in ran.err


def test_similar_numbers_are_kept(run: Run, stack: DeployedStack, say: Say) -> None:
    """A body with a longer, shorter, split or similar number is not erased."""
    numbers = (
        *('"+923001234410"', '"+1 92 300 123441"', '"192300123441"', '"92300123"', "92300123441e5"),
        *('"a92300123441"', '"92300123441-0c1f"', '"0c1f-92300123441"', '["92300", "123441"]', "9.2300123441e10"),
    )
    found = [b'{"x": NaN,' + with_number(number)[1:] for number in numbers]
    keep_rejected(stack, *found)
    say("+92300123441\n")
    assert run("forget", "--yes", "--json").json["rejected"] == 0
    assert {event.body for event in stack.rejected.newest()} == {*found}


@pytest.mark.parametrize(
    ("by", "given", "erased"),
    [
        *(("customer-id", "Cust-000777", 1), ("customer-id", "cust-0007771", 0), ("customer-id", "cust-00", 0)),
        *(("loyalty-card", "6280001", 1), ("loyalty-card", "628000", 0), ("tax-id", "19.90", 0)),
    ],
)
def test_other_identifiers_match_whole(
    run: Run, stack: DeployedStack, say: Say, by: str, given: str, erased: int
) -> None:
    """Other identifiers match only as whole words, and short ones are not searched in rejected bodies."""
    body = b'{"x": NaN, "customer": {"_id": "cust-000777", "loyalty_card": 6280001}, "tax": 1990, "point": 628000}'
    keep_rejected(stack, body)
    say(given + "\n")
    ran = run("forget", "--by", by, "--yes", "--json")
    assert ran.json["rejected"] == erased
    assert any("fewer than 7" in place for place in ran.json["beyond"])


def test_search_of_separators_is_fast(run: Run, stack: DeployedStack, say: Say) -> None:
    """A rejected body full of separators and escapes is searched within the time limit."""
    marks = (b"\\", b'\\"', b"1 ", b"1/", b"/", b"1" * 9 + b"a ", b"(", b"%2", b"\\u00")
    keep_rejected(stack, *(mark * (400_000 // len(mark)) for mark in marks))
    say("+92300123441\n")
    began = time.monotonic()
    assert run("forget", "--yes", "--json").json["rejected"] == 0
    assert time.monotonic() - began < 20


MASKED = {"first_name": "A***", "phone_number": "+92*******41"}


def lines(number: int) -> list[dict[str, Any]]:
    """So many that the body is kept in a row of its own."""
    return [order()["items"][0] | {"_id": f"{n * 7919:x}", "sku": f"{n * 104729:x}{n * 7919:x}"} for n in range(number)]


def test_customer_in_free_text_is_erased(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """An order that names the customer in a comment or an unknown field is found and erased."""
    found = [
        order(order_id="in the comment", customer=MASKED, comment="call +92 300 123441, Amna"),
        order(order_id="in a field that nobody knows", customer=MASKED, contacts=[{"tel": 92300123441}]),
        order(order_id="in the name of a field", customer=MASKED, contacts={"+92300123441": "Amna"}),
        order(order_id="in a row of its own", customer=MASKED, comment="call 0092-300-123441", items=lines(300)),
    ]
    store_order(*found, order(order_id="another's", customer=MASKED, comment="call +92 300 123442, Bilal"))
    say("+92300123441\n")
    assert run("forget", "--preview", "--json").json["orders"] == len(found)
    say("+92300123441\n")
    assert run("forget", "--yes", "--json").json["orders"] == len(found)
    left = bodies(stack)
    assert (b"Amna" in left, b"123441" in left, b"Bilal" in left) == (False, False, True)
    say("+92300123441\n")
    assert run("forget", "--yes", "--json").json["orders"] == 0


@pytest.mark.parametrize("by", ["phone", "loyalty-card"])
def test_article_with_same_number_is_kept(
    run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say, by: str
) -> None:
    """An order is not erased because an article or its code has the customer's number."""
    bought = order()["items"][0] | {"sku": "6280001", "barcode": ["6280001"]}
    store_order(order(order_code="6280001", items=[bought]))
    say("6280001\n")
    assert run("forget", "--by", by, "--yes", "--json").json["orders"] == 0
    assert b"Amna" in bodies(stack)


def test_short_number_matches_customer_only(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """A short number matches only the customer's own field, never free text."""
    store_order(order(customer=MASKED, comment="123441"), order(order_id="own", customer={"phone_number": "123441"}))
    say("123441\n")
    assert run("forget", "--yes", "--json").json["orders"] == 1
    assert b"A***" in bodies(stack)


def erased_earlier(body: bytes) -> bytes:
    """As an earlier version erased, which left why somebody cancelled as it was written."""
    return redacted(body)[:-1] + b',"cancellation":{"reason":"Sana did not answer"}}'


def test_next_run_erases_earlier_leftovers(
    run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Personal data that an earlier version left behind is erased by the next run for any customer."""
    store_order(order(), order(order_id="large", items=lines(300)), other())
    keep_rejected(stack, as_bytes(order(status="")))
    with monkeypatch.context() as earlier:
        earlier.setattr("partner_orders.orders.erasure.redacted", erased_earlier)
        say("+92300123441\n")
        assert run("forget", "--yes", "--json").json["orders"] == 2
    assert bodies(stack).count(b"Sana") == 3
    assert (b"+92300123441" in bodies(stack), b"Bilal" in bodies(stack)) == (False, True)
    say("+92300111111\n")
    assert run("forget", "--preview").status == 0
    assert bodies(stack).count(b"Sana") == 3
    say("+92300111111\n")
    ran = run("forget", "--yes", "--json")
    assert (ran.json["orders"], ran.json["rejected"], "Nobody was found" in ran.err) == (0, 0, True)
    assert (b"Sana" in bodies(stack), b"Bilal" in bodies(stack), b"sub_total" in bodies(stack)) == (False, True, True)
    before = stack.dynamodb.scan(TableName=TABLE)["Items"]
    say("+92300111111\n")
    assert run("forget", "--yes").status == 0
    rows = stack.dynamodb.scan(TableName=TABLE)["Items"]
    assert [row for row in rows if row["pk"]["S"] != "ERASURES"] == [
        row for row in before if row["pk"]["S"] != "ERASURES"
    ]


def erasures(stack: DeployedStack) -> list[dict[str, Any]]:
    rows = stack.dynamodb.scan(TableName=TABLE)["Items"]
    return [json.loads(row["progress"]["S"]) for row in rows if row["pk"]["S"] == "ERASURES"]


@pytest.fixture
def begun(
    run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """An erasure of +92300123441 that broke off at the second of two orders."""
    store_order(order(), order(order_id="again"))
    erase, tried = Erasure.erase_order, []

    def breaks_off(erasure: Erasure, order_id: str) -> int:
        tried.append(order_id)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return erase(erasure, order_id)

    monkeypatch.setattr(Erasure, "erase_order", breaks_off)
    say("+92300123441\n")
    ran = run("forget", "--yes")
    [begun] = erasures(stack)
    assert (ran.status, begun["orders"], begun["done_at"]) == (130, 1, "")
    assert f"--resume {begun['erasure_id']}" in ran.err
    return begun


def test_interrupted_erasure_resumes(run: Run, stack: DeployedStack, say: Say, begun: dict[str, Any]) -> None:
    """An interrupted erasure is recorded, and can be resumed to its end."""
    say("+92300123441\n")
    assert run("forget", "--yes", "--resume", begun["erasure_id"], "--preview").status == 1
    say("+92300123441\n")
    assert "there is no erasure another" in run("forget", "--yes", "--resume", "another").err
    assert b"Amna" in bodies(stack)
    say("+92300123441\n")
    assert run("forget", "--yes", "--resume", begun["erasure_id"]).status == 0
    [done] = erasures(stack)
    assert (done["orders"], bool(done["done_at"])) == (2, True)
    assert b"Amna" not in bodies(stack)


@pytest.mark.parametrize(("given", "by"), [("+92300123442", "phone"), ("+92300123441", "loyalty-card")])
def test_resume_needs_the_same_customer(
    run: Run, stack: DeployedStack, say: Say, begun: dict[str, Any], given: str, by: str
) -> None:
    """An erasure resumes only for the customer for whom it was started."""
    say(given + "\n")
    ran = run("forget", "--yes", "--resume", begun["erasure_id"], "--by", by)
    assert (ran.status, "begun for another customer" in ran.err, "12344" in ran.out + ran.err) == (1, True, False)
    assert erasures(stack) == [begun]
    say("0092 300 123 441\n")
    assert run("forget", "--yes", "--resume", begun["erasure_id"]).status == 0
    assert b"Amna" not in bodies(stack)


def test_erasure_forgets_its_customer_hash(run: Run, stack: DeployedStack, say: Say, begun: dict[str, Any]) -> None:
    """A running erasure stores its customer as a salted hash, and removes it when done."""
    assert len(begun["salt"]) == len(begun["customer_hash"]) == 32
    assert "12344" not in begun["customer_hash"]
    say("+92300123441\n")
    ran = run("forget", "--yes", "--json", "--resume", begun["erasure_id"])
    [done] = erasures(stack)
    assert (done["salt"], done["customer_hash"]) == ("", "")
    assert not {"salt", "customer_hash", "last_key"} & ran.json.keys()


def test_finished_erasure_does_not_resume(run: Run, stack: DeployedStack, say: Say, begun: dict[str, Any]) -> None:
    """An erasure that is done cannot be resumed."""
    for status, said in ((0, "2 orders"), (1, "is already complete")):
        say("+92300123441\n")
        ran = run("forget", "--yes", "--resume", begun["erasure_id"])
        assert (ran.status, said in ran.err) == (status, True)


def test_erasure_of_earlier_version_resumes(run: Run, stack: DeployedStack, say: Say, begun: dict[str, Any]) -> None:
    """An erasure that an earlier version started without a customer hash can be resumed."""
    of_then = {name: value for name, value in begun.items() if name not in ("salt", "customer_hash")}
    key = {"pk": {"S": "ERASURES"}, "sk": {"S": begun["erasure_id"]}}
    stack.dynamodb.put_item(TableName=TABLE, Item=key | {"progress": {"S": json.dumps(of_then)}})
    say("+92300123441\n")
    assert run("forget", "--yes", "--resume", begun["erasure_id"]).status == 0
    assert b"Amna" not in bodies(stack)


def test_forget_preview_changes_nothing(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """A preview of ``forget`` counts the orders and writes nothing."""
    store_order(order())
    say("+92300123441\n")
    assert run("forget", "--preview", "--json").json["orders"] == 1
    assert b"Amna" in bodies(stack)
    assert erasures(stack) == []


def test_forget_needs_yes_and_a_whole_number(run: Run, stack: DeployedStack, store_order: StoreOrder, say: Say) -> None:
    """Nothing is erased without ``--yes``, or for a part of a number."""
    store_order(order())
    say("+92300123441\n")
    assert run("forget").status == 3
    say("441\n")
    assert run("forget", "--yes").status == 1
    assert b"Amna" in bodies(stack)


# -- export -----------------------------------------------------------------------------------------------------------


def test_export_uses_store_day_and_currency(run: Run, store_order: StoreOrder, folder: Path) -> None:
    """The export has exact amounts, in the store's currency, for days in the store's time zone."""
    tomorrow = order(order_id="next", sys={"created_at": "2026-10-14T20:00:00Z"})
    store_order(order(payment={"sub_total": 690.10, "order_total": 669}), tomorrow)
    run("stores", "set", "q7xk", "--currency", "PKR", "--time-zone", "Asia/Karachi")
    file = folder / "orders.csv"
    assert run("export", "--from", "2026-10-14", "--output", str(file)).status == 0
    header, line, *rest = file.read_text().splitlines()
    assert rest == []
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert (row["sub_total"], row["order_total"], row["currency"]) == ("690.1", "669", "PKR")
    assert row["created"] == "2026-10-14T13:12:44+05:00"
    assert row["changed"] == "2026-10-14T13:12:44+05:00"


def exported(ran: Ran) -> dict[str, dict[str, str]]:
    assert ran.status == 0, ran.err
    return {row["order_id"]: row for row in csv.DictReader(io.StringIO(ran.out))}


def test_export_includes_unknown_stores(run: Run, store_order: StoreOrder) -> None:
    """The export includes orders of unknown stores and lists these stores."""
    foreign, storeless = order(order_id="foreign"), order(order_id="storeless")
    foreign["client"] |= {"chain_id": "another-chain", "store_id": "z9", "external_partner_config_id": "Z-9"}
    del storeless["client"]
    earlier = order(order_id="earlier", sys={"created_at": "2026-10-13T20:00:00Z"})
    earlier["client"] |= {"chain_id": "another-chain", "store_id": "y8"}
    store_order(order(), foreign, storeless, earlier)
    ran = run("export", "--from", "2026-10-14")
    rows = exported(ran)
    assert rows.keys() == {order()["order_id"], "foreign", "storeless"}
    assert (rows["foreign"]["store_id"], rows["foreign"]["chain_id"]) == ("z9", "another-chain")
    assert "3 orders of 3 stores" in ran.err
    assert "(no store), z9" in ran.err
    assert exported(run("export", "--from", "2026-10-14", "--store", "q7xk")).keys() == {order()["order_id"]}


def test_export_counts_in_the_singular(run: Run, store_order: StoreOrder) -> None:
    """The export of one order of one store is reported in the singular."""
    store_order(order())
    assert run("export", "--from", "2026-10-14").err.splitlines()[-1] == "1 order of 1 store"


def test_export_defuses_formulas(run: Run, store_order: StoreOrder) -> None:
    """A text that a spreadsheet would run as a formula is exported as plain text."""
    store_order(order(order_code="=HYPERLINK(1)"))
    assert "'=HYPERLINK(1)" in run("export", "--from", "2026-10-14").out


def test_export_jsonl_redacts_by_default(run: Run, store_order: StoreOrder) -> None:
    """JSON lines hold the order without personal data, unless personal data is requested."""
    store_order(order())
    arguments = ("export", "--from", "2026-10-14", "--format", "jsonl")
    [line] = run(*arguments).out.splitlines()
    assert json.loads(line)["order"]["items"][0]["sku"] == "GB-100231"
    assert "Amna" not in line
    assert "Amna" in run(*arguments, "--show-personal-data").out


@pytest.mark.parametrize("period", [("x",), ("2026-10-14", "--to", "2026-10-01"), ("2026-10-14", "--to", "9999-12-31")])
def test_invalid_period_keeps_earlier_file(
    run: Run, store_order: StoreOrder, folder: Path, period: tuple[str, ...]
) -> None:
    """An export with an invalid period fails and leaves an existing file unchanged."""
    store_order(order())
    file = folder / "orders.csv"
    file.write_text("of last month")
    ran = run("export", "--from", *period, "--output", str(file))
    assert (ran.status, ran.out) == (1, "")
    assert "AWS" not in ran.err
    assert file.read_text() == "of last month"


def test_export_names_unwritable_file(run: Run, folder: Path) -> None:
    """An output file that cannot be written fails the export with the reason."""
    ran = run("export", "--from", "2026-10-14", "--output", str(folder / "none" / "orders.csv"))
    assert (ran.status, "No such file or directory" in ran.err) == (1, True)
