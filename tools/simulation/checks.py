"""What must hold of a world, whatever happened in it. Each check raises Violation, saying what it found."""

import base64
import hashlib
import json
import zlib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from partner_orders.clock import from_text
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.history import merge
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import HistoryEntry, StoredOrder
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tools.local.simulated_platform.lives import Life
from tools.simulation import oracle
from tools.simulation.faults import CLOCK_OFF_BY
from tools.simulation.hour import CHAIN_ID, Fate
from tools.simulation.violation import Violation
from tools.simulation.world import RETENTION_DAYS, START, World

type Item = dict[str, Any]

# An item is written on up to a size, and by a batch more; then its older bodies move, as soon as nothing fails.
MOST_BYTES_IN_CALM = 32_768 + 10 * 4_096
MOST_BYTES = 300_000


class Contents:
    """The table as it stands: the raw rows, and the orders as the package reads them. An order whose row is as it was
    at the ``last`` look is not read again."""

    def __init__(self, world: World, last: "Contents | None") -> None:
        client, retention = world.dynamodb.client, timedelta(days=RETENTION_DAYS)
        self.rows: list[Item] = [
            item
            for page in client.get_paginator("scan").paginate(TableName=world.table, ConsistentRead=True)
            for item in page["Items"]
        ]
        self.heads = {row["pk"]["S"].removeprefix("ORDER#"): row for row in self.rows if row["sk"]["S"] == "ORDER"}
        self.table = OrdersTable(client, world.table, retention)
        self.rejected_table = RejectedTable(client, world.table, retention, world.kernel.now)
        self.stores = {
            name
            for store in StoresTable(client, world.table, CHAIN_ID, world.kernel.now).all()
            for name in (store.store_id, store.external_partner_config_id)
        }
        self.orders: dict[str, StoredOrder] = {}
        self.calm = last is not None  # The first look is at the end of the trouble.
        self.unchanged = {
            order_id for order_id, head in self.heads.items() if last and last.heads.get(order_id) == head
        }
        for order_id in self.heads:
            order = last.orders[order_id] if last and order_id in self.unchanged else self.table.get(order_id)
            if order is None:
                raise Violation(f"order {order_id} has a row but cannot be read")
            self.orders[order_id] = order
        self.identities: dict[str, dict[str, bytes]] = {}
        for order_id, order in self.orders.items():
            if last and order_id in self.unchanged:
                self.identities[order_id] = last.identities[order_id]
                continue
            mine: dict[str, bytes] = {}
            for entry in order.history:
                if entry.body is None:
                    raise Violation(f"{order_id} {entry.status}: in the history without its body")
                identity = oracle.identity(entry.body)
                if identity in mine:
                    raise Violation(f"{order_id} {entry.status}: one event is in the history twice")
                mine[identity] = entry.body
            self.identities[order_id] = mine


