"""What is not promised, and what is promised beside it."""

from tests.promises.intake import LOWER_LIMIT
from tests.promises.outages import RECONCILER_FINDS
from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, promise, proof, same_as

_WINDOWS = f"{PACKAGE}/reconciler/windows.py"
_NARROWING = "tests/integration/reconciler/test_narrowing.py"
_UNENDED = "tests/integration/reconciler/test_unended_visits.py"
_NUMBERS = "tests/unit/docs/test_numbers.py"
_PLATFORM = "What the platform does."
_LIMIT = "A limit."

NOT_PROMISED: tuple[Entry, ...] = (
    NoPromise("**That the platform sends everything.**", _LIMIT),
    NoPromise("It gives up after 5 retries.", _PLATFORM),
    promise("The reconciler finds what was never sent at its next visit to the store.", RECONCILER_FINDS),
    promise(
        "It visits each store every 5 minutes.",
        proof(
            f"{_NUMBERS}::test_numbers_are_the_codes",
            "The schedule has it run every 50 minutes.",
            "template.yaml",
            "ReconciliationSchedule",
            "rate(5 minutes)",
            "rate(50 minutes)",
        ),
        proof(
            "tests/integration/reconciler/test_odd_orders.py::test_older_look_takes_no_more_requests[fake]",
            "A run leaves out a store that was checked in the last hour.",
            f"{PACKAGE}/reconciler/schedule.py",
            "Schedule.due",
            "servable = [due for due in every if not due.position.is_given_up(now)]",
            "servable = [due for due in every if not due.position.is_given_up(now) and (due.position.checked_until is None"
            " or now - due.position.checked_until > timedelta(hours=1))]",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_schedule_is_on_by_default",
            "The schedule is off unless somebody switches it on.",
            "template.yaml",
            "ReconciliationState",
            "Default: ENABLED",
            "Default: DISABLED",
        ),
        proof(
            "tests/unit/template/test_known_properties.py::test_schedules_are_kept_to_the_minute[orders]",
            "A run may begin up to an hour late.",
            "template.yaml",
            "ReconcilerFunction",
            "            ScheduleExpression: !Ref ReconciliationSchedule\n",
            "            ScheduleExpression: !Ref ReconciliationSchedule\n"
            "            FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 60}\n",
        ),
        proof(
            "tests/unit/template/test_known_properties.py::test_schedules_are_exact",
            "Stores are visited every hour, whatever the parameter says.",
            "template.yaml",
            "ReconcilerFunction",
            "ScheduleExpression: !Ref ReconciliationSchedule",
            "ScheduleExpression: rate(1 hour)",
        ),
    ),
    promise(
        "With some 700 stores that becomes a quarter of an hour, since the platform allows 60 requests a minute.",
        proof(
            f"{_NUMBERS}::test_round_of_700_stores_takes_a_quarter_of_an_hour",
            "The reconciler takes half of the limit.",
            f"{PACKAGE}/platform/rate_limit.py",
            "workers_share",
            "limit_per_minute * 9 // 10",
            "limit_per_minute // 2",
        ),
    ),
    NoPromise(
        "An order may change when it is no longer open and more than 15 minutes old.",
        "A limit; the number is compared with the code.",
    ),
    promise(
        "The daily check of the last week finds such a change.",
        proof(
            "tests/integration/reconciler/test_schedule.py::test_late_cancellation_is_found[fake]",
            "The daily check looks a day back.",
            _WINDOWS,
            "DAILY_CHECK_REACH",
            "timedelta(days=7)",
            "timedelta(days=1)",
        ),
        proof(
            "tests/integration/reconciler/test_schedule.py::test_daily_check_covers_a_week[fake]",
            "The daily check is made each week.",
            _WINDOWS,
            "DAILY_CHECK_EVERY",
            "timedelta(days=1)",
            "timedelta(days=7)",
        ),
    ),
    promise(
        "Only a backfill finds older changes.",
        proof(
            "tests/integration/reconciler/test_backfill.py::test_backfill_of_older_changes[fake]",
            "A backfill looks a week back.",
            f"{PACKAGE}/reconciler/backfill.py",
            "BackfillRequest.from_event",
            "return cls(max(start, now - history), end",
            "return cls(max(start, now - timedelta(days=7)), end",
        ),
    ),
    NoPromise("**Minutes that the platform cannot show.**", _LIMIT),
    NoPromise("One order may break every response that contains it.", _PLATFORM),
    promise(
        "We then miss the orders of its minute that no webhook brought.",
        proof(
            f"{_NARROWING}::test_bad_order_hides_only_its_minute[fake-server_error]",
            "The orders of the whole hour are missed.",
            _WINDOWS,
            "SHORTEST_PART",
            "timedelta(minutes=1)",
            "timedelta(hours=1)",
        ),
    ),
    promise(
        "The report names the minute, and the reconciler tries it again daily.",
        proof(
            f"{_NARROWING}::test_bad_order_hides_only_its_minute[fake-server_error]",
            "The report does not name the minute.",
            f"{PACKAGE}/reconciler/report.py",
            "left_out_to_json",
            '"from": to_text(left_out.start)',
            '"from": to_text(left_out.end)',
        ),
        proof(
            f"{_NARROWING}::test_left_out_minute_is_tried_daily[fake]",
            "It is tried again after a month.",
            _WINDOWS,
            "LEFT_OUT_FOR",
            "timedelta(days=1)",
            "timedelta(days=30)",
        ),
    ),
    promise(
        "If every worker is killed at one store, only the orders of that store are missed.",
        proof(
            f"{_UNENDED}::test_others_are_served_before_the_killer[fake]",
            "A store at which workers are killed keeps its turn.",
            f"{PACKAGE}/reconciler/schedule.py",
            "_priority",
            "return -position.unended_visits, urgent",
            "return position.unended_visits, urgent",
        ),
    ),
    NoPromise("**Orders of a store that we do not know.**", _LIMIT),
    NoPromise("The API has no list of stores.", _PLATFORM),
    promise(
        "We know a store from its first event on, or once you register it with `partner-orders stores set <store>` or "
        "`stores import`.",
        proof(
            "tests/console/test_orders_and_stores.py::test_store_is_registered_without_settings",
            "Only a setting registers a store.",
            f"{CONSOLE}/operations/store_settings.py",
            "set_store",
            "if not is_new and settings == StoreSettings():",
            "if settings == StoreSettings():",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_store_is_registered_once[fake]",
            "Events register no store.",
            f"{PACKAGE}/consumer/intake.py",
            "Intake._write",
            "        self._register_stores([one.event for one in arrived])\n",
            "",
        ),
        proof(
            "tests/contracts/test_stores_by_clock.py::test_taken_over_store_keeps_its_settings[fake]",
            "An event that names its store by the chain's own code alone registers no store.",
            f"{PACKAGE}/stores/facts.py",
            "told_by",
            "name = store_of(client)",
            "name = client.store_id",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_store_of_a_copy_is_registered[fake]",
            "Only an event that is stored registers its store, and not its copy after a failure.",
            f"{PACKAGE}/consumer/intake.py",
            "Intake._write",
            "        self._register_stores([one.event for one in arrived])\n",
            "        if written.stored:\n            self._register_stores([one.event for one in arrived])\n",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_store_with_only_an_id_is_registered[fake]",
            "An event that names no chain registers no store.",
            f"{PACKAGE}/stores/table.py",
            "StoresTable.is_foreign",
            "bool(store.chain_id) and ",
            "",
        ),
        proof(
            "tests/console/test_orders_and_stores.py::test_new_store_is_announced",
            "An operator's store is not registered.",
            f"{PACKAGE}/stores/table.py",
            "StoresTable.set",
            "        self._table.update(keys.store(store_id), update)\n",
            "",
        ),
        proof(
            "tests/console/test_orders_and_stores.py::test_import_is_all_or_nothing",
            "An import registers no store.",
            f"{PACKAGE}/stores/table.py",
            "StoresTable.set",
            "        self._table.update(keys.store(store_id), update)\n",
            "",
        ),
    ),
    NoPromise("**Intermediate states that were never received.**", _LIMIT),
    NoPromise("A GET shows only the latest state.", _PLATFORM),
    same_as(
        "So snapshots become complete, but a history holds only the states that we received.",
        "The reconciler finds what was never sent at its next visit to the store.",
    ),
    NoPromise("**Anything from more than 60 days ago.**", "A limit; the number is compared with the code."),
    NoPromise("The platform does not show it.", _PLATFORM),
    NoPromise("**Orders of more than 262,144 bytes.**", "A limit; the number is compared with the code."),
    promise(
        "The webhook answers 413, and the reconciler counts these orders in its report (`too_large`).",
        proof(
            "tests/integration/webhook/test_endpoint.py::test_limit_counts_bytes",
            "The webhook acknowledges such an order.",
            f"{PACKAGE}/webhook/endpoint.py",
            "TOO_LARGE",
            "Response(413,",
            "Response(200,",
        ),
        proof(
            "tests/integration/reconciler/test_faults.py::test_order_too_large_is_counted[fake]",
            "The reconciler leaves such an order out without a word.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._parse",
            "                report.too_large.add(digest_of(body))\n",
            "",
        ),
        proof(
            "tests/integration/reconciler/test_faults.py::test_order_too_large_is_counted[fake]",
            "Only the last such order is counted.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._parse",
            "report.too_large.add(digest_of(body))",
            "report.too_large = {digest_of(body)}",
        ),
        LOWER_LIMIT,
    ),
    NoPromise("One line of an order has some 500 bytes.", "A size of the platform's orders, for orientation."),
    NoPromise("**Unmasked data** where the platform only ever sent masked data.", _LIMIT),
    NoPromise("**The sequence of events** across different orders.", _LIMIT),
    NoPromise("**Fairness between stores.**", _LIMIT),
    NoPromise("All stores share one queue, and the events of all their webhooks are one group of it.", _LIMIT),
    NoPromise("A store with a flood of events delays the others.", _LIMIT),
    NoPromise(
        "SQS keeps only the sources of events apart (webhook, reconciler, replay, answers), as best it can (ADR 2).",
        "SQS's own best effort, as ADR 2 says.",
    ),
)
