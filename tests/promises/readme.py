"""The README: what it promises beside the guarantees."""

from tests.promises.answers import READ_BACK, SENT_ONCE
from tests.promises.intake import (
    ALARMS_ACT,
    ANY_BODY,
    CALLBACK_IS_COUNTED,
    CALLBACK_LEAVES_NOTHING,
    DEAD_LETTERS_ALARM,
    DEAD_LETTERS_ALARM_IS_SENT,
    DEAD_LETTERS_ARE_WATCHED,
    EVERY_EVENT,
    FAILED_COME_AGAIN,
    JOB_ID,
    MISSING_SECRET,
    REFUSED_ENTRY,
    REJECTED_ARE_KEPT,
    REJECTED_WHOLE,
    SETTINGS_REFER,
    UNKNOWN_FIELDS,
    UNKNOWN_STATUS,
    UNKNOWN_STATUS_STORED,
    UNPARSABLE,
    UNREADABLE_SECRET,
    UNREADABLE_WHEN_WARM,
    WAITING_ALARM,
)
from tests.promises.merging import ANY_GROUPING, ANY_ORDER, DELIVERED_STAYS, FINAL_STAYS, REPEATED
from tests.promises.outages import CHANGED_IS_HEALED, DIFFERENT_IS_HEALED, RECONCILER_FINDS
from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, promise, proof, same_as

_RUN = "tests/tools/local/test_run.py"
_PUBLISHER = "tests/integration/publisher/test_publish.py"
_README = "tests/unit/docs/test_readme.py"
_LAWS = "tests/unit/template/test_template_laws.py"
_FIGURES = "tests/tools/local/test_figures.py"
_MORNING = "tests/tools/local/test_morning_outcome.py"
_AWAITED = "tests/console/test_awaited_order.py"
_LOGS = "tests/integration/test_logs.py"
_NEEDS = "What the reader needs."
_STEP = "A step; the commands are checked by tests/unit/docs/test_readme.py."
_POINTER = "A pointer; tests/unit/docs/test_links.py checks it."

EACH_CHANGE = proof(
    f"{_PUBLISHER}::test_each_status_is_an_event",
    "Only the first change of an order is published.",
    f"{PACKAGE}/publisher/publish.py",
    "Publisher._of_order",
    "if before is not None and before.sequence == after.sequence:",
    "if before is not None:",
)
CHANGE_WITHIN_A_STATUS = proof(
    f"{_PUBLISHER}::test_change_within_a_status_is_an_update[fake]",
    "Only a new status is published.",
    f"{PACKAGE}/publisher/publish.py",
    "Publisher._of_order",
    "if before is not None and before.sequence == after.sequence:",
    "if before is not None and before.status == after.status:",
)
_EACH_REJECTED = proof(
    f"{_PUBLISHER}::test_rejected_event_is_published_once",
    "Rejected events are not published.",
    f"{PACKAGE}/publisher/publish.py",
    "_of_rejected",
    "    return (event_rejected(rejected_event(after)),)",
    "    return (event_rejected(rejected_event(after)),)[:0]",
)
_EXPLAINED = proof(
    f"{_README}::test_every_figure_of_the_run_is_explained",
    "The last line lacks a figure.",
    "tools/local/figures.py",
    "last_line",
    '"shown_only", "lost"',
    '"lost"',
)
_CATALOGUE_EXPLAINED = proof(
    f"{_README}::test_every_figure_of_the_catalogue_is_explained",
    "The line of the catalogue has another name for a figure.",
    "tools/local/morning_outcome.py",
    "CatalogueFigures.line",
    'HELD: "held"',
    'HELD: "waiting"',
)
_LOST = proof(
    f"{_RUN}::test_missing_orders_and_garbage_are_lost",
    "Garbage that is not stored is not counted as lost.",
    "tools/local/hour.py",
    "Hour.compare",
    '        wrong += self._compare_garbage(truth["garbage"])\n',
    '        self._compare_garbage(truth["garbage"])\n',
)
_FAILS = proof(
    f"{_RUN}::test_anything_wrong_fails_the_command",
    "The command ends with 0 whatever is lost.",
    "tools/local/run.py",
    "main",
    "    return 1 if wrong else 0",
    "    return 0",
)
_NOT_HIDDEN = proof(
    "tests/tools/local/test_up.py::test_no_target_hides_a_failure",
    "`make run` ends with 0 whatever its command says.",
    "Makefile",
    "Makefile",
    "\t@$(RUN) tools.local.run\n",
    "\t-@$(RUN) tools.local.run\n",
)
_LOST_PRODUCT = proof(
    f"{_MORNING}::test_lost_product_is_named",
    "A product whose price the shop shows otherwise counts as shown.",
    "tools/local/morning_outcome.py",
    "_differs",
    'return f"the shop shows {\' and \'.join(faults)}" if faults else ""',
    'return ""',
)
_COUNTED_ONCE = proof(
    f"{_MORNING}::test_each_product_counts_once",
    "A product of which nothing new can be seen counts as shown.",
    "tools/local/morning_outcome.py",
    "_outcome",
    'return (SHOWN if before is None or _could_be_seen(before, said) else PROCESSED), ""',
    'return SHOWN, ""',
)