class Checks:
    """The checks of one world, one look after another."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: Contents | None = None

    def at_any_time(self) -> Counter[str]:
        """The accounting, and the state of every order. Answers what became of the acknowledged."""
        self._look()
        return self._account

    def after_a_tick(self) -> None:
        """Also: no order is missing. What it was found in may be older than what the platform says by now."""
        contents = self._look()
        for life in _missing(self._world, contents):
            raise Violation(f"{life.order_id}: the reconciler went past it, and we do not have it")

    def has_all(self) -> bool:
        """Whether we have every order that the platform shows."""
        return not _missing(self._world, Contents(self._world, self._last))

    def has_all_of_the_others(self) -> bool:
        """Whether we have every order of the stores that do not kill the reconciler."""
        missing = _missing(self._world, Contents(self._world, self._last))
        return all(life.shop.store_id in self._world.deadly for life in missing)

    def after_reconciliation(self) -> Counter[str]:
        """Also: nothing waits, and every order is as the platform says it is."""
        contents = self._look()
        if self._account["waiting"]:
            raise Violation(f"{self._account['waiting']} events still wait")
        _stores(self._world, contents)
        _left_behind(self._world, contents)
        return self._account + _in_step(self._world, contents)

    def _look(self) -> Contents:
        world = self._world
        for wrong in [*world.calls.trespasses, *world.overruns()]:
            raise Violation(wrong)
        contents = Contents(world, self._last)
        self._account = _accounting(world, contents)
        sent, texts = _sent(world)
        shown = _shown_times(world)
        for order_id, order in contents.orders.items():
            if order_id not in contents.unchanged:
                _order(order_id, order, contents, sent[order_id])
                _shown(order_id, order, shown)
                _as_it_came(order_id, order, contents.heads[order_id], texts)
        _indexes(world, contents)
        _published(world, contents)
        stored = sum(recorder.counts["Stored"] for recorder in world.recorders)
        if stored > sum(len(order.history) for order in contents.orders.values()):
            raise Violation("more events are counted as stored than are in the histories")
        _silence(world)
        self._last = contents
        return contents


def _is_lost_to_get(world: World, life: Life) -> bool:
    """Whether GET cannot show an order: it is broken, or the platform fails at it or at one of the same minute."""
    if world.numbers[life.order_id] in world.api.odd.bad:
        return True
    failing = [other for other in world.lives if world.numbers[other.order_id] in world.api.odd.failing]
    return any(
        abs((one - another).total_seconds()) <= 61
        for other in failing
        if other.shop.store_id == life.shop.store_id
        for one in _times(other)
        for another in _times(life)
    )


def _times(life: Life) -> list[datetime]:
    return [life.created_at, *(step.at for step in life.steps)]


def _missing(world: World, contents: Contents) -> list[Life]:
    """The orders that the list of a store that we know shows now, and that we do not have."""
    now = world.kernel.now()
    return [
        life
        for life in world.lives
        if life.shop.store_id in contents.stores
        and life.order_id not in contents.orders
        and world.api.is_listed(life, now)
        and not _is_lost_to_get(world, life)
    ]


def _left_behind(world: World, contents: Contents) -> None:
    """What GET cannot show is among the rejected, or a report names its minute."""
    digests = [row["pk"]["S"].removeprefix("REJECTED#") for row in contents.rows if row["sk"]["S"] == "REJECTED"]
    bodies = {kept.body for kept in map(contents.rejected_table.get, digests) if kept is not None}
    reports = "\n".join(world.said)
    for life in world.lives:
        number = world.numbers[life.order_id]
        if life.shop.store_id not in contents.stores or number not in {*world.api.odd.bad, *world.api.odd.failing}:
            continue
        named = any(f"{at:%Y-%m-%dT%H:%M}" in reports for at in _times(life))
        step = life.step_shown_at(world.kernel.now())
        is_kept = number in world.api.odd.bad and step is not None and world.api.bad_text(life, step) in bodies
        if not (is_kept or named):
            raise Violation(f"{life.order_id}: cannot be read, and is neither among the rejected nor in a report")


def _stores(world: World, contents: Contents) -> None:
    """The row of a store says what its latest event says, by the platform's clock; and a code leads to its store."""
    said: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for identities in contents.identities.values():
        for body in identities.values():
            client = oracle.client(body)
            if client["chain_id"] != CHAIN_ID or "store_id" not in client:
                continue
            for name in ("name", "external_partner_config_id"):
                if client.get(name):
                    latest = said[client["store_id"]][name]
                    latest[client[name]] = max(latest.get(client[name], float("-inf")), oracle.clock(body))
    rows = {row["sk"]["S"]: row for row in contents.rows if row["pk"]["S"] == "STORES"}
    for store_id, names in said.items():
        row = rows.get(f"STORE#{store_id}", {})
        for name, clocks in names.items():
            latest_clock = max(clocks.values())
            possible = {value for value, at in clocks.items() if at == latest_clock}
            if row.get(name, {}).get("S") not in possible:
                raise Violation(f"store {store_id}: {name} is not what its latest event says")
    # An order that is dated ahead says for hours which codes there were before.
    swap = None if world.api.odd.future else world.hour.swap
    for code in swap.codes if swap else ():
        owners = {
            store_id
            for store_id in said
            if rows[f"STORE#{store_id}"].get("external_partner_config_id", {}).get("S") == code
        }
        alias = rows.get(f"ALIAS#{code}", {}).get("store_id", {}).get("S")
        if owners and alias not in owners:
            raise Violation(f"the code {code} leads to {alias}, and belongs to {sorted(owners)}")


