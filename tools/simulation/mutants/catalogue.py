"""The planted bugs. The links lead to people who have had them."""

from tools.simulation.mutants.planting import Edit, Mutant

_PACKAGE = "layers/partner_orders/partner_orders"
_WEBHOOK = f"{_PACKAGE}/webhook/endpoint.py"
_SECRET = f"{_PACKAGE}/platform/webhook_secret.py"
_QUEUE = f"{_PACKAGE}/order_events/queue.py"
_INTAKE = f"{_PACKAGE}/consumer/intake.py"
_VISIBILITY = f"{_PACKAGE}/consumer/redelivery.py"
_ORDERS = f"{_PACKAGE}/orders/table.py"
_REJECTED = f"{_PACKAGE}/orders/rejected_table.py"
_STORES = f"{_PACKAGE}/stores/table.py"
_RECONCILIATION = f"{_PACKAGE}/reconciler/run.py"
_API = f"{_PACKAGE}/platform/orders.py"
_COMPARISON = f"{_PACKAGE}/reconciler/comparison.py"
_LEASE = f"{_PACKAGE}/reconciler/lease.py"
_POSITIONS = f"{_PACKAGE}/reconciler/table.py"
_EVENT = f"{_PACKAGE}/orders/event.py"
_MERGE = f"{_PACKAGE}/orders/history.py"
_DIGEST = f"{_PACKAGE}/orders/digest.py"
_LIFECYCLE = f"{_PACKAGE}/orders/lifecycle.py"
_JSON = f"{_PACKAGE}/exact_json.py"
_BODY = f"{_PACKAGE}/orders/packed_body.py"
_ORDER = f"{_PACKAGE}/orders/model.py"
_ERASURE = f"{_PACKAGE}/orders/erasure.py"
_PUBLISHER = f"{_PACKAGE}/publisher/publish.py"
_CHANGE = f"{_PACKAGE}/publisher/change_event.py"
_BUS = f"{_PACKAGE}/publisher/event_bus.py"
_CONSUMER = "functions/consumer/app.py"

_LATE = (
    "a late event overwrites a newer state: https://github.com/paypal/mirakl-hyperwallet-connector/issues/35, "
    "https://github.com/stripe/stripe-cli/issues/418, https://github.com/reapit/foundations/issues/9608"
)
_TIES = (
    "equal timestamps, first or last wins: https://github.com/stripe/sync-engine/issues/268, "
    "https://github.com/PostHog/posthog/pull/98651, https://github.com/stripe/stripe-cli/issues/1191"
)
_KEY = "a key that ignores the body drops another event: https://github.com/NOFireAI/ravel/issues/1653"
_BOUNDARY = "one malformed body fails its batch for ever: https://github.com/github-aws-runners/terraform-aws-github-runner/pull/5215"
_EMPTY = (
    "an unexpected error answers with no failures: "
    "https://github.com/github-aws-runners/terraform-aws-github-runner/issues/5024"
)
_PERMANENT = "everything is retried, permanent faults too: https://github.com/bcgov/parks-reso-api/pull/474"
_UNREAD = (
    "the failed entries of a batch send are not read: "
    "https://github.com/aws-samples/sample-voice-of-customer-datalake/issues/259, "
    "https://github.com/nasa/earthdata-mcp/pull/9, https://github.com/awspring/spring-cloud-aws/issues/1654"
)
_THROTTLED = (
    "throttling sends good messages to the dead letters: https://github.com/seek-oss/skuba/issues/1408, "
    "https://github.com/aws/chalice/issues/2031"
)
_UNFINISHED = (
    "a timeout leaves a record that says it is being done: "
    "https://github.com/aws-powertools/powertools-lambda-python/issues/1038, "
    "https://github.com/aws-powertools/powertools-lambda-python/issues/2490"
)
_ROTATED = (
    "a rotated secret stays stale: https://github.com/aws-powertools/powertools-lambda-python/issues/131, "
    "https://github.com/middyjs/middy/issues/1063"
)
_RAW = (
    "the raw body is lost, written anew, or still base64: https://github.com/frain-dev/convoy/pull/2392, "
    "https://github.com/dust-tt/dust/pull/22648, https://github.com/jackmusick/bifrost/issues/726"
)
_NUMBERS = "a float loses precision: https://github.com/boto/boto3/issues/369, https://github.com/boto/boto3/issues/665"
_PAGES = (
    "a capped or repeated page ends the run early: https://github.com/mvanhorn/cli-printing-press/pull/3932, "
    "https://github.com/Nine-Minds/alga-psa/pull/2991"
)


