"""What the stored order is, whatever events came in whatever order; and whether it is a sale."""

from tools.promises.promise import PACKAGE, Entry, promise, proof

_EVENT = f"{PACKAGE}/orders/event.py"
_HISTORY = f"{PACKAGE}/orders/history.py"
_LIFECYCLE = f"{PACKAGE}/orders/lifecycle.py"
_READING = f"{PACKAGE}/orders/reading.py"
_FIELDS = f"{PACKAGE}/orders/fields.py"
_MODEL = f"{PACKAGE}/orders/model.py"
_PLAN = f"{PACKAGE}/orders/plan.py"
_TABLE = f"{PACKAGE}/orders/table.py"

_LAWS = "tests/property/orders/test_history.py"
_OBSERVATIONS = "tests/property/orders/test_observations.py"
_ORDER = "tests/unit/orders/test_event_order.py"
_PARSING = "tests/unit/orders/test_event.py"
_TEXT = "tests/unit/orders/test_reading.py"
_STORED = "tests/integration/orders/test_table.py"
_CONSUMER = "tests/integration/consumer/test_intake.py"
_BOOKKEEPING = "tests/property/orders/test_bookkeeping.py::test_only_bookkeeping_depends_on_arrival"
_NUMBERS = "tests/unit/docs/test_numbers.py::test_numbers_are_the_codes"

ANY_ORDER = proof(
    f"{_OBSERVATIONS}::test_convergence_over_observations",
    "The event that came last is the snapshot.",
    _TABLE,
    "_is_blind",
    'less("snapshot_key", max(map(key_of, new)))',
    'present("snapshot_key")',
)
REPEATED = proof(
    f"{_STORED}::test_duplicate_is_one_request[fake]",
    "An event that comes again counts as new.",
    _PLAN,
    "plan_write",
    "    new = [pair for pair in events if pair[0].digest not in entries]",
    "    new = [*events]",
)
ANY_GROUPING = proof(
    f"{_OBSERVATIONS}::test_convergence_over_observations",
    "Of the new events of a batch only the first is stored.",
    _TABLE,
    "OrdersTable._update",
    "        for event, arrival in plan.new:",
    "        for event, arrival in plan.new[:1]:",
)
_ANY_KEY_ORDER = proof(
    f"{_LAWS}::test_rewritten_event_has_the_same_digest",
    "A body in another key order is another event.",
    _READING,
    "_Walk.read_object",
    "for name in sorted(value):",
    "for name in value:",
)
FINAL_STAYS = proof(
    f"{_LAWS}::test_latest_true_state_keeps_final",
    "A later status that is not final replaces a final one.",
    _EVENT,
    "OrderEvent.moment",
    "{final}|{_microseconds(self.occurred_at):018d}|",
    "{_microseconds(self.occurred_at):018d}|{final}|",
)
DELIVERED_STAYS = proof(
    "tests/unit/orders/test_event_order.py::test_final_status_stays",
    "DELIVERED is not final.",
    _LIFECYCLE,
    "_FINAL",
    "frozenset({PICKED_UP, DELIVERED, CANCELLED})",
    "frozenset({PICKED_UP, CANCELLED})",
)
_CRASH = proof(
    f"{_STORED}::test_retry_after_success_is_a_duplicate[fake]",
    "A write that took effect before it failed counts twice.",
    _PLAN,
    "plan_write",
    "    new = [pair for pair in events if pair[0].digest not in entries]",
    "    new = [*events]",
)


_SHOWING_ARRIVES = proof(
    f"{_CONSUMER}::test_shown_event_is_the_snapshot",
    "The consumer drops the time of a GET.",
    f"{PACKAGE}/consumer/intake.py",
    "Intake._understand",
    "message.correlation_id, message.shown_at)",
    "message.correlation_id)",
)
_SHOWING_IS_SENT = proof(
    "tests/integration/reconciler/test_comparison.py::test_what_is_enqueued_says_when_it_was_shown",
    "The reconciler does not say when the platform showed an order.",
    f"{PACKAGE}/reconciler/comparison.py",
    "Comparison._enqueue",
    "correlation_id, finding.body, shown_at)",
    "correlation_id, finding.body)",
)