def _in_step(world: World, contents: Contents) -> Counter[str]:
    account: Counter[str] = Counter()
    for life in world.lives:
        if life.shop.store_id not in contents.stores:
            account["orders of stores never heard of"] += 1
            continue
        step = life.step_shown_at(world.kernel.now())
        assert step is not None  # noqa: S101 (all lives are over)
        truth = world.api.body_text(life, step).encode()
        if _is_lost_to_get(world, life):
            continue
        if life.order_id not in contents.orders:
            raise Violation(f"{life.order_id} {step.status}: the platform has it, we do not")
        mine = contents.identities[life.order_id]
        if world.numbers[life.order_id] in world.api.odd.restless:
            is_known = oracle.moment(truth) in map(oracle.moment, mine.values())
        else:
            is_known = oracle.identity(truth) in mine
        if not is_known:
            raise Violation(f"{life.order_id} {step.status}: not in step with the platform")
        account["in step"] += 1
    unheard = {
        head["store_id"]["S"]
        for head in contents.heads.values()
        if "store_id" in head and head.get("chain_id", {}).get("S") == CHAIN_ID
    } - contents.stores
    if unheard:
        raise Violation(f"stores with orders, but not registered: {sorted(unheard)}")
    stubs = {(order_id, entry.digest) for order_id, order in contents.orders.items() for entry in order.history}
    for row in contents.rows:
        kind, _, digest = row["sk"]["S"].partition("#")
        if kind == "EVENT" and (row["pk"]["S"].removeprefix("ORDER#"), digest) not in stubs:
            raise Violation(f"{row['pk']['S']}: a body that no history refers to")
    return account


def _accounting(world: World, contents: Contents) -> Counter[str]:
    """Acknowledged = applied + recognised as old + rejected + ignored + waiting."""
    waiting = {_body(message.text) for message in [*world.queue.waiting(), *world.queue.dead]}
    account: Counter[str] = Counter()
    applied: set[tuple[str, str]] = set()
    for post in world.acknowledged:
        match post.fate:
            case Fate.STORED:
                key = (oracle.order_id(post.body), oracle.identity(post.body))
                if key[1] in contents.identities.get(key[0], ()):
                    account["recognised as old" if key in applied else "applied"] += 1
                    applied.add(key)
                    continue
            case Fate.REJECTED:
                kept = contents.rejected_table.get(hashlib.sha256(post.body).hexdigest()[:32])
                if kept is not None:
                    if kept.body != post.body:
                        raise Violation(f"{post.name}: rejected, but not kept as it came")
                    account["rejected"] += 1
                    continue
            case Fate.IGNORED if post.body not in waiting:
                account[post.fate.value] += 1
                continue
        if post.body not in waiting:
            raise Violation(f"acknowledged and lost: {post.name}")
        account["waiting"] += 1
    account["acknowledged"] = len(world.acknowledged)
    never = {oracle.order_id(post.body) for post in [*world.posted, world.hour.stranger] if post.stranger}
    if found := never & contents.heads.keys():
        raise Violation(f"stored, and should not be: {sorted(found)}")
    rejected = sum(row["sk"]["S"] == "REJECTED" for row in contents.rows)
    bad = [life for life in world.lives if world.numbers[life.order_id] in world.api.odd.bad]
    posted = {post.body for post in world.posted if post.fate is Fate.REJECTED}
    if rejected > len(posted) + sum(len(life.steps) for life in bad):
        raise Violation("something is among the rejected that should not be, or is there twice")
    return account