PERSONAL_DATA = (
    proof(
        "tests/tools/simulation/test_silence.py::test_nobody_is_named_whatever_breaks[3-published without personal data]",
        "The consumer prints the events that it stores.",
        f"{PACKAGE}/consumer/intake.py",
        "Intake._register_stores",
        "        for event in sorted(",
        "        print(events[0].body)\n        for event in sorted(",
    ),
    proof(
        "tests/unit/orders/test_event.py::test_problems_quote_no_value",
        "The problem of a part quotes its value.",
        f"{PACKAGE}/orders/reading.py",
        "_Walk.read_field",
        "self.problems.setdefault(described.path, str(error))",
        'self.problems.setdefault(described.path, f"{error}: {value}")',
    ),
    proof(
        f"{_PUBLISHER}::test_personal_data_is_not_published",
        "Orders are published whole.",
        f"{PACKAGE}/publisher/change_event.py",
        "order_changed",
        "if isinstance(order, dict) and not personal_data:",
        "if isinstance(order, dict) and not order:",
    ),
    proof(
        "tests/unit/orders/test_personal_data.py::test_free_text_is_redacted",
        "The name of a discount, which staff write, is published.",
        f"{PACKAGE}/orders/personal_data.py",
        "PERSONAL",
        '*("payment.vouchers", "payment.discounts.name"),',
        '*("payment.vouchers",),',
    ),
    proof(
        f"{_LAWS}::test_queues_are_encrypted",
        "The queue is not encrypted.",
        "template.yaml",
        "OrderEventsQueue",
        "      SqsManagedSseEnabled: !If [HasKmsKey, false, true]\n",
        "      SqsManagedSseEnabled: false\n",
    ),
    proof(
        f"{_LAWS}::test_personal_data_is_published_on_request_only",
        "Personal data is published unless that is switched off.",
        "template.yaml",
        "PublishPersonalData",
        'Default: "false"',
        'Default: "true"',
    ),
    proof(
        f"{_PUBLISHER}::test_function_publishes_as_told",
        "The function takes any text of its setting for true.",
        f"{PACKAGE}/publisher/handler.py",
        "publisher",
        'settings.publish_personal_data == "true"',
        "bool(settings.publish_personal_data)",
    ),
    proof(
        "tests/integration/webhook/test_refusals.py::test_accepted_requests_are_no_lines",
        "The webhook logs what it receives.",
        f"{PACKAGE}/webhook/handler.py",
        "handler",
        "    response = webhook().receive(event)\n",
        '    response = webhook().receive(event)\n    logger.info("received", body=event.get("body"))\n',
    ),
    proof(
        f"{_LOGS}::test_no_function_logs_its_event[partner_orders.consumer.handler]",
        "The consumer logs each batch that it is called with.",
        f"{PACKAGE}/consumer/handler.py",
        "handler",
        '    records = event["Records"]\n',
        '    logger.debug("called", records=event)\n    records = event["Records"]\n',
    ),
    proof(
        f"{_LOGS}::test_each_function_mutes_the_libraries[partner_orders.consumer.handler]",
        "At log level DEBUG the consumer's libraries log whole requests.",
        f"{PACKAGE}/consumer/handler.py",
        "logger",
        "logger = function_logger()",
        'logger = __import__("aws_lambda_powertools").Logger()',
    ),
)