REPETITION_ORDER_CONFLICT: tuple[Entry, ...] = (
    promise(
        "Two things alone decide what the stored order is: the set of distinct events that we have seen, and when the "
        "Partner API last showed each of them.",
        ANY_ORDER,
        proof(
            f"{_OBSERVATIONS}::test_convergence_over_observations",
            "The last showing that came counts, not the latest.",
            _PLAN,
            "_is_shown_later",
            "    return _is_later(arrival.shown_at, known)",
            "    return arrival.shown_at is not None and arrival.shown_at != known",
        ),
        _SHOWING_ARRIVES,
        _SHOWING_IS_SENT,
    ),
    promise(
        "The sequence of the events, repetitions, batching and crashes make no difference.",
        ANY_ORDER,
        REPEATED,
        ANY_GROUPING,
        _CRASH,
        proof(
            f"{_STORED}::test_crash_after_the_body_is_healed[fake]",
            "A large body is stored after the row that refers to it, and not at all after a crash.",
            _TABLE,
            "OrdersTable._put_body",
            "            self._table.put_new(key, {",
            "            self._table.get(key) is None or self._table.put_new(key, {",
        ),
    ),
    promise(
        "Two bodies are the same event when they say the same.",
        _ANY_KEY_ORDER,
        proof(
            "tests/property/orders/test_digest.py::test_any_difference_makes_another_event",
            "Events that differ in an unknown field are one.",
            _READING,
            "_Walk.write_raw",
            "                self.out.append(quote(value))",
            "                self.out.append(quote(value[:1]))",
        ),
    ),
    promise(
        "Key order, white space, `10` instead of `10.0` and `sys.webhook_status` make no difference.",
        _ANY_KEY_ORDER,
        proof(
            f"{_TEXT}::test_text_of_what_we_do_not_know",
            "The keys of an object that we do not know count in the order in which they came.",
            _READING,
            "_Walk.write_raw",
            "for name in sorted(value):",
            "for name in value:",
        ),
        proof(
            f"{_LAWS}::test_rewritten_event_has_the_same_digest",
            "10 and 10.0 are two numbers.",
            f"{PACKAGE}/exact_json.py",
            "number_by_value",
            "        return str(int(number))",
            "        return str(number)",
        ),
        proof(
            f"{_LAWS}::test_rewritten_event_has_the_same_digest",
            "The webhook status makes another event.",
            _READING,
            "VOLATILE",
            'frozenset({"sys.webhook_status"})',
            "frozenset[str]()",
        ),
        proof(
            f"{_STORED}::test_first_text_is_kept[fake-False]",
            "White space before a body makes another event.",
            _EVENT,
            "event_from",
            "digest=digest_of_canonical(reading.canonical)",
            'digest=digest_of_canonical(reading.canonical + " " * body.startswith(b" "))',
        ),
    ),
    promise(
        "In fields that we know, null counts as absent.",
        proof(
            f"{_LAWS}::test_rewritten_event_has_the_same_digest",
            "A field that is null makes another event than one that is absent.",
            _READING,
            "_Walk.read_object",
            "(item is None or described.is_volatile)",
            "described.is_volatile",
        ),
        proof(
            f"{_TEXT}::test_null_is_absent_in_every_known_field",
            "Null in place of a list makes another event.",
            _READING,
            "_Walk.read_object",
            "(item is None or described.is_volatile)",
            "((item is None and described.element is None) or described.is_volatile)",
        ),
    ),
    promise(
        "A number or a flag may come as text, and a single barcode may come in place of a list.",
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "A number that comes as text cannot be read.",
            _FIELDS,
            "_number",
            "not isinstance(value, int | Decimal | str)",
            "not isinstance(value, int | Decimal)",
        ),
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "A flag that comes as text cannot be read.",
            _FIELDS,
            "_flag",
            "            word = value.strip().lower()",
            '            word = ""',
        ),
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "A single barcode cannot be read.",
            _READING,
            "_Walk._read_list",
            "            value = [value]",
            '            raise UnreadableError("Input should be a valid list")',
        ),
    ),
    promise(
        "The UUID of an order, a store or the chain may come in upper or lower case, and `CANCELED` means `CANCELLED`.",
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "A UUID in upper case is another one.",
            _FIELDS,
            "_identifier",
            "        text = text.lower()",
            "        text = str(text)",
        ),
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "CANCELED is a status of its own.",
            _LIFECYCLE,
            "_SPELLINGS",
            '"CANCELED": CANCELLED, ',
            "",
        ),
    ),
    promise(
        "Parts that cannot be read are compared as they came.",
        proof(
            f"{_PARSING}::test_odd_parts_tell_events_apart",
            "Two parts that cannot be read are the same.",
            _READING,
            "_Walk.read_field",
            "            self.write_raw(value)",
            '            self.out.append("null")',
        ),
    ),
    promise(
        "The snapshot of an order is its greatest event.",
        proof(
            "tests/property/orders/test_event.py::test_no_event_supersedes_the_snapshot",
            "The snapshot is the least event.",
            _HISTORY,
            "MergedOrder.snapshot",
            "return max(",
            "return min(",
        ),
        ANY_ORDER,
    ),
    promise(
        "Final statuses (CANCELLED, PICKED_UP, DELIVERED) are above the rest.",
        FINAL_STAYS,
        DELIVERED_STAYS,
        proof(
            f"{_LAWS}::test_latest_true_state_keeps_final",
            "PICKED_UP is not final.",
            _LIFECYCLE,
            "_FINAL",
            "frozenset({PICKED_UP, DELIVERED, CANCELLED})",
            "frozenset({DELIVERED, CANCELLED})",
        ),
    ),
    promise(
        "Between equals, the platform's clock decides, and then the place in the lifecycle.",
        proof(
            f"{_ORDER}::test_rule_decides_between_equals",
            "The place in the lifecycle decides before the clock.",
            _EVENT,
            "OrderEvent.moment",
            "{_microseconds(self.occurred_at):018d}|{lifecycle.rank(self.status)}",
            "{lifecycle.rank(self.status)}|{_microseconds(self.occurred_at):018d}",
        ),
        proof(
            f"{_LAWS}::test_latest_true_state_ranks_equal_times",
            "The place in the lifecycle does not count.",
            _EVENT,
            "OrderEvent.moment",
            "{lifecycle.rank(self.status)}",
            "0",
        ),
    ),
    promise(
        "Next, the event with more readable personal values wins, so a masked copy never hides a full one.",
        proof(
            f"{_OBSERVATIONS}::test_latest_true_state_is_not_masked",
            "Personal values do not count.",
            _EVENT,
            "OrderEvent.snapshot_key_at",
            "{min(self.unmasked, 999_999):06d}",
            "0",
        ),
        proof(
            f"{_ORDER}::test_rule_decides_between_equals",
            "A GET that shows a masked copy hides the full one.",
            _EVENT,
            "OrderEvent.snapshot_key_at",
            "{min(self.unmasked, 999_999):06d}|{_microseconds(shown_at):018d}",
            "{_microseconds(shown_at):018d}|{min(self.unmasked, 999_999):06d}",
        ),
    ),
    promise(
        "Next, the event wins that the Partner API showed most recently as the current state.",
        proof(
            f"{_STORED}::test_confirmation_decides_between_equals",
            "What a GET showed does not count.",
            _EVENT,
            "OrderEvent.snapshot_key_at",
            "{_microseconds(shown_at):018d}",
            "{_microseconds(None):018d}",
        ),
        _SHOWING_ARRIVES,
        _SHOWING_IS_SENT,
        proof(
            f"{_ORDER}::test_latest_showing_outranks_more_content",
            "The body that says more wins over what a GET showed.",
            _EVENT,
            "OrderEvent.snapshot_key_at",
            '|{_microseconds(shown_at):018d}"\n            f"|{min(self.richness, 999_999):06d}',
            '|{min(self.richness, 999_999):06d}"\n            f"|{_microseconds(shown_at):018d}',
        ),
    ),
    promise(
        "Then the body that says more wins.",
        proof(
            f"{_ORDER}::test_rule_decides_between_equals",
            "How much a body says does not count.",
            _EVENT,
            "OrderEvent.snapshot_key_at",
            "{min(self.richness, 999_999):06d}",
            "0",
        ),
    ),
    promise(
        "The digest decides last.",
        proof(
            f"{_ORDER}::test_digest_decides_last",
            "The first of equal events stays the snapshot.",
            _HISTORY,
            "MergedOrder.snapshot",
            "key=self.key_of",
            'key=lambda event: self.key_of(event).rpartition("|")[0]',
        ),
    ),
    promise(
        "Every distinct event stays in the history.",
        proof(
            f"{_LAWS}::test_nothing_lost_from_the_history",
            "Of two events of one status and time only one stays.",
            _HISTORY,
            "merge",
            "distinct.setdefault(event.digest, event)",
            "distinct.setdefault(event.moment, event)",
        ),
        ANY_GROUPING,
        proof(
            f"{_STORED}::test_long_history_keeps_a_small_row[fake]",
            "An event whose body moves to a row of its own leaves the history.",
            _TABLE,
            "OrdersTable._move",
            'update.remove(*((EVENT + digest,) if entries else (EVENT + digest, "body")))',
            "update.remove(EVENT + digest)",
        ),
    ),
    promise(
        "The platform's clock of an event is its `sys.updated_at`, or else its `sys.created_at`.",
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "The clock is created_at.",
            _MODEL,
            "Order.occurred_at",
            "        return updated_at or created_at",
            "        return created_at or updated_at",
        ),
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "An event without updated_at has no clock.",
            _MODEL,
            "Order.occurred_at",
            "        return updated_at or created_at",
            "        return updated_at",
        ),
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "The clock is the later of both.",
            _MODEL,
            "Order.occurred_at",
            "        return updated_at or created_at",
            "        return max(filter(None, (updated_at, created_at)), default=None)",
        ),
    ),
    promise(
        "A time before 2010 or from 2100 on does not count as a clock.",
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "A time of 2009 is a clock.",
            _FIELDS,
            "FIRST_TIME",
            "2010",
            "2009",
        ),
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "A time of 2100 is a clock.",
            _FIELDS,
            "_instant",
            "FIRST_TIME <= instant < END_OF_TIME",
            "FIRST_TIME <= instant <= END_OF_TIME",
        ),
    ),
    promise(
        "Nor does an `updated_at` that is more than 60 days after `created_at`.",
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "Any updated_at counts.",
            _MODEL,
            "Order.occurred_at",
            "updated_at - created_at > LONGEST_LIFE",
            "False",
        ),
        proof(
            f"{_ORDER}::test_clock_of_an_event",
            "An updated_at of just 60 days does not count.",
            _MODEL,
            "Order.occurred_at",
            "updated_at - created_at > LONGEST_LIFE",
            "updated_at - created_at >= LONGEST_LIFE",
        ),
    ),
    promise(
        "No event is dropped because of its own clock.",
        proof(
            f"{_STORED}::test_old_order_is_kept_for_two_weeks[fake]",
            "An event of last year is not stored.",
            _TABLE,
            "OrdersTable.write",
            "        distinct = distinct_events(events)",
            "        if all(event.occurred_at and event.occurred_at.year < 2025 for event, _ in events):\n"
            "            return Written()\n"
            "        distinct = distinct_events(events)",
        ),
        proof(
            f"{_STORED}::test_any_clock_is_stored[fake-False]",
            "A late event is left out if it arrives more than 60 days after its own clock.",
            _PLAN,
            "plan_write",
            "if pair[0].digest not in entries]",
            "if pair[0].digest not in entries\n"
            "           and (not pair[0].occurred_at or (pair[1].received_at - pair[0].occurred_at).days < 60)]",
        ),
        proof(
            f"{_STORED}::test_any_clock_is_stored[fake-True]",
            "An event is left out of a batch if its own clock is ahead.",
            _PLAN,
            "distinct_events",
            "    for event, arrival in events:\n",
            "    for event, arrival in events:\n"
            "        if event.occurred_at and event.occurred_at > arrival.received_at:\n"
            "            continue\n",
        ),
    ),
    promise(
        "An order past its retention is kept with its whole history until 14 days after its last new event came.",
        proof(
            f"{_STORED}::test_old_order_is_kept_for_two_weeks[fake]",
            "An order past its retention expires at once.",
            _TABLE,
            "OrdersTable._expires_at",
            "max(_seconds(created_at + self._retention), _seconds(arrival.received_at + LEAST_RETENTION))",
            "_seconds(created_at + self._retention)",
        ),
        proof(
            f"{_STORED}::test_late_event_keeps_the_order_for_two_weeks[fake]",
            "A late event does not prolong the time.",
            _TABLE,
            "OrdersTable._keep_longer",
            "< least:",
            "< 0:",
        ),
        proof(
            f"{_STORED}::test_last_event_of_a_batch_keeps_the_order[fake-days0]",
            "Of the late events of a batch the first one decides how long the order is kept.",
            _TABLE,
            "_least_expiry",
            "return max(",
            "return min(",
        ),
        proof(
            f"{_STORED}::test_head_that_came_first_takes_no_time[fake-False]",
            "A head that arrived before a late event takes the late event's time.",
            _TABLE,
            "OrdersTable.write",
            "self._keep_as_long_as_before(",
            "0 and self._keep_as_long_as_before(",
        ),
        proof(
            f"{_STORED}::test_head_that_came_first_takes_no_time[fake-True]",
            "Of the events of a batch the head alone decides how long the order is kept.",
            _TABLE,
            "OrdersTable._move_head",
            "max(self._expires_at(event, arrival), least_expiry)",
            "self._expires_at(event, arrival)",
        ),
        proof(
            f"{_STORED}::test_late_event_keeps_the_whole_history[fake-False-below the head]",
            "A late event prolongs the time of the order's row only.",
            _TABLE,
            "OrdersTable.write",
            "self._keep_own_rows_longer(plan.events",
            "0 and self._keep_own_rows_longer(plan.events",
        ),
        proof(
            f"{_STORED}::test_late_event_keeps_the_whole_history[fake-True-new head]",
            "A consumer that is killed leaves large bodies to expire before their order.",
            _TABLE,
            "OrdersTable.write",
            "self._keep_own_rows_longer(distinct",
            "0 and self._keep_own_rows_longer(distinct",
        ),
        proof(
            f"{_STORED}::test_old_order_is_kept_for_two_weeks[fake]",
            "A large body past its retention expires at once.",
            _TABLE,
            "OrdersTable._inline_bodies",
            "packed, self._expires_at(event, arrival), replace",
            "packed, _seconds(history.created_at(event.order, arrival.received_at) + self._retention), replace",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_table_settings",
            "Rows expire by an attribute that none has.",
            "template.yaml",
            "OrdersTable",
            "AttributeName: expires_at",
            "AttributeName: expire_at",
        ),
    ),
    promise(
        "If another body has the same order, status and time, it is stored in the history and counted as a conflict.",
        proof(
            f"{_STORED}::test_conflict_is_stored_and_counted[fake]",
            "A conflict is not counted.",
            _PLAN,
            "conflicts_with",
            "    return history.conflicts([*earlier, *moments]) - history.conflicts(earlier)",
            "    return 0 * len([*earlier, *moments])",
        ),
        proof(
            f"{_CONSUMER}::test_conflict_is_counted",
            "The consumer does not count conflicts.",
            f"{PACKAGE}/consumer/intake.py",
            "Intake._write",
            "Conflict=written.conflicts,",
            "Conflict=0,",
        ),
        proof(
            f"{_LAWS}::test_nothing_lost_from_the_history",
            "Of two events of one status and time only one stays.",
            _HISTORY,
            "merge",
            "distinct.setdefault(event.digest, event)",
            "distinct.setdefault(event.moment, event)",
        ),
    ),
    promise(
        "Only bookkeeping depends on how events arrive.",
        proof(
            _BOOKKEEPING,
            "The status is that of the event that came last.",
            _TABLE,
            "OrdersTable._update",
            '        update.increment("version")',
            '        update.set("last_status", plan.events[-1][0].status)\n        update.increment("version")',
        ),
    ),
    promise(
        "This covers `version`, `sequence`, `republished`, `received_at`, `source`, `correlation_id` and `body_bytes`.",
        proof(
            _BOOKKEEPING,
            "An order has the time of its first arrival in another place as well.",
            _TABLE,
            "OrdersTable._update",
            '        update.increment("version")',
            '        update.default("first_at", to_text(plan.events[0][1].received_at))\n'
            '        update.increment("version")',
        ),
        proof(
            _BOOKKEEPING,
            "An open order that was replayed is not listed as open.",
            _TABLE,
            "_head",
            '"open": open_partition(store_id, event.status),',
            '"open": open_partition(store_id, event.status) if arrival.source != "replay" else None,',
        ),
    ),
    promise(
        "It also covers in which row a body is kept.",
        proof(
            f"{_STORED}::test_large_body_has_its_own_row[fake]",
            "A body that moved out of the order's row is not read back.",
            f"{PACKAGE}/orders/stored.py",
            "stored_order",
            '        bodies[digest] = other["body"]',
            "        bodies = {}",
        ),
    ),
    promise(
        "If an order's snapshot has no time from the platform, `listed_at` and `expires_at` depend on arrival too.",
        proof(
            _BOOKKEEPING,
            "The place of an order in the lists depends on arrival, also where the platform gave a time.",
            _TABLE,
            "OrdersTable._move_head",
            "        is_timed = history.claimed_creation(event.order) is not None",
            "        is_timed = False",
        ),
    ),
    promise(
        "If two copies say the same, the text of the first copy is kept.",
        proof(
            f"{_STORED}::test_first_text_is_kept[fake-True]",
            "Of two copies in one batch the second is kept.",
            _PLAN,
            "distinct_events",
            "        first = distinct.setdefault(event.digest, (event, arrival))[1]",
            "        distinct[event.digest] = (event, arrival)\n        first = arrival",
        ),
        proof(
            f"{_STORED}::test_first_text_is_kept[fake-True]",
            "In one batch, the text of a copy that a GET showed replaces that of the first copy.",
            _PLAN,
            "distinct_events",
            "(distinct[event.digest][0], replace(first,",
            "(event, replace(first,",
        ),
        proof(
            f"{_STORED}::test_first_text_is_kept[fake-False]",
            "A large body is written over by its second copy.",
            _TABLE,
            "OrdersTable._put_body",
            "        if replace:",
            "        if True:",
        ),
    ),
)