def _sent(world: World) -> tuple[dict[str, set[str]], set[bytes | str]]:
    """Every event that the platform posted or shows, by order; and its words: bytes posted, and JSON shown."""
    sent: dict[str, set[str]] = defaultdict(set)
    words: set[bytes | str] = set()
    for post in world.posted:
        if post.fate is Fate.STORED:
            sent[oracle.order_id(post.body)].add(oracle.identity(post.body))
            words.add(post.body)
    for life in world.lives:
        for step in life.steps:
            shown = world.api.body_text(life, step).encode()
            sent[life.order_id].add(oracle.identity(shown))
            words.add(oracle.exactly(shown))
        for text in world.api.texts.get(life.order_id, ()):
            sent[life.order_id].add(oracle.identity(text))
            words.add(oracle.exactly(text))
    return sent, words


def _as_it_came(order_id: str, order: StoredOrder, head: Item, words: set[bytes | str]) -> None:
    """Every body is kept byte for byte as the webhook got it, or number for number as the Partner API showed it.

    A large body is written first, so the one that stays may be of another arrival than the one that could finish.
    """
    for entry in order.history:
        body = entry.body or b""
        posted = entry.source == "webhook" and "body" in head[f"e#{entry.digest}"]["M"]
        if body not in words and (posted or oracle.exactly(body) not in words):
            raise Violation(f"{order_id} {entry.status}: the body from the {entry.source} is not kept as it came")


def _order(order_id: str, order: StoredOrder, contents: Contents, sent: set[str]) -> None:
    """A stored order is the merge of its history, by the package's merge and by the second opinion."""
    mine = contents.identities[order_id]
    if invented := mine.keys() - sent:
        raise Violation(f"{order_id}: {len(invented)} events that nobody sent")
    events: list[OrderEvent] = []
    for entry in order.history:
        body = entry.body or b""
        event = parse_event(body)
        if event.digest != entry.digest:
            raise Violation(f"{order_id} {entry.status}: its body has another digest than its entry")
        if entry.status != oracle.status(body):
            raise Violation(f"{order_id}: an entry says {entry.status}, its body {oracle.status(body)}")
        events.append(event)
    times = {entry.digest: from_text(entry.shown_at) for entry in order.history if entry.shown_at}
    merged = merge(events, times)
    snapshot = order.snapshot.body or b""
    statuses = {oracle.status(body) for body in mine.values()}
    moments = Counter(map(oracle.moment, mine.values()))
    stored = {
        "snapshot": order.snapshot_key,
        "digests": order.digests,
        "status": order.status,
        "sale": order.sale.value,
        "disputed": order.disputed,
        "conflicts": order.conflicts,
    }
    pure = {
        "snapshot": merged.snapshot_key,
        "digests": frozenset(merged.events),
        "status": merged.snapshot.status,
        "sale": merged.sale.value,
        "disputed": merged.disputed,
        "conflicts": merged.conflicts,
    }
    sale, disputed = oracle.sale(snapshot, statuses)
    opinions = {entry.digest: oracle.precedence(entry.body or b"", _shown_seconds(entry)) for entry in order.history}
    opinion = {
        "precedence": max(opinions.values()),
        "status": oracle.status(snapshot),
        "sale": sale,
        "disputed": disputed,
        "conflicts": moments.total() - len(moments),
    }
    _same(order_id, "the pure merge", stored, pure)
    _same(order_id, "the second opinion", stored | {"precedence": opinions[order.snapshot.digest]}, opinion)
    _head(order_id, contents.heads[order_id], merged.snapshot, contents.calm)


def _shown(order_id: str, order: StoredOrder, shown: dict[tuple[str, str], set[str]]) -> None:
    """An entry names a time at which the reconciler saw the event, and of those that it has told of the latest."""
    for entry in order.history:
        if entry.shown_at and entry.shown_at not in shown[order_id, oracle.identity(entry.body or b"")]:
            raise Violation(f"{order_id} {entry.status}: shown at a time at which no GET showed it")