README: tuple[Entry, ...] = (
    NoPromise(
        "partner-orders is for shop chains that sell on Delivery Hero's quick-commerce platforms (foodpanda, foodora, "
        "PedidosYa, Yemeksepeti, talabat, HungerStation, Glovo).",
        "Says whom it is for.",
    ),
    same_as(
        "It keeps an up-to-date copy of every order in the chain's own DynamoDB table.",
        "the order's history in the table",
        "The reconciler finds what was never sent",
    ),
    promise(
        "It receives order events by webhook, fetches orders whose webhooks never arrived and publishes each change on an "
        "event bus.",
        ANY_BODY,
        RECONCILER_FINDS,
        EACH_CHANGE,
        CHANGE_WITHIN_A_STATUS,
    ),
    NoPromise("Teams use it to connect a point-of-sale or ERP system to such a platform.", "Says what it is used for."),
    NoPromise(
        "You deploy one AWS SAM template to your own account.", "Says how it is deployed; make lint validates it."
    ),
    promise(
        "The **webhook** authenticates the caller and enqueues the body as it came, inflated but not parsed.",
        MISSING_SECRET,
        proof(
            "tests/integration/webhook/test_endpoint.py::test_event_is_enqueued_byte_for_byte",
            "Bytes that are not ASCII are replaced.",
            f"{PACKAGE}/webhook/endpoint.py",
            "Webhook._enqueue",
            "body=body,",
            'body=body.decode("ascii", "replace").encode(),',
        ),
    ),
    promise(
        "The **consumer** parses the events, merges each into its order and stores the result.",
        EVERY_EVENT,
        ANY_ORDER,
    ),
    promise(
        "No other Lambda function writes orders.",
        proof(
            "tests/unit/orders/test_one_writer.py::test_only_the_consumer_writes_orders",
            "The sender writes orders.",
            f"{PACKAGE}/sender/handler.py",
            "sender",
            "    settings = SenderSettings.from_environment()\n",
            "    from partner_orders.orders.table import OrdersTable\n\n    settings = SenderSettings.from_environment()\n",
        ),
        proof(
            f"{_LAWS}::test_reconciler_writes_only_its_own_rows",
            "The reconciler may write every row.",
            "template.yaml",
            "ReconcilerRole",
            "dynamodb:LeadingKeys: [RECONCILIATION]",
            'dynamodb:LeadingKeys: ["*"]',
        ),
        proof(
            f"{_LAWS}::test_function_permissions_are_exact",
            "The publisher may write rows.",
            "template.yaml",
            "PublisherRole",
            "Action: dynamodb:GetItem",
            "Action: [dynamodb:GetItem, dynamodb:UpdateItem]",
        ),
    ),
    promise(
        "The **reconciler** lists the platform's orders through the Partner API.",
        proof(
            "tests/integration/platform/test_orders.py::test_request_has_the_known_parameters[fake]",
            "The reconciler asks for another path.",
            f"{PACKAGE}/platform/orders.py",
            "orders_path",
            "/orders",
            "/order-list",
        ),
    ),
    promise(
        "It compares them with the stored ones and enqueues any that are missing or different.",
        RECONCILER_FINDS,
        DIFFERENT_IS_HEALED,
        CHANGED_IS_HEALED,
    ),
    promise(
        "With `Answers=ENABLED`, the chain's own systems **answer** orders: ready, changed, accepted or cancelled "
        "(docs/answers.md).",
        proof(
            "tests/unit/answers/test_rules.py::test_kinds_that_are_allowed",
            "No order can be cancelled.",
            f"{PACKAGE}/answers/rules.py",
            "allowed_kinds",
            "        kinds.add(Kind.CANCEL)",
            "        kinds.add(Kind.READY)",
        ),
        proof(
            "tests/unit/answers/test_rules.py::test_kinds_that_are_allowed",
            "No order can be accepted.",
            f"{PACKAGE}/answers/rules.py",
            "allowed_kinds",
            "        kinds.add(Kind.ACCEPT)",
            "        kinds.add(Kind.READY)",
        ),
        proof(
            "tests/unit/template/test_answers_laws.py::test_answers_have_parts_of_their_own",
            "Answers are switched on by default.",
            "template.yaml",
            "Answers",
            "Default: DISABLED",
            "Default: ENABLED",
        ),
    ),
    promise(
        "The **sender** brings each answer to the platform once, and reads back what became of it.",
        SENT_ONCE,
        READ_BACK,
    ),
    same_as(
        "With a second stack beside it, the **catalogue** brings the chain's prices and stock to the platform, guarded and "
        "with a known outcome for each line (docs/catalogue.md).",
        "A file that S3 stored as `lists/<store>/<name>`",
        "A price that is too far from any price",
    ),
    promise(
        "The **publisher** puts an event on the bus for each change of an order and for each rejected event.",
        EACH_CHANGE,
        CHANGE_WITHIN_A_STATUS,
        _EACH_REJECTED,
        proof(
            f"{_PUBLISHER}::test_late_sale_is_an_update",
            "An order that becomes a sale by a late event is not published again.",
            f"{PACKAGE}/publisher/publish.py",
            "Publisher._of_order",
            "before.sequence == after.sequence",
            "before.snapshot.digest == after.snapshot.digest",
        ),
        proof(
            f"{_LAWS}::test_publisher_is_retried_until_success",
            "Rejected events do not reach the publisher.",
            "template.yaml",
            "PublisherFunctionOrdersTable",
            '["ORDER", "REJECTED", "ANSWERS"]',
            '["ORDER", "ANSWERS"]',
        ),
        proof(
            "tests/unit/template/test_known_properties.py::test_event_sources_are_exact",
            "A change that could not be published for an hour is left out.",
            "template.yaml",
            "PublisherFunctionOrdersTable",
            "MaximumRetryAttempts: -1\n",
            "MaximumRetryAttempts: -1\n      MaximumRecordAgeInSeconds: 3600\n",
        ),
    ),
    NoPromise("You need Debian, Ubuntu or a similar Linux with git, make, Python 3.13 and internet access.", _NEEDS),
    NoPromise("You need neither Docker nor an AWS account.", _NEEDS),
    promise(
        "This builds the real template and deploys it to a local AWS emulator that enforces IAM permissions.",
        proof(
            f"{_RUN}::test_emulator_enforces_iam",
            "The emulator allows everything.",
            "tools/local/emulator.py",
            "_environment",
            '"AUTH": "true"',
            '"AUTH": "false"',
        ),
        proof(
            "tests/tools/local/test_emulated_template.py::test_emulated_alarms_watch_one_metric",
            "The emulator gets a part of the template.",
            "tools/local/emulated_template.py",
            "_is_left_out",
            'resource["Type"].startswith("AWS::CodeDeploy::")',
            'resource["Type"].startswith(("AWS::CodeDeploy::", "AWS::SQS::"))',
        ),
    ),
    promise(
        "Then a simulated platform plays a busy hour for each of four brands.",
        proof(
            f"{_RUN}::test_hour_is_what_the_readme_says",
            "Three brands are played.",
            "tools/local/run.py",
            "MIX",
            "enumerate(PROFILES)",
            "enumerate([*PROFILES][1:])",
        ),
    ),
    promise(
        "Events arrive twice, late, out of order or not at all, and there is garbage among them.",
        proof(
            f"{_RUN}::test_hour_is_what_the_readme_says",
            "Every event arrives.",
            "tools/local/hour.py",
            "HOUR",
            '"drop": 0.05',
            '"drop": 0',
        ),
        proof(
            "tests/tools/local/test_simulated_platform.py::test_courier_can_misbehave",
            "No event is sent twice.",
            "tools/local/simulated_platform/courier.py",
            "Courier.play",
            "            if chance.random() < misbehaviour.duplicate:",
            "            if chance.random() < 0 * misbehaviour.duplicate:",
        ),
        proof(
            "tests/tools/local/test_simulated_platform.py::test_courier_can_be_late",
            "Events are sent in order.",
            "tools/local/simulated_platform/courier.py",
            "Courier.play",
            "if chance.random() < misbehaviour.reorder else 0.0",
            "if chance.random() < 0 * misbehaviour.reorder else 0.0",
        ),
    ),
    promise(
        "Meanwhile a chain changes the prices and stock of a store with 2,010 products, by files and by messages, and makes "
        "mistakes.",
        proof(
            f"{_RUN}::test_hour_is_what_the_readme_says",
            "The store has 20 products.",
            "tools/local/morning.py",
            "PRODUCTS",
            "2_010",
            "20",
        ),
        proof(
            f"{_RUN}::test_hour_is_what_the_readme_says",
            "No file has a wrong price.",
            "tools/local/morning.py",
            "CHANGES",
            "(30, 4, 3)",
            "(30, 4, 0)",
        ),
    ),
    promise(
        "At the end, `make run` compares every order on the platform with the stored one, and every product with the "
        "platform's shop.",
        _LOST,
        proof(
            f"{_RUN}::test_missing_orders_and_garbage_are_lost",
            "Orders are not compared.",
            "tools/local/hour.py",
            "Hour.compare",
            'for order in truth["orders"]:',
            'for order in truth["orders"][:0]:',
        ),
        _LOST_PRODUCT,
        proof(
            f"{_MORNING}::test_untouched_product_stays",
            "Of a product that the chain did not change only the price is compared.",
            "tools/local/morning_outcome.py",
            "_of_untouched",
            '(Decimal(shown["price"]), shown["active"]) != (before.price, before.active)',
            'Decimal(shown["price"]) != before.price',
        ),
    ),
    NoPromise("It takes about a minute and a half on two cores.", "A measured time."),
    NoPromise("The first call also downloads packages and builds the stacks.", "Says why the first call takes longer."),
    promise(
        "The last lines sum up the result in a form that programs can read:",
        proof(
            f"{_RUN}::test_last_lines_are_for_programs",
            "The last line is another one.",
            "tools/local/run.py",
            "main",
            "    print(last_line(figures))\n",
            "    print(last_line(figures))\n    print()\n",
        ),
        proof(
            f"{_RUN}::test_figures_are_plain_numbers",
            "The figures have separators of thousands.",
            "tools/local/morning_outcome.py",
            "CatalogueFigures.line",
            "rows={self.rows}",
            "rows={self.rows:,}",
        ),
        _EXPLAINED,
        _CATALOGUE_EXPLAINED,
    ),
    promise(
        "`orders`, `events` | orders that the simulated platform created, and the events of their webhooks", _EXPLAINED
    ),
    promise("`stored` | orders in the table at the end", _EXPLAINED),
    promise(
        "`rejected` | garbage that the webhook accepted but that cannot be parsed as an order; it is stored with the reason",
        proof(
            f"{_RUN}::test_missing_orders_and_garbage_are_lost",
            "Garbage that is stored is not counted.",
            "tools/local/hour.py",
            "Hour._compare_garbage",
            "                figures.rejected += 1\n",
            "                figures.ignored += 1\n",
        ),
    ),
    promise(
        "`recovered` | orders whose latest state came from the reconciler: `never_arrived` + `shown_only`",
        proof(
            f"{_FIGURES}::test_recovered_is_split_in_the_last_line",
            "Recovered orders are those that never arrived.",
            "tools/local/figures.py",
            "Figures.recovered",
            "return self.never_arrived + self.shown_only",
            "return self.never_arrived",
        ),
        _EXPLAINED,
    ),
    promise(
        "`never_arrived` | orders whose latest status had a webhook that was never sent, or that the platform gave up "
        "sending",
        proof(
            f"{_FIGURES}::test_order_is_counted_by_how_it_came",
            "Only orders that the platform gave up count.",
            "tools/local/hour.py",
            "way_of",
            'event["outcome"] != "acknowledged"',
            'event["outcome"] == "gave_up"',
        ),
    ),
    promise(
        "`shown_only` | orders whose latest state has no webhook. Only the Partner API shows such a state, for example "
        "`PICKED_UP`",
        proof(
            f"{_FIGURES}::test_order_is_counted_by_how_it_came",
            "Every recovered order counts as one that never arrived.",
            "tools/local/hour.py",
            "way_of",
            'return "never_arrived" if was_due else "shown_only"',
            'return "never_arrived"',
        ),
    ),
    promise(
        "`lost` | orders that are missing or differ from the platform's, and accepted garbage that was not stored. The "
        "command fails if this is not 0",
        _LOST,
        _FAILS,
        _NOT_HIDDEN,
    ),
    promise(
        "`rows`, `changed` | lines of files and urgent messages, and the products whose values they changed",
        _CATALOGUE_EXPLAINED,
        proof(
            "tests/tools/local/test_chain.py::test_messages_are_taken",
            "Messages are not counted.",
            "tools/local/chain.py",
            "Chain.rows",
            "return self.messages + sum(",
            "return sum(",
        ),
    ),
    promise(
        "`shown` | products whose new price or availability the platform's shop shows", _COUNTED_ONCE, _LOST_PRODUCT
    ),
    promise(
        "`processed` | products of which nothing new can be seen, such as a quantity; the result of a job says that they "
        "were processed",
        _COUNTED_ONCE,
        proof(
            f"{_MORNING}::test_lost_product_is_named",
            "A product that still waits counts as processed.",
            "tools/local/morning_outcome.py",
            "_outcome",
            "    if (left := difference(row, to_send(row))).are_said:",
            "    if (left := difference(row, to_send(row))).are_said and not left:",
        ),
    ),
    promise(
        "`refused` | products that the platform does not have",
        proof(
            f"{_MORNING}::test_lost_product_is_named",
            "A product that the platform does not have needs no word of it.",
            "tools/local/morning_outcome.py",
            "_outcome",
            'return (REFUSED, "") if row.refusal else',
            'return (REFUSED, "") if row else',
        ),
    ),
    promise(
        "`held` | products with a price that looks like a mistake; a guard holds it until a person decides",
        proof(
            f"{_MORNING}::test_lost_product_is_named",
            "A price that should be held may be gone.",
            "tools/local/morning_outcome.py",
            "_outcome",
            'return (HELD, "") if price == expected else',
            'return (HELD, "") if price or expected else',
        ),
    ),
    promise(
        "`drift` | products of the platform's last export that differ from what the chain wants. Somebody at the platform "
        "edits a price in between, and it is repaired. The command fails if this is not 0",
        proof(
            f"{_RUN}::test_drift_is_wrong",
            "Drift is shown and fails nothing.",
            "tools/local/morning.py",
            "Morning.result",
            "        if self._drift:",
            "        if False:",
        ),
        _FAILS,
        _NOT_HIDDEN,
    ),
    promise(
        "`lost` | products without any of these outcomes. The command fails if this is not 0, or if the counts do not add "
        "up",
        _LOST_PRODUCT,
        proof(
            f"{_MORNING}::test_wrong_sum_is_named",
            "Counts need not add up.",
            "tools/local/morning_outcome.py",
            "CatalogueFigures.problems",
            "if self.changed != (total := self.outcomes.total()):",
            "if self.changed < (total := self.outcomes.total()):",
        ),
        _FAILS,
        _NOT_HIDDEN,
    ),
    NoPromise("Next, run the tests (all but the slow ones):", _STEP),
    NoPromise("To keep a stack running and watch what arrives, start it in one terminal:", _STEP),
    promise(
        "It prints commands for a second terminal.",
        proof(
            "tests/tools/local/test_up.py::test_what_to_try_next_can_be_pasted",
            "Another command comes first.",
            "tools/local/up.py",
            "welcome",
            "  .venv/bin/partner-orders send {order}\n  .venv/bin/partner-orders orders show {order_id}\n",
            "  .venv/bin/partner-orders orders show {order_id}\n  .venv/bin/partner-orders send {order}\n",
        ),
    ),
    same_as("The first two send an order and show it:", "It prints commands for a second terminal."),
    promise(
        "`make up` prints the address of the desk first, a page that shows the stack in your browser.",
        proof(
            "tests/tools/local/test_up.py::test_what_to_try_next_can_be_pasted",
            "The address of the desk comes last.",
            "tools/local/up.py",
            "welcome",
            "\ndesk            {desk_address}\n",
            "\nstarted\ndesk            {desk_address}\n",
        ),
    ),
    promise(
        "For a stack in AWS, `partner-orders desk` opens it (docs/desk.md):",
        proof(
            "tests/unit/docs/test_runbooks.py::test_runbook_commands_exist",
            "The command has another name.",
            f"{CONSOLE}/cli/__main__.py",
            "_COMMANDS",
            '"desk": desk,',
            '"page": desk,',
        ),
    ),
    promise(
        "docs/local-stack.md explains more, and `make help` lists the commands.",
        proof(
            "tests/tools/local/test_up.py::test_help_is_grouped_in_order_of_use",
            "Commands with a hyphen are not listed.",
            "Makefile",
            "Makefile",
            "/^[a-z-]+:.*## / {printf",
            "/^[a-z]+:.*## / {printf",
        ),
    ),
    promise(
        "a webhook answered with 2xx | the event is in its order's history, or stored as rejected with the reason, or still "
        "in a queue that has an alarm",
        EVERY_EVENT,
        REFUSED_ENTRY,
        REJECTED_WHOLE,
        REJECTED_ARE_KEPT,
        SETTINGS_REFER,
        FAILED_COME_AGAIN,
        WAITING_ALARM,
        ALARMS_ACT,
        DEAD_LETTERS_ALARM,
        DEAD_LETTERS_ARE_WATCHED,
        DEAD_LETTERS_ALARM_IS_SENT,
    ),
    promise(
        "events repeated, late or out of order | the stored order is the same as if every event had arrived once and in "
        "order",
        ANY_ORDER,
        REPEATED,
        ANY_GROUPING,
    ),
    promise("a final status | a status that is not final never replaces it", FINAL_STAYS, DELIVERED_STAYS),
    promise(
        "unknown fields, statuses and values | they are stored",
        UNKNOWN_STATUS,
        UNKNOWN_STATUS_STORED,
        UNKNOWN_FIELDS,
        JOB_ID,
    ),
    promise(
        "a body that cannot be parsed: cut off, not UTF-8, not JSON | 200; stored whole as rejected with the reason, and an "
        "alarm fires",
        ANY_BODY,
        *UNPARSABLE,
        REJECTED_ARE_KEPT,
        ALARMS_ACT,
        proof(
            "tests/integration/test_alarms_of_events.py::test_cause_fires_its_alarm[RejectedAlarm-an_unparsable_event]",
            "No alarm fires.",
            "template.yaml",
            "RejectedAlarm",
            "Threshold: 0",
            "Threshold: 100000",
        ),
        proof(
            f"{_LAWS}::test_alarmed_metrics_are_emitted",
            "The consumer counts under another name than the alarm watches.",
            "template.yaml",
            "ConsumerFunction",
            "POWERTOOLS_SERVICE_NAME: !Sub ${AWS::StackName}-consumer",
            "POWERTOOLS_SERVICE_NAME: !Sub ${AWS::StackName}-order-consumer",
        ),
    ),
    promise(
        "a wrong secret, or none | 401 (503 while the stack cannot read its own secret), and nothing is stored",
        MISSING_SECRET,
        UNREADABLE_SECRET,
        UNREADABLE_WHEN_WARM,
    ),
    promise(
        "a webhook that never came | the reconciler fetches the order's latest state, for every known store that is not "
        "paused, up to 60 days back",
        RECONCILER_FINDS,
        DIFFERENT_IS_HEALED,
        CHANGED_IS_HEALED,
        proof(
            "tests/integration/reconciler/test_run.py::test_store_is_read_whatever_is_known_of_it"
            "[fake-external_partner_config_id]",
            "A store whose own code is not known is not read.",
            f"{PACKAGE}/reconciler/schedule.py",
            "Schedule.due",
            "if not store.is_paused]",
            "if not store.is_paused and store.external_partner_config_id]",
        ),
        proof(
            "tests/integration/reconciler/test_run.py::test_older_orders_are_not_missed[fake]",
            "Orders from before a store was registered are counted and not fetched.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._enqueue",
            '            cause = "confirmed" if',
            "            if finding.event is not None and _is_from_before(scope.store, finding.event):\n"
            "                continue\n"
            '            cause = "confirmed" if',
        ),
        proof(
            "tests/integration/reconciler/test_schedule.py::test_new_chain_is_read_sixty_days_back[fake]",
            "The first look is of a month.",
            f"{PACKAGE}/reconciler/windows.py",
            "window_of",
            "        return Window(oldest, now)\n    start",
            "        return Window(max(oldest, now - timedelta(days=30)), now)\n    start",
        ),
        proof(
            "tests/unit/docs/test_numbers.py::test_history_of_the_readme_is_the_codes",
            "The reconciler looks 50 days back.",
            f"{PACKAGE}/reconciler/windows.py",
            "PLATFORM_HISTORY",
            "timedelta(days=60)",
            "timedelta(days=50)",
        ),
        proof(
            f"{_LAWS}::test_schedule_is_on_by_default",
            "The reconciler does not run unless somebody switches it on.",
            "template.yaml",
            "ReconciliationState",
            "Default: ENABLED",
            "Default: DISABLED",
        ),
    ),
    promise(
        "personal data | it is in the table and the encrypted queues, never in logs, metrics or errors. It goes on the bus "
        "only if you set `PublishPersonalData`",
        *PERSONAL_DATA,
    ),
    promise(
        "Callbacks from catalogue jobs are counted but not stored, unless they are forwarded to a catalogue's stack.",
        CALLBACK_LEAVES_NOTHING,
        CALLBACK_IS_COUNTED,
        proof(
            "tests/integration/consumer/test_intake.py::test_catalogue_callback_is_handed_on",
            "Callbacks are not forwarded.",
            f"{PACKAGE}/consumer/intake.py",
            "Intake._forward",
            "if self._forwards is not None:",
            "if self._forwards is not None and not text:",
        ),
        proof(
            f"{_LAWS}::test_consumer_forwards_to_one_queue",
            "The consumer is not told of the catalogue's queue.",
            "template.yaml",
            "ConsumerFunction",
            "CATALOGUE_CALLBACKS_QUEUE_ARN: !Ref CatalogueCallbacksQueueArn",
            'CATALOGUE_CALLBACKS_QUEUE_ARN: ""',
        ),
    ),
    NoPromise("docs/guarantees.md has the exact wording and the limits.", _POINTER),
    NoPromise(
        "You need an AWS account with the AWS CLI signed in to it, and access to your brand's partner portal.", _NEEDS
    ),
    NoPromise(
        "Set `ChainId` (the UUID in the URL of the portal's Shop Integrations plug-in) and `PartnerApiBaseUrl` (your "
        "brand's Partner API host) in `samconfig.toml`.",
        _STEP,
    ),
    NoPromise("Use the section of the environment that you deploy.", _STEP),
    promise(
        "Its region is `eu-central-1`, which you can change there.",
        proof(
            f"{_README}::test_region_is_the_one_of_samconfig",
            "A section has another region.",
            "samconfig.toml",
            "samconfig.toml",
            'stack_name = "partner-orders-staging"\nregion = "eu-central-1"',
            'stack_name = "partner-orders-staging"\nregion = "us-east-1"',
        ),
    ),
    NoPromise("Build, check and deploy the stack.", _STEP),
    promise(
        "It shows the changes and asks before it makes them:",
        proof(
            f"{_README}::test_deployment_asks_first",
            "It does not ask.",
            "samconfig.toml",
            "samconfig.toml",
            's3_prefix = "partner-orders-staging"\ncapabilities = "CAPABILITY_IAM"\nconfirm_changeset = true',
            's3_prefix = "partner-orders-staging"\ncapabilities = "CAPABILITY_IAM"\nconfirm_changeset = false',
        ),
        proof(
            "tests/tools/deploy/test_deployment.py::test_sam_asks_unless_told_not_to",
            "It does not ask, whatever the environment says.",
            "tools/deploy/target.py",
            "Account._outputs",
            'command += [] if asks else ["--no-confirm-changeset"]',
            'command += ["--no-confirm-changeset"]',
        ),
        proof(
            "tests/tools/deploy/test_deployment.py::test_only_yes_keeps_it_from_asking",
            "It asks only where --yes says not to.",
            "tools/deploy/__main__.py",
            "_run",
            "asks=not is_confirmed",
            "asks=is_confirmed",
        ),
    ),
    NoPromise("Generate a token in the partner portal and store it.", _STEP),
    promise(
        "The command asks for it, so it stays out of your shell history:",
        proof(
            "tests/console/test_secrets.py::test_token_is_typed_unseen",
            "What is typed is shown.",
            f"{CONSOLE}/cli/secrets.py",
            "_read",
            "prompt(name, hidden=True)",
            "prompt(name)",
        ),
    ),
    NoPromise("Print the webhook secret:", _STEP),
    NoPromise("Connect the platform.", _STEP),
    promise(
        "`register` prints the webhook URL and tells you where to paste the URL and the secret.",
        proof(
            "tests/console/test_care.py::test_register_hides_secret_by_default",
            "The URL is not printed.",
            f"{CONSOLE}/cli/register.py",
            "register",
            "{stack.webhook_url}",
            "see the stack's outputs",
        ),
    ),
    NoPromise("Then press *Test Order* in the portal.", _STEP),
    promise(
        "`register` waits for that order:",
        proof(
            "tests/console/test_care.py::test_register_sees_event_of_known_order",
            "It sees nothing that arrives.",
            f"{CONSOLE}/operations/registering.py",
            "AwaitedOrder.wait",
            'if row["sk"] == keys.ORDER and _came_since(row, self._began):',
            'if row["sk"] == keys.ORDER and not row:',
        ),
        proof(
            f"{_AWAITED}::test_only_a_webhook_brings_the_test_order[moto-reconciliation]",
            "An order that the reconciler brings is taken for the test order.",
            f"{CONSOLE}/operations/registering.py",
            "_came_since",
            'event["source"] == WEBHOOK and from_text',
            "from_text",
        ),
        proof(
            f"{_AWAITED}::test_rejected_order_of_the_reconciler_is_another[moto]",
            "A rejected order of the reconciler is taken for the test order.",
            f"{CONSOLE}/operations/registering.py",
            "_was_received_since",
            "        return False\n",
            "        pass\n",
        ),
    ),
    NoPromise("Look at your first order, using the id that `register` printed.", _STEP),
    NoPromise("Then check the whole stack:", _STEP),
    promise(
        "`doctor` tells you how to fix each problem that it finds:",
        proof(
            "tests/console/test_doctor.py::test_every_fault_has_advice",
            "A fault has no advice.",
            f"{CONSOLE}/operations/doctor/finding.py",
            "unreadable_secret",
            "        NOT_FOUND_OR_DENIED,\n",
            "",
        ),
    ),
    same_as("Operators need no clone.", "Each release includes the command line as a wheel"),
    promise(
        "Each release includes the command line as a wheel (docs/command-line.md).",
        proof(
            "tests/tools/release/test_release_workflow.py::test_release_has_every_file",
            "A release has no wheel.",
            ".github/workflows/release.yml",
            "release",
            'make wheel DIST="$PWD/release/files"',
            'make wheel DIST="$PWD/release"',
        ),
    ),
    promise(
        "docs/deploying.md describes every parameter, and docs/runbooks has a page for each alarm.",
        proof(
            f"{_LAWS}::test_alarm_has_its_own_runbook",
            "Two alarms share a page.",
            "template.yaml",
            "OrderEventsSlowAlarm",
            "docs/runbooks/order-events-slow.md",
            "docs/runbooks/order-events-too-old.md",
        ),
        proof(
            f"{_README}::test_every_parameter_is_described",
            "A parameter is not described.",
            "template.yaml",
            "Brand",
            "    Type: String\n",
            "    Type: String\n  Undescribed:\n    Type: String\n",
        ),
    ),
    NoPromise("partner-orders does not create products on the platform.", "A limit."),
    promise(
        "Prices, stock, promotions, the status of stores and files by SFTP are a second stack beside this one, which you "
        "deploy with `make deploy-catalogue`.",
        proof(
            f"{_README}::test_make_targets_exist",
            "The target has another name.",
            "Makefile",
            "Makefile",
            "deploy-catalogue: setup",
            "deploy-the-catalogue: setup",
        ),
        proof(
            "tests/tools/deploy/test_deployment.py::test_goals_of_make_run_the_command",
            "The target deploys the stack of orders.",
            "Makefile",
            "Makefile",
            '"$(ENV)" --catalogue $(ARGS)',
            '"$(ENV)" $(ARGS)',
        ),
    ),
    *(
        NoPromise(sentence, _POINTER)
        for sentence in (
            "find a page by what you want to do | docs/README.md",
            "see how the parts fit together and where to find things | docs/architecture.md",
            "react to orders in your own systems | docs/change-events.md",
            "find out what it costs | docs/performance.md",
            "change the code | CONTRIBUTING.md",
            "report a vulnerability | SECURITY.md",
            "see what changed | CHANGELOG.md",
            "The licence is MIT.",
        )
    ),
)