def _one(name: str, bug: str, file: str, within: str, old: str, new: str, complaint: str = "") -> Mutant:
    return Mutant(name, bug, (Edit(file, within, old, new),), complaint)


_THE_ORDER_OF_EVENTS = [
    _one(
        "drop-the-tie-break",
        "Of two events of one status and time, the one that came first is the snapshot.",
        _MERGE,
        "MergedOrder.snapshot",
        "event.snapshot_key",
        "event.moment",
        _TIES,
    ),
    _one(
        "drop-the-tie-break-in-the-table",
        "A stored snapshot is not superseded by an event of the same status and time.",
        _EVENT,
        "OrderEvent.supersedes",
        "self.snapshot_key > snapshot_key",
        'self.moment > snapshot_key.rsplit("|", 2)[0]',
        _TIES,
    ),
    _one(
        "drop-the-rank",
        "Of two statuses at one time, the digest decides which is the later.",
        _EVENT,
        "OrderEvent.snapshot_key",
        '|{lifecycle.rank(self.status)}"',
        '|0"',
        _TIES,
    ),
    _one(
        "drop-the-platforms-clock",
        "The status alone decides which event is the later.",
        _EVENT,
        "OrderEvent.snapshot_key",
        "clock = 0 if",
        "clock = 0 if True or",
        _LATE,
    ),
    _one(
        "last-arrival-wins",
        "The merge takes the event that came last for the latest state.",
        _MERGE,
        "MergedOrder.snapshot",
        "return max(self.events.values(), key=lambda event: event.snapshot_key)",
        "return list(self.events.values())[-1]",
        _LATE,
    ),
    _one(
        "compare-by-arrival",
        "The table compares events by when they were received.",
        _ORDERS,
        "OrdersTable._head",
        '"snapshot_key": event.snapshot_key,',
        '"snapshot_key": f"{to_text(arrival.received_at)}|{event.digest}",',
        _LATE,
    ),
    _one(
        "a-final-status-is-undone",
        "A later time moves a delivered or cancelled order back.",
        _EVENT,
        "OrderEvent.snapshot_key",
        "int(lifecycle.is_final(self.status))",
        "0",
        _LATE,
    ),
    _one(
        "a-masked-copy-wins",
        "Masked values count as much as full ones, so a masked copy can hide the full one.",
        _DIGEST,
        "_canonical",
        'return 1 if value and "*" not in value else 0',
        "return 1 if value else 0",
    ),
    _one(
        "cancelled-is-never-a-sale",
        "An order cancelled after pick-up is not a sale, whatever the platform says of it.",
        _LIFECYCLE,
        "sale",
        "return (Sale.YES if post_picked_up else Sale.NO), False",
        "return Sale.NO, False",
    ),
]