def _shown_times(world: World) -> dict[tuple[str, str], set[str]]:
    """When the reconciler says that it saw each event, by order and identity."""
    times: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in world.queue.sent:
        envelope = json.loads(message.text)
        if "shown_at" in envelope:
            body = _body(message.text)
            try:
                times[oracle.order_id(body), oracle.identity(body)].add(envelope["shown_at"])
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
                continue
    return times


def _shown_seconds(entry: HistoryEntry) -> float:
    return from_text(entry.shown_at).timestamp() if entry.shown_at else 0.0


def _head(order_id: str, head: Item, snapshot: OrderEvent, calm: bool) -> None:
    """The plain attributes follow the snapshot, and the item does not grow."""
    order = json.loads(snapshot.body)
    said, sys = oracle.post_picked_up(snapshot.body), order.get("sys")
    created = oracle.possible_time(sys.get("created_at") if isinstance(sys, dict) else None)
    expected: dict[str, Any] = {
        "store_id": oracle.client(snapshot.body).get("store_id"),
        **{
            name: order[name] if isinstance(order.get(name), str) else None
            for name in ("external_order_id", "order_code")
        },
        "open": oracle.open_under(oracle.status(snapshot.body), oracle.client(snapshot.body)),
    }
    stored: dict[str, Any] = {name: head.get(name, {}).get("S") for name in expected}
    expected["post_picked_up"] = said
    stored["post_picked_up"] = head.get("post_picked_up", {}).get("BOOL")
    if created:
        at = datetime.fromtimestamp(created, UTC)
        kept_until = int((at + timedelta(days=RETENTION_DAYS)).timestamp())
        # An order that is older than that is kept for two weeks after it came, by the clock of whoever received it.
        expires_at = int(head["expires_at"]["N"])
        if expires_at < (START + timedelta(days=14, seconds=-CLOCK_OFF_BY)).timestamp():
            raise Violation(f"{order_id}: an event of it expires less than two weeks after it came")
        if kept_until > expires_at or at > START - timedelta(days=RETENTION_DAYS - 30):
            expected["expires_at"], stored["expires_at"] = kept_until, expires_at
        expected["listed_at"] = at.timestamp()
        stored["listed_at"] = from_text(head["listed_at"]["S"]).timestamp()
    _same(order_id, "the snapshot's own body", stored, expected)
    inline = sum(len(value["M"].get("body", {"B": b""})["B"]) for name, value in head.items() if name.startswith("e#"))
    if int(head["body_bytes"]["N"]) != inline:
        raise Violation(f"{order_id}: body_bytes says {head['body_bytes']['N']}, but {inline} are inline")
    if inline > (MOST_BYTES_IN_CALM if calm else MOST_BYTES):
        raise Violation(f"{order_id}: {inline} bytes of bodies in one item")


def _indexes(world: World, contents: Contents) -> None:
    """What is found by an index is what the heads say."""
    table, start, end = contents.table, START - timedelta(days=1_000), world.kernel.now() + timedelta(days=1)
    opened = {order_id for order_id, head in contents.heads.items() if "open" in head}
    _same("index", "open-orders", {"ids": set(table.open_since(start))}, {"ids": opened})
    by_store: dict[str, set[str]] = defaultdict(set)
    for order_id, head in contents.heads.items():
        store_id = head["listed_under"]["S"].removeprefix("STORE#")
        by_store[store_id].add(order_id)
        if order_id in contents.unchanged:
            continue
        if "external_order_id" in head and order_id not in table.by_external_order_id(head["external_order_id"]["S"]):
            raise Violation(f"{order_id}: not found by its external order id")
        code = head["order_code"]["S"] if "order_code" in head else ""
        if code and order_id not in table.by_order_code(store_id, code, len(contents.heads)):
            raise Violation(f"{order_id}: not found by its order code")
    for store_id, order_ids in by_store.items():
        _same("index", f"by-time of {store_id}", {"ids": set(table.of_store(store_id, start, end))}, {"ids": order_ids})


