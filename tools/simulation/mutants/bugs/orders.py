"""Planted bugs in the rules and the table of orders: which event is which, which is later, what a write keeps."""

from tools.simulation.mutants.bugs.complaints import KEY, LATE, RAW, TIES, UNFINISHED
from tools.simulation.mutants.planting import Edit, Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/orders"
_ORDERS = f"{_PART}/table.py"
_QUERIES = f"{_PART}/queries.py"
_REJECTED = f"{_PART}/rejected_table.py"
_EVENT = f"{_PART}/event.py"
_MERGE = f"{_PART}/history.py"
_DIGEST = f"{_PART}/digest.py"
_BODY = f"{_PART}/packed_body.py"
_ORDER = f"{_PART}/model.py"
_ERASURE = f"{_PART}/erasure.py"
_UPDATE = "layers/partner_orders/partner_orders/aws/update.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "drop-the-tie-break",
        "Of two events of one status and time, the one that came first is the snapshot.",
        _MERGE,
        "MergedOrder.snapshot",
        "event.snapshot_key",
        "event.moment",
        TIES,
    ),
    one_edit(
        "drop-the-tie-break-in-the-table",
        "A stored snapshot is not superseded by an event of the same status and time.",
        _EVENT,
        "OrderEvent.supersedes",
        "self.snapshot_key > snapshot_key",
        'self.moment > snapshot_key.rsplit("|", 2)[0]',
        TIES,
    ),
    one_edit(
        "drop-the-rank",
        "Of two statuses at one time, the digest decides which is the later.",
        _EVENT,
        "OrderEvent.snapshot_key",
        '|{lifecycle.rank(self.status)}"',
        '|0"',
        TIES,
    ),
    one_edit(
        "drop-the-platforms-clock",
        "The status alone decides which event is the later.",
        _EVENT,
        "OrderEvent.snapshot_key",
        "clock = 0 if",
        "clock = 0 if True or",
        LATE,
    ),
    one_edit(
        "last-arrival-wins",
        "The merge takes the event that came last for the latest state.",
        _MERGE,
        "MergedOrder.snapshot",
        "return max(self.events.values(), key=lambda event: event.snapshot_key)",
        "return list(self.events.values())[-1]",
        LATE,
    ),
    one_edit(
        "compare-by-arrival",
        "The table compares events by when they were received.",
        _ORDERS,
        "OrdersTable._move_head",
        '"snapshot_key": event.snapshot_key,',
        '"snapshot_key": f"{to_text(arrival.received_at)}|{event.digest}",',
        LATE,
    ),
    one_edit(
        "a-final-status-is-undone",
        "A later time moves a delivered or cancelled order back.",
        _EVENT,
        "OrderEvent.snapshot_key",
        "int(lifecycle.is_final(self.status))",
        "0",
        LATE,
    ),
    one_edit(
        "a-masked-copy-wins",
        "Masked values count as much as full ones, so a masked copy can hide the full one.",
        _DIGEST,
        "_canonical",
        'return 1 if value and "*" not in value else 0',
        "return 1 if value else 0",
    ),
    one_edit(
        "cancelled-is-never-a-sale",
        "An order cancelled after pick-up is not a sale, whatever the platform says of it.",
        _MERGE,
        "sale",
        "return SaleRuling(Sale.YES if post_picked_up else Sale.NO, False)",
        "return SaleRuling(Sale.NO, False)",
    ),
    one_edit(
        "hash-the-raw-text",
        "Two texts of one event are two events.",
        _EVENT,
        "event_from",
        "return OrderEvent(order=order, digest=digest,",
        'digest = __import__("hashlib").sha256(body).hexdigest()[:32]\n'
        "    return OrderEvent(order=order, digest=digest,",
        "the whole payload as the key, and equal orders become one, or one becomes two",
    ),
    one_edit(
        "hash-the-volatile",
        "The state of the webhook's own delivery makes another event.",
        _DIGEST,
        "VOLATILE",
        'frozenset({"sys.webhook_status"})',
        "frozenset[str]()",
    ),
    one_edit(
        "null-is-not-absent",
        "A field that is null and one that is not there make two events.",
        _DIGEST,
        "_canonical",
        "(item is None or expected == _VOLATILE)",
        "expected == _VOLATILE",
    ),
    one_edit(
        "hash-the-case-of-the-status",
        "A status in lower case makes another event.",
        _DIGEST,
        "_text",
        "lifecycle.normalise(text) if shape == _STATUS else text",
        "text",
    ),
    one_edit(
        "an-identifier-as-it-was-spelled",
        "Of two copies of one event with an identifier of 10 and of 10.0, the first decides how the order is called.",
        _ORDER,
        "_identifier",
        "number_by_value(value)",
        "str(value)",
    ),
    one_edit(
        "cut-off-the-nanoseconds",
        "Two times that differ by less than a microsecond are one.",
        _DIGEST,
        "_text",
        "and not _FINER_THAN_A_MICROSECOND.search(text)",
        "",
    ),
    one_edit(
        "one-moment-one-event",
        "The merge takes two events of one status and time for one.",
        _MERGE,
        "merge",
        "distinct.setdefault(event.digest, event)",
        "distinct.setdefault(event.moment, event)",
        KEY,
    ),
    one_edit(
        "one-moment-one-event-in-a-batch",
        "Within a batch, two events of one status and time are one.",
        _ORDERS,
        "OrdersTable.write",
        "distinct.setdefault(event.digest, (event, arrival))",
        "distinct.setdefault(event.moment, (event, arrival))",
        KEY,
    ),
    one_edit(
        "a-refusal-quotes-the-customer",
        "The problems of a body that is refused quote what was in it.",
        _ORDER,
        "problems",
        "{issue['msg']}",
        "{issue['msg']} {error.errors()}",
        "bodies with the customer's name are logged in a well-known blueprint: "
        "https://github.com/ran-isenberg/aws-lambda-handler-cookbook",
    ),
    one_edit(
        "pack-another-body",
        "Spaces within a body are lost when it is packed.",
        _BODY,
        "pack",
        "compressor.compress(body)",
        'compressor.compress(b" ".join(body.split()))',
        RAW,
    ),
    one_edit(
        "rejected-again-and-again",
        "Each arrival of one rejected body is a row of its own.",
        _REJECTED,
        "RejectedTable.keep",
        "keys.rejected(digest_of(body))",
        "keys.rejected(digest_of(body + to_text(self._clock()).encode()))",
    ),
    one_edit(
        "forget-the-condition",
        "A late event moves the order back, since nothing asks whether it is lower.",
        _ORDERS,
        "_is_blind",
        'less("snapshot_key", head.snapshot_key if head else "")',
        'present("snapshot_key")',
        LATE,
    ),
    one_edit(
        "forget-that-it-was-there",
        "An event that is there already is written over, and counted again.",
        _ORDERS,
        "_is_blind",
        "[absent(EVENT + event.digest) for event in events]",
        "list[Condition]()",
        UNFINISHED,
    ),
    one_edit(
        "forget-the-version",
        "The second write is made on what the first one saw, whoever wrote in between.",
        _ORDERS,
        "OrdersTable._update",
        'equals("version", existing["version"])',
        'present("version")',
        LATE,
    ),
    one_edit(
        "a-change-that-is-not-counted",
        "A late event that makes an order a sale does not count as a change, so nobody is told.",
        _ORDERS,
        "_changes_the_sale",
        "return history.sale(",
        "return False and history.sale(",
    ),
    one_edit(
        "skip-history-on-a-stale-event",
        "An event that does not move the snapshot is not kept.",
        _ORDERS,
        "OrdersTable.write",
        'moves = existing is None or head.supersedes(existing["snapshot_key"])\n',
        'moves = existing is None or head.supersedes(existing["snapshot_key"])\n'
        "            if not moves:\n"
        "                return Written(duplicates=len(events) - expired, expired=expired)\n",
        LATE,
    ),
    one_edit(
        "a-failed-condition-is-a-duplicate",
        "Whatever the condition refuses is taken for a duplicate.",
        _ORDERS,
        "OrdersTable.write",
        "existing = failed.row",
        "return Written(duplicates=len(events) - expired, expired=expired)",
        "one has to ask why a condition failed: "
        "https://github.com/aws-powertools/powertools-lambda-typescript/issues/1573",
    ),
    Mutant(
        "the-large-body-afterwards",
        "A large body is written after the order that refers to it.",
        (
            Edit(
                _ORDERS,
                "OrdersTable._inline_bodies",
                "self._put_body(event.order_id, event.digest, packed, self._expires_at(event, arrival), "
                "replace=redact)",
                "self.__dict__.setdefault('later', []).append(\n"
                "                    (event.order_id, event.digest, packed, self._expires_at(event, arrival)))",
            ),
            Edit(
                _ORDERS,
                "OrdersTable.write",
                "            return Written(\n                stored=len(new),",
                "            for body in self.__dict__.pop('later', []):\n                self._put_body(*body)\n"
                "            return Written(\n                stored=len(new),",
            ),
        ),
        "cursor and effect are saved apart: https://github.com/n8n-io/n8n-docs/pull/5225",
    ),
    one_edit(
        "older-bodies-dropped",
        "When an item is full, its older bodies are dropped instead of moved.",
        _ORDERS,
        "OrdersTable._move_bodies",
        '            self._put_body(order_id, digest, packed, row["expires_at"])\n',
        "            continue\n",
    ),
    one_edit(
        "an-item-without-bounds",
        "Bodies stay in the order's item however many there are.",
        _ORDERS,
        "OrdersTable.write",
        "                self._move_bodies(head.order_id)",
        "                pass",
    ),
    one_edit(
        "what-was-stays",
        "What the new snapshot does not say, the old one still says in the order's attributes.",
        _UPDATE,
        "Update.set_all",
        "                self.remove(name)",
        "                continue",
    ),
    one_edit(
        "the-expired-comes-back",
        "An event of an order that is past its retention is stored again.",
        _QUERIES,
        "OrderQueries.is_expired",
        "return created_at is not None and",
        "return False and created_at is not None and",
    ),
    one_edit(
        "expiry-by-arrival",
        "The retention is counted from the arrival of the event.",
        _ORDERS,
        "OrdersTable._expires_at",
        "created_at = history.created_at(event.order, arrival.received_at)",
        "created_at = arrival.received_at",
    ),
    one_edit(
        "erased-without-a-mark",
        "An order is erased, and takes later events with the customer's data.",
        _ERASURE,
        "Erasure._rewrite",
        '"erased_at": to_text(now), ',
        "",
    ),
]