_THE_SAME_EVENT = [
    _one(
        "hash-the-raw-text",
        "Two texts of one event are two events.",
        _EVENT,
        "understand_object",
        "return OrderEvent(order=order, digest=digest,",
        'digest = __import__("hashlib").sha256(body).hexdigest()[:32]\n'
        "    return OrderEvent(order=order, digest=digest,",
        "the whole payload as the key, and equal orders become one, or one becomes two",
    ),
    _one(
        "hash-the-volatile",
        "The state of the webhook's own delivery makes another event.",
        _DIGEST,
        "VOLATILE",
        'frozenset({"sys.webhook_status"})',
        "frozenset[str]()",
    ),
    _one(
        "null-is-not-absent",
        "A field that is null and one that is not there make two events.",
        _DIGEST,
        "_canonical",
        "(item is None or expected == _VOLATILE)",
        "expected == _VOLATILE",
    ),
    _one(
        "hash-the-case-of-the-status",
        "A status in lower case makes another event.",
        _DIGEST,
        "_text",
        "lifecycle.normalise(text) if shape == _STATUS else text",
        "text",
    ),
    _one(
        "an-identifier-as-it-was-spelled",
        "Of two copies of one event with an identifier of 10 and of 10.0, the first decides how the order is called.",
        _ORDER,
        "_identifier",
        "number_by_value(value)",
        "str(value)",
    ),
    _one(
        "cut-off-the-nanoseconds",
        "Two times that differ by less than a microsecond are one.",
        _DIGEST,
        "_text",
        "and not _FINER_THAN_A_MICROSECOND.search(text)",
        "",
    ),
    _one(
        "one-moment-one-event",
        "The merge takes two events of one status and time for one.",
        _MERGE,
        "merge",
        "distinct.setdefault(event.digest, event)",
        "distinct.setdefault(event.moment, event)",
        _KEY,
    ),
    _one(
        "one-moment-one-event-in-a-batch",
        "Within a batch, two events of one status and time are one.",
        _ORDERS,
        "OrdersTable.write",
        "distinct.setdefault(event.digest, (event, arrival))",
        "distinct.setdefault(event.moment, (event, arrival))",
        _KEY,
    ),
]

_THE_BODY = [
    _one(
        "round-the-numbers",
        "A number goes through a float before it is exact.",
        _JSON,
        "parse",
        "parse_float=_decimal",
        "parse_float=lambda text: Decimal(str(float(text)))",
        _NUMBERS,
    ),
    _one(
        "a-key-twice",
        "An object with one key twice is taken, and the second value wins.",
        _JSON,
        "_object",
        "if len(value) != len(pairs):",
        "if not value and pairs:",
    ),
    _one(
        "integers-without-bounds",
        "An integer of any length is taken.",
        _JSON,
        "_integer",
        "len(text) > MAX_DIGITS",
        "len(text) > 4_000",
    ),
    _one(
        "a-refusal-quotes-the-customer",
        "The problems of a body that is refused quote what was in it.",
        _ORDER,
        "problems",
        "{issue['msg']}",
        "{issue['msg']} {error.errors()}",
        "bodies with the customer's name are logged in a well-known blueprint: "
        "https://github.com/ran-isenberg/aws-lambda-handler-cookbook",
    ),
    _one(
        "pack-another-body",
        "Spaces within a body are lost when it is packed.",
        _BODY,
        "pack",
        "compressor.compress(body)",
        'compressor.compress(b" ".join(body.split()))',
        _RAW,
    ),
    _one(
        "write-the-body-anew",
        "The webhook passes on what it parsed rather than what it got.",
        _WEBHOOK,
        "_body",
        '"RefusedNotAnObject")\n    return body',
        '"RefusedNotAnObject")\n    return json.dumps(json.loads(decoded)).encode()',
        _RAW,
    ),
    _one(
        "base64-is-not-decoded",
        "A body that the gateway encoded is taken as it stands.",
        _WEBHOOK,
        "_body",
        'if request.get("isBase64Encoded"):',
        "if False:",
        _RAW,
    ),
]