def _published(world: World, contents: Contents) -> None:
    """Each true change is on the bus or a dead letter, the bus has those of one order in their order, and nothing else
    is told of. A change that still is in the stream may be missing; none before it."""
    on_the_bus = [json.loads(entry["Detail"]) for entry in world.bus.entries]
    letters = [json.loads(message.text)["detail"] for message in world.letters.sent]
    if None in letters:
        raise Violation("a change became a dead letter without its event")
    given_up = [*map(json.loads, letters)]
    told: dict[str, dict[int, Item]] = defaultdict(dict)
    rejected: set[str] = set()
    for detail in filter(_is_of_no_answer, [*on_the_bus, *given_up]):
        if "order_id" not in detail:
            rejected.add(detail["digest"])
        elif told[detail["order_id"]].setdefault(detail["sequence"], detail) != detail:
            raise Violation(f"{detail['id']} was published with two contents")
    _in_sequence(on_the_bus, given_up)
    waiting = {record["dynamodb"]["Keys"]["pk"]["S"] for record in world.stream.records}
    for order_id in told.keys() | world.stream.changes.keys():
        changes, sequences = world.stream.changes[order_id], sorted(told[order_id])
        if sequences != [*range(1, len(sequences) + 1)] or len(sequences) > changes:
            raise Violation(f"{order_id}: {changes} changes, and published are {sequences}")
        if f"ORDER#{order_id}" in waiting:
            continue
        if len(sequences) < changes:
            raise Violation(f"{order_id}: {changes} changes, and published are no more than {len(sequences)}")
        last, order = told[order_id][changes], contents.orders[order_id]
        stored = {"status": order.status, "sale": order.sale.value, "disputed": order.disputed}
        _same(order_id, "the newest that was published", stored, {name: last[name] for name in stored})
    kept = {row["pk"]["S"].removeprefix("REJECTED#") for row in contents.rows if row["sk"]["S"] == "REJECTED"}
    if not rejected <= kept or any(f"REJECTED#{digest}" not in waiting for digest in kept - rejected):
        raise Violation(f"{len(kept)} are among the rejected, {len(rejected)} were told of")


def _is_of_no_answer(detail: Item) -> bool:
    """Whether a change event is of an order or a rejected event; those of answers have no sequence."""
    return "answer_id" not in detail


def _in_sequence(on_the_bus: list[dict[str, Any]], given_up: list[dict[str, Any]]) -> None:
    """The changes of an order were first published in the order of their sequence."""
    newest: Counter[str] = Counter()
    # What became a dead letter has lost its place: its batch may be read again, and the bus may take it then.
    seen: set[str] = {detail["id"] for detail in given_up if "order_id" in detail}
    for detail in filter(_is_of_no_answer, on_the_bus):
        if "order_id" in detail and detail["id"] not in seen:
            seen.add(detail["id"])
            if detail["sequence"] < newest[detail["order_id"]]:
                raise Violation(f"{detail['id']} was first published after a later change of its order")
            newest[detail["order_id"]] = detail["sequence"]


def _silence(world: World) -> None:
    """No customer's data in a log, nor in what was sent anywhere."""
    customers = [life.steps[0].body["customer"] for life in world.lives]
    customers = [customer for customer in customers if isinstance(customer, dict)]
    people = {str(customer[name]) for customer in customers for name in ("_id", "phone_number") if customer.get(name)}
    for recorder in world.recorders:
        for line in recorder.lines:
            if any(datum in line for datum in people):
                raise Violation("a customer's data is in a log")
    for where, text in world.in_the_open():
        if any(datum in text for datum in people):
            raise Violation(f"a customer's data is in {where}")


def _same(order_id: str, judge: str, stored: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if stored[name] != value:
            raise Violation(f"{order_id}: {name} is {stored[name]!r}; by {judge} it is {value!r}")


def _body(text: str) -> bytes:
    """The body in a message, read without the package."""
    return zlib.decompress(base64.b64decode(json.loads(text)["body"]))