IS_IT_A_SALE: tuple[Entry, ...] = (
    promise(
        "An order is a sale if its snapshot is dispatched, picked up or delivered.",
        proof(
            f"{_LAWS}::test_sale_stays_a_sale",
            "A dispatched order is not a sale yet.",
            _LIFECYCLE,
            "_LEFT_THE_STORE",
            "frozenset({DISPATCHED, PICKED_UP, DELIVERED})",
            "frozenset({PICKED_UP, DELIVERED})",
        ),
        proof(
            f"{_PARSING}::test_sale_by_snapshot_then_history",
            "An order that was picked up is not a sale.",
            _LIFECYCLE,
            "_LEFT_THE_STORE",
            "frozenset({DISPATCHED, PICKED_UP, DELIVERED})",
            "frozenset({DISPATCHED, DELIVERED})",
        ),
    ),
    promise(
        "A cancelled order is a sale if `post_picked_up` is true, and not a sale if it is false.",
        proof(
            f"{_PARSING}::test_sale_by_snapshot_then_history",
            "A cancelled order is never a sale if the cancellation says anything.",
            _HISTORY,
            "sale",
            "Sale.YES if post_picked_up else Sale.NO",
            "Sale.NO",
        ),
        proof(
            f"{_PARSING}::test_sale_by_snapshot_then_history",
            "The history decides whatever the cancellation says.",
            _HISTORY,
            "sale",
            "if post_picked_up is not None:",
            "if post_picked_up:",
        ),
        proof(
            f"{_STORED}::test_stored_cancellation_decides_the_sale[fake-True]",
            "The table does not keep what a cancellation says.",
            _TABLE,
            "_head",
            '"post_picked_up": order.post_picked_up,',
            '"post_picked_up": None,',
        ),
    ),
    promise(
        "If the cancellation does not say, the history decides, and the order is marked as disputed.",
        proof(
            f"{_LAWS}::test_sale_stays_a_sale",
            "A cancelled order of which nothing is said is no sale.",
            _HISTORY,
            "sale",
            "has_left = any(map(lifecycle.has_left_the_store, statuses))",
            "has_left = False",
        ),
        proof(
            f"{_OBSERVATIONS}::test_convergence_over_observations",
            "A dispatch that moved out of the row of a long history does not count.",
            _TABLE,
            "OrdersTable._move",
            "update.set(MOVED_STATUSES, sorted(statuses))",
            "update.set(MOVED_STATUSES, [])",
        ),
        proof(
            f"{_PARSING}::test_sale_by_snapshot_then_history",
            "What the history decided is not disputed.",
            _HISTORY,
            "sale",
            "    return SaleRuling(Sale.YES if has_left else Sale.NO, True)",
            "    return SaleRuling(Sale.YES if has_left else Sale.NO, False)",
        ),
        proof(
            "tests/integration/publisher/test_publish.py::test_late_sale_is_an_update",
            "No order on the bus is marked as disputed.",
            f"{PACKAGE}/publisher/change_event.py",
            "order_changed",
            '"disputed": after.disputed,',
            '"disputed": False,',
        ),
    ),
    promise(
        "In any other status, it is not known whether the order is a sale.",
        proof(
            f"{_PARSING}::test_sale_by_snapshot_then_history",
            "An open order is no sale.",
            _HISTORY,
            "sale",
            "SaleRuling(Sale.NOT_YET_KNOWN, False)",
            "SaleRuling(Sale.NO, False)",
        ),
    ),
)