_THE_WEBHOOK = [
    _one(
        "acknowledge-before-the-queue-has-it",
        "The webhook answers 200 when the queue did not take the event.",
        _WEBHOOK,
        "Webhook.receive",
        "        except Exception as error:\n            return _unavailable(error)\n",
        "        except Exception:\n            return ACCEPTED\n",
    ),
    _one(
        "fail-open",
        "While the secret cannot be read, anybody is admitted.",
        _WEBHOOK,
        "Webhook.receive",
        "except SecretUnavailableError as error:\n            return _unavailable(error)",
        "except SecretUnavailableError:\n            pass",
        "a request without its signature is accepted: https://github.com/aws-samples/serverless-patterns",
    ),
    _one(
        "forget-the-previous-secret",
        "A rotated secret is refused at once.",
        _SECRET,
        "WebhookSecret._refresh",
        "for secret in (current, previous) if secret",
        "for secret in (current,)",
        _ROTATED,
    ),
    _one(
        "a-stale-secret",
        "After a rotation the new secret is refused until the cache expires.",
        _SECRET,
        "WebhookSecret.admits",
        "fetched_at = self._fetched_at\n        self._refresh(RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS)",
        "fetched_at = self._fetched_at",
        _ROTATED,
    ),
    _one(
        "refused-on-a-fault-of-ours",
        "While the secret cannot be read again, a new one is refused.",
        _SECRET,
        "WebhookSecret.admits",
        "if self._fault:",
        "if self._fault and not self._accepted:",
        _ROTATED,
    ),
    _one(
        "part-of-the-header",
        "Only the beginning of the Authorization header is compared.",
        _SECRET,
        "WebhookSecret._matches",
        "presented = authorization.strip()",
        'presented = authorization.split(",")[0].strip()',
    ),
]

_THE_QUEUE = [
    _one(
        "failed-entries-unread",
        "What the queue refused of a batch is not noticed.",
        _QUEUE,
        "OrderEventsQueue._send_batch",
        'if refused := answer.get("Failed", []):',
        "if refused := []:",
        _UNREAD,
    ),
    _one(
        "the-last-batch-unsent",
        "What does not fill a batch is not sent.",
        _QUEUE,
        "OrderEventsQueue.send_all",
        "        if batch:\n            self._send_batch(batch)",
        "        return",
        _UNREAD,
    ),
    _one(
        "no-growing-back-off",
        "What failed comes back after the same few seconds, however often it failed.",
        _INTAKE,
        "backoff_seconds",
        "2.0 ** min(attempt - 1, 20)",
        "1.0",
        _THROTTLED,
    ),
    _one(
        "put-off-the-wrong-handle",
        "Messages are put off by their id, so none is.",
        _CONSUMER,
        "handler",
        'record["receiptHandle"]: attempts',
        'record["messageId"]: attempts',
        _BOUNDARY,
    ),
    _one(
        "a-failed-put-off-fails-the-batch",
        "When messages cannot be put off, the whole batch comes again.",
        _VISIBILITY,
        "Visibility.put_off",
        "            except (ClientError, BotoCoreError):\n                continue",
        "            except (ClientError, BotoCoreError):\n                raise",
    ),
]

_THE_BATCH = [
    _one(
        "parse-outside-the-record",
        "A body that cannot be read fails the whole batch.",
        _INTAKE,
        "Intake.process",
        "        orders: dict[str, list[_Arrived]] = {}\n",
        "        orders: dict[str, list[_Arrived]] = {}\n"
        "        for delivery in deliveries:\n            self._understand(delivery)\n",
        _BOUNDARY,
    ),
    _one(
        "an-empty-failure-list",
        "A fault that was not thought of is not among the failures.",
        _CONSUMER,
        "handler",
        "for message_id in outcome.failed]}",
        'for message_id, fault in outcome.failed.items() if "Throughput" in fault]}',
        _EMPTY,
    ),
    _one(
        "unfinished-is-done",
        "What is not written in time is taken for written.",
        _INTAKE,
        "Intake.process",
        "            fault_name = _fault(future)\n            if fault_name is None:\n",
        "            fault_name = _fault(future) if future.done() else None\n"
        "            if fault_name is None and future.done():\n",
        _UNFINISHED,
    ),
    _one(
        "one-after-another",
        "An order of a batch is written only once the one before it was.",
        _INTAKE,
        "Intake.process",
        "        tries = [(ids, self._executor.submit(self._in_time, step, remaining_seconds)) for ids, step in work]",
        "        tries = []\n"
        "        for ids, step in work:\n"
        "            tries.append((ids, self._executor.submit(self._in_time, step, remaining_seconds)))\n"
        "            wait([tries[-1][1]], timeout=max(0.0, remaining_seconds() - HAND_BACK_SECONDS))",
    ),
    _one(
        "wait-for-ever",
        "The consumer waits for slow writes until its own time is over.",
        _INTAKE,
        "Intake.process",
        "timeout=max(0.0, remaining_seconds() - HAND_BACK_SECONDS)",
        "timeout=None",
        _UNFINISHED,
    ),
    _one(
        "one-fails-all-fail",
        "A message that fails takes its neighbours with it.",
        _INTAKE,
        "Intake.process",
        "                    outcome.failed[message_id] = fault_name",
        "                    outcome.failed |= {delivery.message_id: fault_name for delivery in deliveries}",
        _BOUNDARY,
    ),
    _one(
        "the-last-of-the-batch",
        "Of several events of one order in a batch, only the last is written.",
        _INTAKE,
        "Intake._write",
        "[(one.event, one.arrival) for one in arrived]",
        "[(one.event, one.arrival) for one in arrived[-1:]]",
    ),
    _one(
        "retry-for-ever",
        "A body that will never be understood comes again and again.",
        _INTAKE,
        "Intake._understand",
        "raise _PermanentFaultError(message.body, arrival, error.reason, error.problems) from None",
        "raise error from None",
        _PERMANENT,
    ),
    _one(
        "a-throttled-event-is-rejected",
        "Any error of the table sends an event to the rejected.",
        _INTAKE,
        "Intake._write",
        '            if error.response["Error"]["Code"] != "ValidationException":\n                raise\n',
        "",
        _THROTTLED,
    ),
    _one(
        "rejected-and-forgotten",
        "A body is done with although it could not be kept among the rejected.",
        _INTAKE,
        "Intake._reject",
        "        self._rejected.keep(fault.body, fault.arrival, fault.reason, fault.problems)\n",
        "        try:\n            self._rejected.keep(fault.body, fault.arrival, fault.reason, fault.problems)\n"
        "        except Exception:\n            pass\n",
        _PERMANENT,
    ),
    _one(
        "rejected-again-and-again",
        "Each arrival of one rejected body is a row of its own.",
        _REJECTED,
        "RejectedTable._note",
        "Key=_key(digest_of(body))",
        "Key=_key(digest_of(body + to_text(self._clock()).encode()))",
    ),
]

_THE_TABLE = [
    _one(
        "forget-the-condition",
        "A late event moves the order back, since nothing asks whether it is lower.",
        _ORDERS,
        "OrdersTable._update",
        "OR snapshot_key < :",
        "OR attribute_exists(snapshot_key) OR snapshot_key < :",
        _LATE,
    ),
    _one(
        "forget-that-it-was-there",
        "An event that is there already is written over, and counted again.",
        _ORDERS,
        "OrdersTable._update",
        'conditions = [f"attribute_not_exists({place[EVENT + event.digest]})" for event, _ in new]',
        "conditions = []",
        _UNFINISHED,
    ),
    _one(
        "forget-the-version",
        "The second write is made on what the first one saw, whoever wrote in between.",
        _ORDERS,
        "OrdersTable._update",
        '            conditions = ["version = :version"]\n            values[":version"] = existing["version"]\n',
        '            conditions = ["attribute_exists(version)"]\n',
        _LATE,
    ),
    _one(
        "a-change-that-is-not-counted",
        "A late event that makes an order a sale does not count as a change, so nobody is told.",
        _ORDERS,
        "_changes_the_sale",
        "return lifecycle.sale(",
        "return False and lifecycle.sale(",
    ),
    _one(
        "skip-history-on-a-stale-event",
        "An event that does not move the snapshot is not kept.",
        _ORDERS,
        "OrdersTable.write",
        'moves = existing is None or head.supersedes(existing["snapshot_key"]["S"])\n',
        'moves = existing is None or head.supersedes(existing["snapshot_key"]["S"])\n'
        "            if not moves:\n"
        "                return Written(duplicates=len(events) - expired, expired=expired)\n",
        _LATE,
    ),
    _one(
        "a-failed-condition-is-a-duplicate",
        "Whatever the condition refuses is taken for a duplicate.",
        _ORDERS,
        "OrdersTable.write",
        'existing = error.response.get("Item") or None  # type: ignore[assignment]',
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
    _one(
        "older-bodies-dropped",
        "When an item is full, its older bodies are dropped instead of moved.",
        _ORDERS,
        "OrdersTable._move_bodies",
        '            self._put_body(order_id, name.removeprefix(EVENT), packed, int(item["expires_at"]["N"]))\n',
        "            continue\n",
    ),
    _one(
        "an-item-without-bounds",
        "Bodies stay in the order's item however many there are.",
        _ORDERS,
        "OrdersTable.write",
        "                self._move_bodies(head.order_id)",
        "                pass",
    ),
    _one(
        "what-was-stays",
        "What the new snapshot does not say, the old one still says in the order's attributes.",
        _ORDERS,
        "OrdersTable._update",
        "                    removes.append(name)",
        "                    continue",
    ),
    _one(
        "the-expired-comes-back",
        "An event of an order that is past its retention is stored again.",
        _ORDERS,
        "OrdersTable.is_expired",
        "return created_at is not None and",
        "return False and created_at is not None and",
    ),
    _one(
        "expiry-by-arrival",
        "The retention is counted from the arrival of the event.",
        _ORDERS,
        "OrdersTable._expires_at",
        "created_at = event.order.sys.created_at or event.occurred_at or arrival.received_at",
        "created_at = arrival.received_at",
    ),
    _one(
        "registered-before-it-is",
        "A store is remembered as registered before it was written.",
        _STORES,
        "StoresTable.register",
        "        text = {name: _storable(value) for name, value in given.items() if value}\n",
        "        text = {name: _storable(value) for name, value in given.items() if value}\n"
        "        self._registered.add(identity)\n",
        _UNFINISHED,
    ),
    _one(
        "register-strangers",
        "A store of another chain is registered, and asked after.",
        _STORES,
        "StoresTable.register",
        "        if self.is_foreign(store):\n            return\n",
        "",
    ),
]

_RECONCILING = [
    _one(
        "there-is-in-step",
        "An order that we have is taken to be in step, whatever we have of it.",
        _COMPARISON,
        "Comparison.compare",
        "(ours is not None and event.digest in ours.digests)",
        "ours is not None",
        "a poll that does not converge with the webhook: https://github.com/openlinker-project/openlinker",
    ),
    _one(
        "the-first-page-only",
        "Reading the platform's orders ends after one page.",
        _API,
        "PartnerApi._last_page",
        "        last = max(first.total_pages, 1)\n",
        "        last = 1\n",
        _PAGES,
    ),
    _one(
        "one-format-of-time",
        "An empty answer is taken for an empty store, though the platform could not read the times.",
        _API,
        "PartnerApi._first_page",
        "if not first.orders and (",
        "if False and (",
        _PAGES,
    ),
    _one(
        "queued-or-not",
        "A store counts as checked although the queue did not take what was missing.",
        _COMPARISON,
        "Comparison.compare",
        "                self._enqueue(store, [*zip(some, causes, strict=True)], correlation_id)\n",
        "                try:\n"
        "                    self._enqueue(store, [*zip(some, causes, strict=True)], correlation_id)\n"
        "                except Exception:\n"
        "                    pass\n",
        "cursor and effect are saved apart: https://github.com/n8n-io/n8n-docs/pull/5225",
    ),
    Mutant(
        "trust-a-lost-lease",
        "A worker whose lease was taken over goes on, and writes where it is.",
        (
            Edit(_LEASE, "Lease.keep", '            raise LeaseLostError("the lease ran out")\n', "            pass\n"),
            Edit(
                _LEASE,
                "Lease.keep",
                "if self._held_until - now <= DURATION * 3 / 4:",
                "if self._held_until and self._held_until - now <= DURATION * 3 / 4:",
            ),
            Edit(
                _LEASE,
                "Lease._write",
                '                raise LeaseLostError("another worker has taken the lease") from None\n',
                "                return\n",
            ),
            Edit(
                _POSITIONS,
                "ReconciliationTable._put",
                "attribute_not_exists(fence) OR fence <= :fence",
                "attribute_not_exists(fence) OR fence <> :fence OR fence = :fence",
            ),
        ),
        _UNFINISHED,
    ),
]

_ERASING = [
    _one(
        "erased-without-a-mark",
        "An order is erased, and takes later events with the customer's data.",
        _ERASURE,
        "Erasure._rewrite",
        '"erased_at": {"S": to_text(now)}, ',
        "",
    ),
]

_PUBLISHING = [
    _one(
        "a-refused-entry-is-published",
        "What the bus refuses of a request is not noticed.",
        _BUS,
        "EventBus._put",
        'codes = [entry.get("ErrorCode") for entry in answer["Entries"]]',
        'codes: list[str | None] = [None for _ in answer["Entries"]]',
        _UNREAD,
    ),
    _one(
        "pass-a-change-that-waits",
        "A change that waits is passed by the later ones of its order.",
        _PUBLISHER,
        "Publisher._round",
        "                    self._hold(waiting.pop(pk), code, published)\n",
        "                    self._hold(deque([waiting[pk][0]]), code, published)\n"
        "                    _done(pk, waiting)\n",
    ),
    _one(
        "rewrites-are-changes",
        "What moves or erases bodies is published as a change.",
        _PUBLISHER,
        "Publisher._event",
        "before.sequence == after.sequence",
        "before.version == after.version",
    ),
    _one(
        "an-id-of-its-own-each-time",
        "A change that is delivered again has another id.",
        _CHANGE,
        "order_changed",
        '"id": f"{after.order_id}/{after.sequence}"',
        '"id": f"{after.order_id}/{after.version}"',
    ),
    _one(
        "done-until-the-last-that-is-held",
        "Of what the stream has to bring again, only the last change is named.",
        "functions/publisher/app.py",
        "handler",
        "for number in published.held]}",
        "for number in published.held[-1:]]}",
    ),
    _one(
        "publish-whole-unasked",
        "Orders are published with the customer's data although the chain did not ask for it.",
        _CHANGE,
        "order_changed",
        "and not personal_data",
        "and personal_data",
    ),
    _one(
        "log-what-the-bus-says",
        "The fault that is logged of an entry is the bus's whole answer, which quotes the order.",
        _BUS,
        "EventBus._put",
        "else Fate.PERMANENT, code)",
        "else Fate.PERMANENT, f\"{code} {answer['Entries']}\")",
    ),
    _one(
        "the-order-in-an-attribute",
        "A dead letter of the publisher has the order among its attributes, which tools show.",
        _PUBLISHER,
        "PublisherDeadLetters.keep",
        'MessageBody=json.dumps(letter, separators=(",", ":")))',
        'MessageBody=json.dumps(letter, separators=(",", ":")),\n'
        '            MessageAttributes={"detail": {"DataType": "String", "StringValue": str(letter["detail"])}})',
    ),
]

MUTANTS = [
    *_THE_ORDER_OF_EVENTS,
    *_THE_SAME_EVENT,
    *_THE_BODY,
    *_THE_WEBHOOK,
    *_THE_QUEUE,
    *_THE_BATCH,
    *_THE_TABLE,
    *_RECONCILING,
    *_ERASING,
    *_PUBLISHING,
]
