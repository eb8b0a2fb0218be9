"""From the webhook to the table: what a 2xx means, how soon an order is there, and what the caller gets."""

from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, Proof, promise, proof, same_as

_WEBHOOK = f"{PACKAGE}/webhook/endpoint.py"
_BODY = f"{PACKAGE}/webhook/request_body.py"
_ENCODING = f"{PACKAGE}/content_encoding.py"
_SECRET = f"{PACKAGE}/platform/webhook_secret.py"
_INTAKE = f"{PACKAGE}/consumer/intake.py"
_EVENT = f"{PACKAGE}/orders/event.py"
_JSON = f"{PACKAGE}/exact_json.py"
_FIELDS = f"{PACKAGE}/orders/fields.py"
_READING = f"{PACKAGE}/orders/reading.py"
_PLAN = f"{PACKAGE}/orders/plan.py"
_REJECTED = f"{PACKAGE}/orders/rejected_table.py"

_ENDPOINT = "tests/integration/webhook/test_endpoint.py"
_CONSUMER = "tests/integration/consumer/test_intake.py"
_PARSING = "tests/unit/orders/test_event.py"
_LAWS = "tests/unit/template/test_template_laws.py"
_CATALOGUE_LAWS = "tests/unit/template/test_catalogue_laws.py"
_ALARMS = "tests/unit/template/test_alarm_series.py"
_KNOWN = "tests/unit/template/test_known_properties.py"
_NUMBERS = "tests/unit/docs/test_numbers.py::test_numbers_are_the_codes"


def told(alarm: str, file: str = "template.yaml") -> tuple[Proof, Proof]:
    """Breaks by which an alarm of a template fires and nobody hears of it."""
    stack, laws = ("orders", _LAWS) if file == "template.yaml" else ("catalogue", _CATALOGUE_LAWS)
    return (
        proof(
            f"{laws}::test_alarms_notify_email_and_topic",
            f"{alarm} does not reach a topic of one's own.",
            file,
            alarm,
            "      AlarmActions: [!If [HasAlarmEmail, !Ref AlarmTopic, !Ref AWS::NoValue], "
            "!If [HasTopic, !Ref AlarmTopicArn, !Ref AWS::NoValue]]\n",
            "      AlarmActions: [!If [HasAlarmEmail, !Ref AlarmTopic, !Ref AWS::NoValue]]\n",
        ),
        proof(
            f"{_KNOWN}::test_no_property_is_unknown[{stack}-AWS::CloudWatch::Alarm]",
            f"The actions of {alarm} are switched off.",
            file,
            alarm,
            "      AlarmActions:",
            "      ActionsEnabled: false\n      AlarmActions:",
        ),
    )


EVERY_EVENT = proof(
    f"{_CONSUMER}::test_events_are_stored_and_counted",
    "Of the events of an order in a batch only the last one is stored.",
    _INTAKE,
    "Intake.process",
    "orders.setdefault(arrived.event.order_id, []).append(arrived)",
    "orders[arrived.event.order_id] = [arrived]",
)
REJECTED_WHOLE = proof(
    f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
    "Of a rejected body only the first bytes are stored.",
    _REJECTED,
    "RejectedTable.keep",
    "pack(body if left is None else left)",
    "pack(body[:9] if left is None else left)",
)
EACH_REJECTED = proof(
    f"{_CONSUMER}::test_rejected_bodies_that_begin_alike",
    "Of rejected bodies that begin alike only one is stored.",
    f"{PACKAGE}/orders/rejected.py",
    "digest_of",
    "sha256(body)",
    "sha256(body[:4096])",
)
LAST_BYTE_TELLS = proof(
    f"{_CONSUMER}::test_rejected_bodies_that_begin_alike",
    "Of rejected bodies that end alike only one is stored.",
    f"{PACKAGE}/orders/rejected.py",
    "digest_of",
    "sha256(body)",
    "sha256(body[-65536:])",
)
REASON_IS_STORED = proof(
    f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
    "Each rejected event has the same reason.",
    _REJECTED,
    "RejectedTable._arrived",
    '.set("reason", reason)',
    '.set("reason", "rejected")',
)
QUEUE_FAILURE = proof(
    f"{_ENDPOINT}::test_queue_failure_is_a_503",
    "A body that the queue refused is acknowledged.",
    _WEBHOOK,
    "Webhook._enqueue",
    "            return _unavailable(error)",
    "            return ACCEPTED",
)
REFUSED_ENTRY = proof(
    f"{_ENDPOINT}::test_refused_message_is_a_503",
    "A body is sent as a batch of one, and what the queue refuses of a batch is acknowledged.",
    f"{PACKAGE}/order_events/queue.py",
    "OrderEventsQueue.send",
    "self._client.send_message(QueueUrl=self._url, MessageBody=message.to_text(), MessageGroupId=message.source)",
    "self._client.send_message_batch(\n"
    "            QueueUrl=self._url,\n"
    '            Entries=[{"Id": "0", "MessageBody": message.to_text(), "MessageGroupId": message.source}],\n'
    "        )",
)
UNREADABLE_SECRET = proof(
    f"{_ENDPOINT}::test_cold_start_without_secret_is_a_503",
    "While the secret cannot be read, requests are refused with 401.",
    _SECRET,
    "WebhookSecret.admitted_by",
    "raise SecretUnavailableError(self._fault)",
    "return None",
)
ANY_BODY = proof(
    f"{_ENDPOINT}::test_any_body_is_enqueued",
    "A body that is not a JSON object is acknowledged and dropped.",
    _WEBHOOK,
    "Webhook._enqueue",
    "if not body or body.isspace():",
    'if not body.strip().startswith(b"{"):',
)
UNREADABLE_WHEN_WARM = proof(
    f"{_ENDPOINT}::test_warm_environment_keeps_its_secret",
    "A warm environment refuses other secrets with 401 while its own cannot be read.",
    _SECRET,
    "WebhookSecret.admitted_by",
    "        if self._fault:\n            raise",
    "        if self._fault and not self._accepted:\n            raise",
)
_UNREACHABLE_QUEUE = proof(
    f"{_ENDPOINT}::test_unreachable_service_is_a_503",
    "A body that did not reach the queue is acknowledged.",
    _WEBHOOK,
    "Webhook._enqueue",
    "            return _unavailable(error)",
    '            return _unavailable(error) if hasattr(error, "response") else ACCEPTED',
)
_UNREACHABLE_SECRET = proof(
    f"{_ENDPOINT}::test_unreachable_service_is_a_503",
    "While the secret cannot be reached, requests are refused with 401.",
    _SECRET,
    "WebhookSecret._refresh",
    '            self._fault = f"the webhook secret could not be read: {type(error).__name__}"',
    '            self._fault = type(error).__name__ if hasattr(error, "response") else ""',
)
SETTINGS_REFER = proof(
    f"{_LAWS}::test_variables_are_wired_by_name",
    "The webhook sends to the dead-letter queue.",
    "template.yaml",
    "WebhookFunction",
    "ORDER_EVENTS_QUEUE_URL: !Ref OrderEventsQueue",
    "ORDER_EVENTS_QUEUE_URL: !Ref OrderEventsDeadLetters",
)
ORDERS_ARE_KEPT_AS_TOLD = proof(
    f"{_CONSUMER}::test_function_keeps_orders_as_told",
    "Orders expire after the days of rejected events.",
    f"{PACKAGE}/consumer/handler.py",
    "intake",
    "retention_of(settings.order_retention_days)",
    "retention_of(settings.rejected_retention_days)",
)
ANY_CONTENT_TYPE = proof(
    f"{_ENDPOINT}::test_content_type_does_not_count",
    "A body that is not declared as JSON is dropped.",
    _WEBHOOK,
    "Webhook._enqueue",
    "if not body or body.isspace():",
    'if not body or body.isspace() or "json" not in request["headers"].get("content-type", "json"):',
)
MISSING_SECRET = proof(
    f"{_ENDPOINT}::test_wrong_secret_is_rejected",
    "A request without Authorization is accepted.",
    _WEBHOOK,
    "Webhook.receive",
    "if version is None:",
    'if version is None and headers.get("authorization"):',
)
CALLBACK_LEAVES_NOTHING = proof(
    f"{_CONSUMER}::test_catalogue_callback_leaves_nothing",
    "A catalogue callback is stored as a rejected event.",
    _EVENT,
    "event_from",
    'if "job_id" in value and "order_id" not in value:',
    "if False:",
)
CALLBACK_IS_COUNTED = proof(
    f"{_CONSUMER}::test_catalogue_callback_leaves_nothing",
    "A catalogue callback is not counted.",
    _INTAKE,
    "Intake._forward",
    "Counter(CatalogueCallback=1)",
    "Counter[str]()",
)
DEAD_LETTERS_ALARM = proof(
    f"{_ALARMS}::test_alarm_fires_at_its_minute[OrderEventsDeadLettersAlarm]",
    "The alarm on dead-letter messages fires from 100,000 messages on.",
    "template.yaml",
    "OrderEventsDeadLettersAlarm",
    "Threshold: 0",
    "Threshold: 100000",
)
DEAD_LETTERS_ARE_WATCHED = proof(
    f"{_ALARMS}::test_alarm_watches_its_own_resource",
    "The alarm on dead-letter messages watches the queue that they came from.",
    "template.yaml",
    "OrderEventsDeadLettersAlarm",
    "OrderEventsDeadLetters.QueueName",
    "OrderEventsQueue.QueueName",
)
DEAD_LETTERS_ALARM_IS_SENT = proof(
    f"{_LAWS}::test_alarms_notify_email_and_topic",
    "The alarm on dead-letter messages notifies nobody.",
    "template.yaml",
    "OrderEventsDeadLettersAlarm",
    "      AlarmActions: [!If [HasAlarmEmail, !Ref AlarmTopic, !Ref AWS::NoValue], "
    "!If [HasTopic, !Ref AlarmTopicArn, !Ref AWS::NoValue]]\n",
    "      AlarmActions: []\n",
)
REJECTED_ARE_KEPT_AS_TOLD = proof(
    f"{_CONSUMER}::test_function_keeps_rejected_events_as_told",
    "A rejected event is kept for as long as an order.",
    f"{PACKAGE}/consumer/handler.py",
    "intake",
    "retention_of(settings.rejected_retention_days)",
    "retention_of(settings.order_retention_days)",
)
REJECTED_ARE_KEPT = proof(
    f"{_CONSUMER}::test_function_keeps_rejected_events_as_told",
    "A rejected event expires as soon as it is stored.",
    _REJECTED,
    "RejectedTable._arrived",
    "int((self._clock() + self._retention).timestamp())",
    "int(self._clock().timestamp())",
)
ALARMS_ACT = proof(
    f"{_KNOWN}::test_no_property_is_unknown[orders-AWS::CloudWatch::Alarm]",
    "The actions of an alarm are switched off.",
    "template.yaml",
    "RejectedAlarm",
    "      Namespace: PartnerOrders\n",
    "      Namespace: PartnerOrders\n      ActionsEnabled: false\n",
)
WAITING_ALARM = proof(
    f"{_ALARMS}::test_alarm_fires_at_its_minute[OrderEventsTooOldAlarm]",
    "The alarm on events that wait fires after a week.",
    "template.yaml",
    "OrderEventsTooOldAlarm",
    "Threshold: 600",
    "Threshold: 600000",
)
FAILED_COME_AGAIN = proof(
    f"{_LAWS}::test_functions_report_failed_messages",
    "The queue deletes a whole batch, also what failed of it.",
    "template.yaml",
    "ConsumerFunctionOrderEvents",
    "FunctionResponseTypes: [ReportBatchItemFailures]",
    "FunctionResponseTypes: []",
)
EACH_FAILED_COMES_AGAIN = proof(
    "tests/unit/consumer/test_handler.py::test_failed_messages_come_again",
    "Of several failed messages of a batch only the first comes again.",
    f"{PACKAGE}/consumer/handler.py",
    "handler",
    "for message_id in outcome.failed]",
    "for message_id in list(outcome.failed)[:1]]",
)
SIX_HOURS = proof(
    f"{_LAWS}::test_message_is_tried_for_six_hours",
    "An event goes to the dead-letter queue after 20 tries.",
    "template.yaml",
    "OrderEventsQueue",
    "maxReceiveCount: 80",
    "maxReceiveCount: 20",
)
EIGHTY_TRIES = proof(
    _NUMBERS,
    "An event is tried 90 times.",
    "template.yaml",
    "OrderEventsQueue",
    "maxReceiveCount: 80",
    "maxReceiveCount: 90",
)
LOWER_LIMIT = proof(
    _NUMBERS,
    "The longest body is 200,000 bytes.",
    f"{PACKAGE}/order_events/message.py",
    "MAX_BODY_BYTES",
    "262_144",
    "200_000",
)
UNKNOWN_STATUS = proof(
    f"{_CONSUMER}::test_unknown_statuses_are_counted",
    "An order with a status that we do not know is rejected.",
    _FIELDS,
    "_status",
    "    return status, quote(status)",
    '    if not lifecycle.is_known(status):\n        raise UnreadableError("unknown")\n    return status, quote(status)',
)
UNKNOWN_STATUS_STORED = proof(
    f"{_CONSUMER}::test_unknown_statuses_are_counted",
    "An order with a status that we do not know is counted and dropped.",
    _INTAKE,
    "Intake._write",
    "        try:\n",
    "        if not lifecycle.is_known(arrived[0].event.status):\n"
    "            return Counter(UnknownStatus=1)\n"
    "        try:\n",
)
JOB_ID = proof(
    f"{_CONSUMER}::test_order_with_a_job_id_is_stored[fake]",
    "An order with a field of the name job_id is taken for a callback of the catalogue, and dropped.",
    _EVENT,
    "event_from",
    'if "job_id" in value and "order_id" not in value:',
    'if "job_id" in value:',
)
UNKNOWN_FIELDS = proof(
    "tests/property/orders/test_history.py::test_open_to_the_unknown_keeps_the_body",
    "A body is stored without the fields that we do not know.",
    _EVENT,
    "event_from",
    "        body=body,",
    '        body=body.replace(b"something_new", b""),',
)
_NOT_UTF8 = proof(
    f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
    "Bytes that are not UTF-8 are replaced.",
    _JSON,
    "parse",
    'text.decode("utf-8-sig")',
    'text.decode("utf-8-sig", "replace")',
)
_CUT_OFF = proof(
    f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
    "A body that is cut off counts as one without content.",
    _JSON,
    "parse",
    'raise MalformedJsonError(f"not JSON (at character {error.pos})") from None',
    "return None if error.pos else None",
)
UNPARSABLE = (_NOT_UTF8, _CUT_OFF, REJECTED_WHOLE, EACH_REJECTED, REASON_IS_STORED)

WHAT_A_2XX_MEANS: tuple[Entry, ...] = (
    NoPromise(
        "This page says what is guaranteed, under which assumptions, and what is not promised.", "The page itself."
    ),
    promise(
        "promises.md names the tests of each sentence.",
        proof(
            "tests/unit/docs/test_promises.py::test_every_sentence_is_known",
            "A guarantee has no entry.",
            "docs/guarantees.md",
            "guarantees.md",
            "## What is not promised\n",
            "## What is not promised\n\nThis sentence has no entry.\n",
        ),
        proof(
            "tests/unit/docs/test_promises.py::test_page_names_every_test",
            "The page names only the first test of a sentence.",
            "tools/promises/table.py",
            "_rows",
            'return [(sentence, *first), *(("", *cells) for cells in others)]',
            "return [(sentence, *first) for _ in range(1 + 0 * len(others))]",
        ),
        proof(
            "tests/unit/docs/test_promises.py::test_test_of_a_class_has_its_own_name",
            "For a test in a class promises.md names the class and not the test.",
            "tools/promises/table.py",
            "_link",
            'name).split("::")[-1]',
            'name).split("::")[0]',
        ),
    ),
    NoPromise('"The platform" means Delivery Hero\'s platform.', "A definition."),
    NoPromise('"We" means this stack.', "A definition."),
    promise(
        "The webhook answers 200 after SQS has confirmed that it holds the body.",
        QUEUE_FAILURE,
        REFUSED_ENTRY,
        SETTINGS_REFER,
        proof(
            f"{_ENDPOINT}::test_event_is_enqueued_byte_for_byte",
            "An empty message is sent to the queue, and the body is acknowledged.",
            _WEBHOOK,
            "Webhook._enqueue",
            "self._queue.send(message)",
            'self._queue.send(replace(message, body=b""))',
        ),
        proof(
            f"{_ENDPOINT}::test_unreachable_service_is_a_503[ReadTimeoutError-sqs]",
            "When SQS does not answer in time the webhook responds with 200, although nobody knows whether SQS "
            "has the body.",
            _WEBHOOK,
            "Webhook._enqueue",
            "            return _unavailable(error)\n",
            "            return ACCEPTED if isinstance(error, TimeoutError) or 'Timeout' in type(error).__name__ else _unavailable(error)\n",
        ),
        proof(
            f"{_ENDPOINT}::test_limit_counts_bytes[text-262144]",
            "SQS is given only the first 64 KiB of a body that was answered with 200.",
            f"{PACKAGE}/order_events/message.py",
            "OrderEventMessage.to_text",
            "compressor.compress(self.body) + compressor.flush()",
            "compressor.compress(self.body[:65_536]) + compressor.flush()",
        ),
        proof(
            f"{_LAWS}::test_function_permissions_are_exact",
            "With a key of the customer's own the webhook may not send to the encrypted queue and answers each "
            "event 503.",
            "template.yaml",
            "WebhookRole",
            "Action: [kms:Decrypt, kms:GenerateDataKey]",
            "Action: kms:Decrypt",
        ),
    ),
    same_as(
        "From then on we are responsible for the event.",
        "the order's history in the table",
        "the rejected events, whole",
        "the dead-letter queue, until",
    ),
    promise(
        "It ends in one of three places, and you can look into each of them:",
        proof(
            "tests/console/test_orders_and_stores.py::test_order_history_is_shown",
            "An order is shown without what came before its last event.",
            "partner_orders_console/operations/order_life.py",
            "life_of",
            "for entry in order.history:",
            "for entry in order.history[-1:]:",
        ),
        proof(
            "tests/console/test_orders_and_stores.py::test_order_history_is_shown",
            "orders show --json has only the last event of an order's history.",
            "partner_orders_console/operations/orders.py",
            "whole",
            "for entry in order.history\n",
            "for entry in order.history[-1:]\n",
        ),
        proof(
            "tests/console/test_orders_and_stores.py::test_history_has_every_source",
            "An order is shown without the events that the reconciler brought.",
            "partner_orders_console/operations/order_life.py",
            "life_of",
            "for entry in order.history:",
            'for entry in (one for one in order.history if one.source != "reconciliation" or one is order.snapshot):',
        ),
        proof(
            "tests/console/test_rejected.py::test_list_says_how_many_there_are",
            "The list of rejected events has one of them.",
            _REJECTED,
            "RejectedTable.each",
            "for rows in batched(listed, MAX_KEYS, strict=False):",
            "for rows in batched([*listed][:1], MAX_KEYS, strict=False):",
        ),
        proof(
            "tests/console/test_repairs.py::test_dead_letters_are_listed",
            "Dead-letter messages are counted and not shown.",
            "partner_orders_console/operations/dead_letters.py",
            "states",
            "seen = letters.some() if count else []",
            "seen = letters.some()[:0] if count else []",
        ),
        EVERY_EVENT,
        REJECTED_WHOLE,
        FAILED_COME_AGAIN,
        EACH_FAILED_COMES_AGAIN,
        proof(
            "tests/console/test_dead_letters.py::test_show_leaves_the_messages",
            "What was looked at in the dead-letter queue is hidden for a quarter of an hour: the next look "
            "shows nothing.",
            f"{CONSOLE}/operations/dead_letters.py",
            "messages",
            "        letters.show_again()\n",
            "        pass\n",
        ),
        proof(
            "tests/console/test_repairs.py::test_rejected_events_are_shown_redacted[fake]",
            "rejected show never prints the body of a rejected event.",
            f"{CONSOLE}/cli/rejected.py",
            "show",
            "    if show_personal_data:\n        print_text(text)\n",
            "",
        ),
        proof(
            "tests/console/test_repairs.py::test_erased_event_stays_listed_once[fake]",
            "rejected list leaves out events that the reconciler found and that cannot be parsed.",
            f"{CONSOLE}/operations/rejected.py",
            "each",
            "found = stack.rejected.each(choice.since, choice.until, None if choice.reason else limit)",
            "found = stack.rejected.each(choice.since, choice.until, limit)\n"
            "    found = (event for event in found if event.source == 'webhook')",
        ),
        proof(
            "tests/console/test_rejected.py::test_list_is_filtered_by_reason_and_time[fake]",
            "A list of the rejected events of one reason looks only among the newest, so older ones of that "
            "reason are not to be seen.",
            f"{CONSOLE}/operations/rejected.py",
            "each",
            "None if choice.reason else limit",
            "limit",
        ),
    ),
    promise(
        "the order's history in the table | the event could be parsed; if it is the greatest event of its order, it is "
        "also the snapshot",
        EVERY_EVENT,
        ORDERS_ARE_KEPT_AS_TOLD,
        proof(
            "tests/integration/orders/test_table.py::test_new_latest_event_is_one_request[fake]",
            "The snapshot stays the first event of its order.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable._move_head",
            "        update.set_all(head)",
            "        for name, value in head.items():\n            update.default(name, value)",
        ),
        proof(
            "tests/integration/orders/test_table.py::test_greatest_of_a_batch_is_the_snapshot[fake-True]",
            "Of several greater events that come together the one that arrived last is the snapshot.",
            _PLAN,
            "plan_write",
            "key_of(pair) > snapshot_key), key=key_of, default=None)",
            "key_of(pair) > snapshot_key), key=lambda pair: pair[1].received_at, default=None)",
        ),
        proof(
            "tests/integration/orders/test_table.py::test_greatest_of_a_batch_is_the_snapshot[fake-False]",
            "Of the events of a new order that come together the one that arrived last is the snapshot.",
            _PLAN,
            "plan_write",
            "max(events, key=key_of), changes_the_snapshot=True)",
            "max(events, key=lambda pair: pair[1].received_at), changes_the_snapshot=True)",
        ),
        proof(
            "tests/integration/consumer/test_counts.py::test_batch_is_counted[fake-before1-now1-counts1]",
            "Of three events of an order in one batch the third is in no history.",
            _INTAKE,
            "Intake._write",
            "self._orders.write([(one.event, one.arrival) for one in arrived])",
            "self._orders.write([(one.event, one.arrival) for one in arrived[:2]])",
        ),
        proof(
            f"{_CONSUMER}::test_lag_counts_from_the_webhook[fake]",
            "A late event is not stored in the order's history.",
            _PLAN,
            "plan_write",
            "new = [pair for pair in events if pair[0].digest not in entries]",
            "new = [pair for pair in events if pair[0].digest not in entries and key_of(pair) > "
            'existing["snapshot_key"]]',
        ),
        proof(
            f"{_CONSUMER}::test_unknown_statuses_are_counted[fake]",
            "The snapshot of an order with an unknown status says RECEIVED.",
            f"{PACKAGE}/orders/table.py",
            "_head",
            '        "status": event.status,',
            '        "status": order.status if lifecycle.is_known(order.status) else lifecycle.RECEIVED,',
        ),
        proof(
            f"{_CONSUMER}::test_longest_bodies_are_stored_whole[fake]",
            "The history has no body of an event of an order with many lines.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable._inline_bodies",
            "                self._put_body(event.order_id, event.digest, packed, self._expires_at(event, "
            "arrival), replace=redact)",
            "                continue",
        ),
        proof(
            "tests/console/test_dead_letters.py::test_failed_redrive_loses_nothing[fake]",
            "A dead-letter message is deleted before it is on the queue again: if the command is stopped or "
            "SQS refuses then, the event is lost.",
            f"{CONSOLE}/operations/dead_letters.py",
            "redrive",
            "            elif not preview and _bring_back(stack, queue, letter, catalogue):\n"
            "                letters.delete(letter)\n",
            "            elif not preview:\n                letters.delete(letter)\n"
            "                _bring_back(stack, queue, letter, catalogue)\n",
        ),
        proof(
            "tests/contracts/test_orders.py::test_newest[fake]",
            "The snapshot stays the first event of its order.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable._move_head",
            "        update.set_all(head)",
            "        for name, value in head.items():\n            update.default(name, value)",
        ),
        proof(
            "tests/integration/orders/test_rows.py::test_row_of_an_order[fake]",
            "The snapshot stays the first event of its order.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable._move_head",
            "        update.set_all(head)",
            "        for name, value in head.items():\n            update.default(name, value)",
        ),
    ),
    promise(
        "the rejected events, whole and with the reason | the event could not be parsed",
        REJECTED_WHOLE,
        EACH_REJECTED,
        LAST_BYTE_TELLS,
        REASON_IS_STORED,
        REJECTED_ARE_KEPT,
        REJECTED_ARE_KEPT_AS_TOLD,
        proof(
            f"{_CONSUMER}::test_unstorable_event_is_rejected[fake]",
            "An event that the table refuses alone is counted as rejected, and stored nowhere.",
            _INTAKE,
            "Intake._write_or_reject",
            "return self._reject(one.message_id, fault, outcome)",
            "return Counter(Rejected=1)",
        ),
        proof(
            f"{_CONSUMER}::test_bad_event_spares_its_neighbours[fake]",
            "An object without an order_id counts as a callback, and is stored nowhere.",
            _EVENT,
            "event_from",
            'if "job_id" in value and "order_id" not in value:',
            'if "job_id" in value or "order_id" not in value:',
        ),
        proof(
            "tests/integration/orders/test_rejected.py::test_row_of_a_rejected_event[fake]",
            "Of a rejected body only the first bytes are stored.",
            f"{PACKAGE}/orders/rejected_table.py",
            "RejectedTable.keep",
            "pack(body if left is None else left)",
            "pack(body[:9] if left is None else left)",
        ),
        proof(
            "tests/contracts/test_rejected.py::test_kept[fake]",
            "Of a rejected body only the first bytes are stored.",
            f"{PACKAGE}/orders/rejected_table.py",
            "RejectedTable.keep",
            "pack(body if left is None else left)",
            "pack(body[:9] if left is None else left)",
        ),
    ),
    promise(
        "the dead-letter queue, until 14 days after the event came, with an alarm | the event could not be written for "
        "hours (80 tries over at least 6 hours)",
        proof(
            f"{_LAWS}::test_dead_letters_are_kept_14_days",
            "Dead-letter messages are kept for a week.",
            "template.yaml",
            "OrderEventsDeadLetters",
            "MessageRetentionPeriod: 1209600",
            "MessageRetentionPeriod: 604800",
        ),
        DEAD_LETTERS_ALARM,
        DEAD_LETTERS_ARE_WATCHED,
        DEAD_LETTERS_ALARM_IS_SENT,
        ALARMS_ACT,
        FAILED_COME_AGAIN,
        EACH_FAILED_COMES_AGAIN,
        SIX_HOURS,
        EIGHTY_TRIES,
        proof(
            f"{_CONSUMER}::test_delay_follows_the_tries",
            "Each try comes 5 s after the one before, so 80 tries take minutes.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            'int(record["attributes"]["ApproximateReceiveCount"])',
            '1 if record["attributes"]["ApproximateReceiveCount"] else 0',
        ),
    ),
    promise(
        "A catalogue callback on the same URL is acknowledged and counted but not stored, since it is not an order event.",
        CALLBACK_LEAVES_NOTHING,
        CALLBACK_IS_COUNTED,
        proof(
            f"{_ENDPOINT}::test_any_body_is_enqueued",
            "The webhook refuses a catalogue callback with 400.",
            _WEBHOOK,
            "Webhook._enqueue",
            "        message = OrderEventMessage(",
            "        if b'\"job_id\"' in body and b'\"order_id\"' not in body:\n"
            '            return Response(400, "Not an order event", "RefusedCallbacks")\n'
            "        message = OrderEventMessage(",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_catalogue_callback_leaves_nothing",
            "A callback with a status is a rejected event.",
            f"{PACKAGE}/orders/event.py",
            "event_from",
            '"job_id" in value and "order_id" not in value',
            '"job_id" in value and "order_id" not in value and "status" not in value',
        ),
    ),
)

HOW_SOON: tuple[Entry, ...] = (
    promise(
        "Target: 95 of 100 events are in the table within 5 s of the webhook's response.",
        proof(
            "tests/tools/bench/test_lag.py::test_lag_has_one_target",
            "The alarm knows another target.",
            "template.yaml",
            "OrderEventsSlowAlarm",
            "Threshold: 5",
            "Threshold: 50",
        ),
        proof(
            f"{_KNOWN}::test_event_sources_are_exact",
            "The queue waits for a minute to fill a batch.",
            "template.yaml",
            "ConsumerFunctionOrderEvents",
            "BatchSize: 10\n",
            "BatchSize: 10\n      MaximumBatchingWindowInSeconds: 60\n",
        ),
        proof(
            "tests/property/order_events/test_queue.py::test_message_is_visible_at_once",
            "Every event of the webhook is delayed by 6 s.",
            f"{PACKAGE}/order_events/queue.py",
            "OrderEventsQueue.send",
            "MessageGroupId=message.source)",
            "MessageGroupId=message.source, DelaySeconds=6)",
        ),
        proof(
            f"{_CONSUMER}::test_event_is_stored_without_a_wait",
            "Every write waits 6 s.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable.write",
            "        distinct = distinct_events(events)\n",
            "        distinct = distinct_events(events)\n        time.sleep(6)\n",
        ),
        proof(
            f"{_KNOWN}::test_no_property_is_unknown[orders-AWS::SQS::Queue]",
            "Every event waits 15 s in the queue.",
            "template.yaml",
            "OrderEventsQueue",
            "      VisibilityTimeout: 300\n",
            "      VisibilityTimeout: 300\n      DelaySeconds: 15\n",
        ),
        proof(
            "tests/contracts/test_queue.py::test_send_and_receive[fake]",
            "Every event of the webhook is delayed by 6 s.",
            f"{PACKAGE}/order_events/queue.py",
            "OrderEventsQueue.send",
            "MessageGroupId=message.source)",
            "MessageGroupId=message.source, DelaySeconds=6)",
        ),
    ),
    promise(
        "The metric `Lag` records the seconds that the stored events took.",
        proof(
            f"{_CONSUMER}::test_lag_counts_from_the_webhook",
            "The metric is always 0.",
            _INTAKE,
            "Intake._write",
            "_seconds(now - one.arrival.received_at)",
            "0.0",
        ),
        proof(
            f"{_CONSUMER}::test_lag_counts_from_the_webhook",
            "Two events of an order that are stored together have no Lag.",
            _INTAKE,
            "Intake._write",
            "if written.new:",
            "if len(written.new) == 1:",
        ),
        proof(
            f"{_CONSUMER}::test_each_lag_is_emitted",
            "Of the events of a batch one is recorded.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            "for seconds in outcome.lag_seconds:",
            "for seconds in outcome.lag_seconds[:1]:",
        ),
        proof(
            f"{_ENDPOINT}::test_event_is_enqueued_byte_for_byte[order]",
            "The time of arrival is cut to the minute, so Lag is up to a minute too long.",
            _WEBHOOK,
            "Webhook._enqueue",
            "received_at=self._clock(),",
            "received_at=self._clock().replace(second=0, microsecond=0),",
        ),
        proof(
            f"{_CONSUMER}::test_lag_counts_from_the_webhook[fake]",
            "A copy that comes with an event which is new has a Lag, too.",
            _INTAKE,
            "Intake._write",
            "for one in reversed(arrived) if one.event.digest in written.new}",
            "for one in reversed(arrived)}",
        ),
        proof(
            f"{_CONSUMER}::test_lag_holds_the_write[fake]",
            "The time of the write is not counted.",
            _INTAKE,
            "Intake._write",
            "            now, posted = self._clock(), [one",
            "            now, posted = max(one.arrival.received_at for one in arrived), [one",
        ),
    ),
    promise(
        "OrderEventsSlowAlarm fires when events miss the target for ten minutes or more.",
        proof(
            f"{_ALARMS}::test_alarm_fires_at_its_minute[OrderEventsSlowAlarm]",
            "The alarm needs an hour of slow events.",
            "template.yaml",
            "OrderEventsSlowAlarm",
            "EvaluationPeriods: 3",
            "EvaluationPeriods: 12",
        ),
        proof(
            "tests/integration/test_alarms_of_events.py::test_cause_fires_its_alarm"
            "[OrderEventsSlowAlarm-an_event_that_waited]",
            "The seconds go into a metric of another name.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            '"Lag"',
            '"Delay"',
        ),
        *told("OrderEventsSlowAlarm"),
        proof(
            f"{_LAWS}::test_alarmed_metrics_are_emitted",
            "The alarm looks at a metric that the webhook does not emit, and never fires.",
            "template.yaml",
            "OrderEventsSlowAlarm",
            "${AWS::StackName}-consumer",
            "${AWS::StackName}-webhook",
        ),
    ),
    promise(
        "performance.md shows the measured times.",
        proof(
            "tests/tools/bench/test_lag.py::test_document_shows_the_stored_lag",
            "The table of the page is of another measurement.",
            "tools/bench/results/lag.json",
            "lag.json",
            '"p95": 0.08',
            '"p95": 0.09',
        ),
        proof(
            "tests/tools/bench/test_lag.py::test_measured_times_are_put_into_the_document[lag]",
            "The measured times are not put into the page.",
            "tools/bench/lag.py",
            "main",
            'put({"flood" if arguments.with_flood else "lag": text})',
            'put({"flood": text} if arguments.with_flood else {})',
        ),
    ),
    promise(
        "Orders that the reconciler or a replay enqueues share the queue, but `Lag` does not count them.",
        proof(
            f"{_CONSUMER}::test_lag_counts_from_the_webhook",
            "The metric counts every stored event.",
            _INTAKE,
            "Intake._write",
            " if one.arrival.source == WEBHOOK]",
            "]",
        ),
        proof(
            "tests/console/test_repairs.py::test_replay_resolves_parsed_events_only",
            "A replay of rejected events counts as the webhook's.",
            "partner_orders_console/operations/rejected.py",
            "_replay",
            "OrderEventMessage(REPLAY, now(),",
            'OrderEventMessage("webhook", now(),',
        ),
        proof(
            "tests/console/test_order_replay.py::test_replay_enqueues_what_was_received",
            "A replay of an order counts as the webhook's.",
            "partner_orders_console/operations/order_replay.py",
            "replay",
            "OrderEventMessage(REPLAY, now(),",
            'OrderEventMessage("webhook", now(),',
        ),
        proof(
            "tests/integration/reconciler/test_run.py::test_missed_orders_are_found_and_stored[fake]",
            "The reconciler enqueues nothing.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._enqueue",
            "self._queue.send_all(messages)",
            "self._queue.send_all([])",
        ),
        proof(
            "tests/integration/reconciler/test_run.py::test_repair_names_its_order_and_delay[fake]",
            "The reconciler's orders look like a webhook's.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._enqueue",
            "OrderEventMessage(RECONCILIATION, ",
            'OrderEventMessage("webhook", ',
        ),
        proof(
            f"{_LAWS}::test_variables_are_wired_by_name",
            "The reconciler does not share the queue of order events.",
            "template.yaml",
            "ReconcilerFunction",
            "ORDER_EVENTS_QUEUE_URL: !Ref OrderEventsQueue",
            "ORDER_EVENTS_QUEUE_URL: !Ref ReconciliationDeadLetters",
        ),
    ),
)

WHAT_THE_CALLER_GETS: tuple[Entry, ...] = (
    promise(
        "no `Authorization`, a wrong secret, or the right secret in different case | 401 with the same fixed body, "
        "whatever was wrong; 503 while our secret cannot be read or is empty, since the caller might have a newer secret",
        MISSING_SECRET,
        proof(
            f"{_ENDPOINT}::test_wrong_secret_is_rejected",
            "The secret may come in other case.",
            _SECRET,
            "_digest",
            "text.encode(",
            "text.lower().encode(",
        ),
        proof(
            f"{_ENDPOINT}::test_wrong_secret_is_rejected",
            "The body of a 401 tells how long the given secret is.",
            _WEBHOOK,
            "Webhook.receive",
            "else UNAUTHORIZED",
            'else replace(UNAUTHORIZED, message=str(len(headers.get("authorization", ""))))',
        ),
        proof(
            f"{_ENDPOINT}::test_no_other_secret_is_accepted",
            "Of wrong secrets one in 256 is accepted.",
            _SECRET,
            "WebhookSecret._match",
            "if hmac.compare_digest(candidate, secret)",
            "if hmac.compare_digest(candidate[:1], secret[:1])",
        ),
        UNREADABLE_SECRET,
        UNREADABLE_WHEN_WARM,
        proof(
            f"{_ENDPOINT}::test_empty_secret_admits_nobody",
            "An empty secret is taken for the secret.",
            _SECRET,
            "WebhookSecret._refresh",
            "if not current:",
            "if False:",
        ),
        proof(
            "tests/property/platform/test_webhook_secret.py::test_failed_reads_reject_no_valid_secret",
            "While the secret cannot be read, requests are refused with 401.",
            f"{PACKAGE}/platform/webhook_secret.py",
            "WebhookSecret.admitted_by",
            "raise SecretUnavailableError(self._fault)",
            "return None",
        ),
    ),
    promise(
        "the right secret, bare or after `Bearer `, even with spaces around it | accepted",
        proof(
            f"{_ENDPOINT}::test_bare_or_bearer_secret_is_accepted",
            "The secret is refused after Bearer.",
            _SECRET,
            "WebhookSecret._match",
            'if presented[:7] == "Bearer ":',
            "if False:",
        ),
        proof(
            f"{_ENDPOINT}::test_bare_or_bearer_secret_is_accepted",
            "The secret is refused with spaces around it.",
            _SECRET,
            "WebhookSecret._match",
            "authorization.strip()",
            "authorization",
        ),
        proof(
            f"{_ENDPOINT}::test_new_secret_is_admitted_once_read",
            "The right secret is refused once in each warm environment after it was rotated.",
            _SECRET,
            "WebhookSecret.admitted_by",
            "if self._fetched_at != fetched_at and (version := self._match(authorization)):\n"
            "            return version",
            "if self._fetched_at != fetched_at:\n            return None",
        ),
        proof(
            f"{_ENDPOINT}::test_empty_secret_admits_nobody",
            "The right secret is refused where ours was stored with a line break at its end.",
            _SECRET,
            "secret_text",
            ".strip().lstrip(BYTE_ORDER_MARK).strip()",
            ".lstrip(BYTE_ORDER_MARK)",
        ),
        proof(
            "tests/integration/webhook/test_endpoint.py::test_bare_or_bearer_secret_is_accepted",
            "The secret is refused with tabs around it.",
            f"{PACKAGE}/platform/webhook_secret.py",
            "WebhookSecret._match",
            "presented = authorization.strip()",
            'presented = authorization.strip(" ")',
        ),
        proof(
            "tests/property/platform/test_webhook_secret.py::test_failed_reads_reject_no_valid_secret",
            "The secret is refused after Bearer.",
            f"{PACKAGE}/platform/webhook_secret.py",
            "WebhookSecret._match",
            'if presented[:7] == "Bearer ":',
            "if False:",
        ),
    ),
    promise(
        "any other body of at most 262,144 bytes, with the secret | 200; stored, or stored as a rejected event with the "
        "reason",
        ANY_BODY,
        ANY_CONTENT_TYPE,
        proof(
            f"{_ENDPOINT}::test_limit_counts_bytes",
            "A body of exactly the limit is refused.",
            _BODY,
            "request_body",
            "if len(received) > MAX_BODY_BYTES:",
            "if len(received) >= MAX_BODY_BYTES:",
        ),
        proof(
            f"{_ENDPOINT}::test_limit_counts_bytes",
            "Of a long body the end is cut off.",
            _WEBHOOK,
            "Webhook._enqueue",
            "self._queue.send(message)",
            "self._queue.send(replace(message, body=message.body[:131_072]))",
        ),
        LOWER_LIMIT,
        proof(
            f"{_CONSUMER}::test_longest_bodies_are_stored_whole",
            "Of a very long order the end is not stored.",
            f"{PACKAGE}/orders/table.py",
            "OrdersTable._inline_bodies",
            "packed = pack(event.body)\n",
            "packed = pack(event.body[:200_000])\n",
        ),
        proof(
            f"{_KNOWN}::test_no_property_is_unknown[orders-AWS::SQS::Queue]",
            "The queue takes messages of 256 KiB, and a body within the limit is longer once it is packed.",
            "template.yaml",
            "OrderEventsQueue",
            "      MessageRetentionPeriod: 345600",
            "      MaximumMessageSize: 262144\n      MessageRetentionPeriod: 345600",
        ),
        REASON_IS_STORED,
    ),
    promise(
        "an empty body (nothing or only white space), with the secret | 200, counted as `EmptyBodies`",
        proof(
            f"{_ENDPOINT}::test_empty_body_is_counted",
            "A body of white space is enqueued.",
            _WEBHOOK,
            "Webhook._enqueue",
            "if not body or body.isspace():",
            "if not body:",
        ),
        proof(
            f"{_ENDPOINT}::test_empty_body_is_counted",
            "An empty body counts as enqueued.",
            _WEBHOOK,
            "EMPTY",
            '"EmptyBodies"',
            '"Enqueued"',
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_each_request_is_counted",
            "An empty body is not counted.",
            f"{PACKAGE}/webhook/handler.py",
            "handler",
            "    metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n",
            "    if response.status != 200 or response.message == 'Accepted':\n"
            "        metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n",
        ),
    ),
    promise(
        "a body with `Content-Encoding: gzip`, `x-gzip` or `deflate` | inflated, then treated like any other body",
        proof(
            f"{_ENDPOINT}::test_one_encoding_is_taken_off",
            "x-gzip is not known.",
            _ENCODING,
            "_FORMATS",
            '"x-gzip": (_GZIP,), ',
            "",
        ),
        proof(
            f"{_ENDPOINT}::test_one_encoding_is_taken_off",
            "A bare deflate is not inflated.",
            _ENCODING,
            "_FORMATS",
            "(_ZLIB, _BARE_DEFLATE)",
            "(_ZLIB,)",
        ),
        proof(
            f"{_ENDPOINT}::test_empty_compressed_body_is_counted",
            "A packed body is enqueued packed.",
            _BODY,
            "request_body",
            "return received if body is None else body",
            "return received",
        ),
        proof(
            "tests/unit/test_content_encoding.py::test_gzip",
            "x-gzip is not known.",
            f"{PACKAGE}/content_encoding.py",
            "_FORMATS",
            '"x-gzip": (_GZIP,), ',
            "",
        ),
        proof(
            "tests/property/webhook/test_request_body.py::test_packed_body_arrives_as_packed",
            "x-gzip is not known.",
            f"{PACKAGE}/content_encoding.py",
            "_FORMATS",
            '"x-gzip": (_GZIP,), ',
            "",
        ),
    ),
    promise(
        "a body with another encoding or several encodings, or one that cannot be inflated completely | 200, enqueued as "
        "received",
        proof(
            f"{_ENDPOINT}::test_other_encodings_are_kept_as_received",
            "Of several encodings the first is taken off.",
            _ENCODING,
            "inflated",
            "encoding.strip().lower()",
            'encoding.split(",")[0].strip().lower()',
        ),
        proof(
            f"{_ENDPOINT}::test_corrupt_encoding_is_kept_as_received",
            "A body that is cut short is enqueued in part.",
            _ENCODING,
            "inflated",
            r'if inflating.eof and not inflating.unused_data.strip(b"\0"):',
            "if body:",
        ),
        proof(
            "tests/unit/test_content_encoding.py::test_zeros_behind_the_body_are_padding",
            "A body that is cut short is enqueued in part.",
            f"{PACKAGE}/content_encoding.py",
            "inflated",
            'if inflating.eof and not inflating.unused_data.strip(b"\\0"):',
            "if body:",
        ),
    ),
    promise(
        "a body of more than 262,144 bytes, before or after inflating | 413 that names the limit; above Lambda's 6 MB, "
        "AWS's own 413 or 5xx before any of our code runs",
        proof(
            f"{_ENDPOINT}::test_limit_counts_bytes",
            "A body over the limit is enqueued.",
            _BODY,
            "request_body",
            "if len(received) > MAX_BODY_BYTES:",
            "if False:",
        ),
        proof(
            f"{_ENDPOINT}::test_limit_counts_inflated_bytes",
            "An inflated body over the limit is enqueued in part.",
            _ENCODING,
            "inflated",
            "            raise TooLargeError",
            "            return body[:most_bytes]",
        ),
        proof(
            f"{_ENDPOINT}::test_limit_counts_bytes",
            "The response does not name the limit.",
            _WEBHOOK,
            "TOO_LARGE",
            'f"The body is over the limit of {MAX_BODY_BYTES} bytes"',
            '"The body is too large"',
        ),
        LOWER_LIMIT,
        proof(
            "tests/unit/test_content_encoding.py::test_one_byte_too_many",
            "An inflated body over the limit is enqueued in part.",
            f"{PACKAGE}/content_encoding.py",
            "inflated",
            "            raise TooLargeError",
            "            return body[:most_bytes]",
        ),
        proof(
            "tests/property/webhook/test_request_body.py::test_packed_body_arrives_as_packed",
            "An inflated body over the limit is enqueued in part.",
            f"{PACKAGE}/content_encoding.py",
            "inflated",
            "            raise TooLargeError",
            "            return body[:most_bytes]",
        ),
    ),
    promise(
        "bytes that are not UTF-8, or not JSON, or not a JSON object | 200, stored as a rejected event",
        *UNPARSABLE,
        proof(
            f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
            "A list with an order is taken for the order.",
            _EVENT,
            "event_from",
            "if not isinstance(value, dict):",
            "if isinstance(value, list) and value:\n        value = value[0]\n    if not isinstance(value, dict):",
        ),
        ANY_BODY,
        proof(
            "tests/unit/test_exact_json.py::test_refused_with_a_reason",
            "Bytes that are not UTF-8 are replaced.",
            f"{PACKAGE}/exact_json.py",
            "parse",
            'text.decode("utf-8-sig")',
            'text.decode("utf-8-sig", "replace")',
        ),
        proof(
            "tests/property/platform/test_order_page.py::test_strange_order_costs_no_other",
            "Bytes that are not UTF-8 are replaced.",
            f"{PACKAGE}/exact_json.py",
            "parse",
            'text.decode("utf-8-sig")',
            'text.decode("utf-8-sig", "replace")',
        ),
    ),
    promise(
        "JSON that is ambiguous or excessive (NaN, duplicate keys, deep nesting, huge numbers) | 200, stored as a "
        "rejected event",
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed",
            "NaN is null.",
            _JSON,
            "_constant",
            'raise MalformedJsonError("NaN or an infinity")',
            "return None",
        ),
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed",
            "Of duplicate keys the last one counts.",
            _JSON,
            "_object",
            "if len(value) != len(pairs):",
            "if False:",
        ),
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed",
            "JSON may nest as deep as it likes.",
            _JSON,
            "parse",
            "if _deeper_than(value, MAX_DEPTH):",
            "if False:",
        ),
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed",
            "An exponent may be of any size.",
            _JSON,
            "bounded_decimal",
            "if abs(number.adjusted()) > MAX_EXPONENT:",
            "if abs(number.adjusted()) > 2 * MAX_EXPONENT:",
        ),
        REJECTED_WHOLE,
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed[body8-100 digits]",
            "An order with a decimal number of a thousand digits is stored as an order.",
            _JSON,
            "bounded_decimal",
            "    if len(text) > MAX_DIGITS:\n"
            '        raise MalformedJsonError(f"a number of more than {MAX_DIGITS} digits")\n',
            "",
        ),
        proof(
            f"{_PARSING}::test_ambiguous_json_is_malformed",
            "JSON with a duplicate key is taken for an order where both values are the same.",
            _JSON,
            "_object",
            "    value = dict(pairs)\n    if len(value) != len(pairs):\n",
            "    value = dict(pairs)\n"
            "    if len(value) != len(pairs) and any(value[name] != item for name, item in pairs):\n",
        ),
        proof(
            "tests/unit/orders/test_event.py::test_ambiguous_json_is_malformed",
            "Only the first of a list's entries may not nest deeply.",
            f"{PACKAGE}/exact_json.py",
            "_deeper_than",
            "else container)",
            "else container[:1])",
        ),
        proof(
            "tests/unit/test_exact_json.py::test_refused_with_a_reason",
            "NaN is null.",
            f"{PACKAGE}/exact_json.py",
            "_constant",
            'raise MalformedJsonError("NaN or an infinity")',
            "return None",
        ),
        proof(
            "tests/property/platform/test_order_page.py::test_strange_order_costs_no_other",
            "Of duplicate keys the last one counts.",
            f"{PACKAGE}/exact_json.py",
            "_object",
            "if len(value) != len(pairs):",
            "if False:",
        ),
    ),
    promise(
        "an object without a readable `order_id` or `status` that is no catalogue callback | 200, stored as a rejected "
        "event with the reason",
        proof(
            f"{_PARSING}::test_order_id_and_status_decide",
            "An empty order_id is an order_id.",
            _EVENT,
            "_what_is_wrong",
            'return "" if reading.values[name] else "String should have at least 1 character"',
            'return ""',
        ),
        proof(
            f"{_PARSING}::test_order_id_and_status_decide",
            "An object with an empty order_id and a job_id is taken for a callback of the catalogue, and dropped.",
            _EVENT,
            "event_from",
            'if "job_id" in value and "order_id" not in value:',
            'if "job_id" in value and not value.get("order_id"):',
        ),
        proof(
            f"{_CONSUMER}::test_bad_event_spares_its_neighbours",
            "An object that is not an order is dropped.",
            _INTAKE,
            "Intake._reject",
            "self._rejected.keep(fault.body, fault.arrival, fault.reason, problems, left)",
            "pass",
        ),
        REASON_IS_STORED,
        proof(
            f"{_PARSING}::test_required_field_that_is_not_there[status]",
            "An object without a status is stored as a RECEIVED order.",
            _EVENT,
            "_what_is_wrong",
            '        return "Field required"',
            '        return "" if name == "status" and reading.values.setdefault("status", "RECEIVED") else '
            '"Field required"',
        ),
        proof(
            f"{_CONSUMER}::test_odd_values_are_stored_whole[fake-fields0]",
            "An object in place of the order_id fails in the consumer and is not stored as rejected.",
            _FIELDS,
            "_plain_text",
            "case bool() | None | list() | dict():",
            "case bool() | None | list():",
        ),
        proof(
            "tests/integration/orders/test_rejected.py::test_row_of_a_rejected_event[fake]",
            "Each rejected event has the same reason.",
            f"{PACKAGE}/orders/rejected_table.py",
            "RejectedTable._arrived",
            '.set("reason", reason)',
            '.set("reason", "rejected")',
        ),
        proof(
            "tests/contracts/test_rejected.py::test_kept[fake]",
            "Each rejected event has the same reason.",
            f"{PACKAGE}/orders/rejected_table.py",
            "RejectedTable._arrived",
            '.set("reason", reason)',
            '.set("reason", "rejected")',
        ),
    ),
    promise(
        "an order in which another part has a wrong type | 200, stored; a part that cannot be read counts as absent, and "
        "its path is stored as a problem of the event, up to 20 of them",
        proof(
            f"{_PARSING}::test_odd_part_counts_as_absent",
            "A part that cannot be read is not noted.",
            _READING,
            "_Walk.read_field",
            "self.problems.setdefault(described.path, str(error))",
            "pass",
        ),
        proof(
            f"{_PARSING}::test_all_parts_odd_is_still_an_order",
            "Of several parts that cannot be read only the last one is noted.",
            _READING,
            "_Walk.read_field",
            "self.problems.setdefault(described.path, str(error))",
            "self.problems = {described.path: str(error)}",
        ),
        proof(
            "tests/unit/orders/test_reading.py::test_what_cannot_be_read",
            "Null in a list is not noted.",
            _READING,
            "_Walk._read_list",
            'self.problems.setdefault(element.path, "Input should not be null")',
            "pass",
        ),
        proof(
            "tests/integration/orders/test_table.py::test_problems_of_an_event_are_stored[fake]",
            "The problems of an event are not stored.",
            _PLAN,
            "history_entry",
            "if event.problems:",
            "if False:",
        ),
    ),
    promise(
        "unknown status, enum values, fields; numbers as strings | 200, stored",
        UNKNOWN_STATUS,
        UNKNOWN_STATUS_STORED,
        UNKNOWN_FIELDS,
        JOB_ID,
        proof(
            "tests/property/orders/test_digest.py::test_any_difference_makes_another_event",
            "An event that differs from another in an unknown field alone counts as a repetition, and is not stored.",
            _READING,
            "_Walk.read_object",
            "            if described is None:\n                self.write_raw(item)\n            else:",
            "            if described is None:\n                self.out.pop()\n                continue\n            else:",
        ),
        proof(
            f"{_PARSING}::test_spellings_of_one_event",
            "A number that comes as text cannot be read.",
            _FIELDS,
            "_number",
            "if isinstance(value, bool) or not isinstance(value, int | Decimal | str):",
            "if isinstance(value, bool) or not isinstance(value, int | Decimal):",
        ),
        proof(
            f"{_CONSUMER}::test_odd_values_are_stored_whole",
            "An order of an unknown order_type is rejected.",
            _EVENT,
            "event_from",
            "    return OrderEvent(\n",
            '    if reading.values.get("order_type") not in (None, "DELIVERY", "PICKUP"):\n'
            '        raise RejectedError("not_an_order", ["order_type: unknown"])\n'
            "    return OrderEvent(\n",
        ),
        proof(
            "tests/integration/consumer/test_counts.py::test_batch_is_counted[fake-before7-now7-counts7]",
            "An order whose total is a number as a string is rejected.",
            _EVENT,
            "event_from",
            "    reading = read_order(value)\n",
            '    payment = value.get("payment")\n'
            '    if isinstance(payment, dict) and isinstance(payment.get("order_total"), str):\n'
            '        raise RejectedError("not_an_order", ["payment.order_total: should be a number"])\n'
            "    reading = read_order(value)\n",
        ),
    ),
    promise(
        "another method or path | API Gateway's own 404; no function runs",
        proof(
            f"{_LAWS}::test_only_one_route_exists",
            "The API has a GET as well.",
            "template.yaml",
            "OrderEventsApi",
            "            post:\n              responses: {}\n",
            "            get:\n              responses: {}\n            post:\n              responses: {}\n",
        ),
        proof(
            f"{_KNOWN}::test_no_function_has_a_url[orders]",
            "The webhook has a URL of its own, which answers each method and path.",
            "template.yaml",
            "WebhookFunction",
            "          WEBHOOK_SECRET_ARN: !Ref WebhookSecret\n",
            "          WEBHOOK_SECRET_ARN: !Ref WebhookSecret\n      FunctionUrlConfig: {AuthType: NONE}\n",
        ),
    ),
    promise(
        "a fault of ours (the queue refuses, the secret cannot be read) | 503, so that the platform retries",
        QUEUE_FAILURE,
        REFUSED_ENTRY,
        proof(
            f"{_LAWS}::test_webhook_calls_end_before_timeout",
            "The webhook asks the queue until it is killed, and API Gateway answers.",
            f"{PACKAGE}/webhook/handler.py",
            "SQS_CALLS",
            'retries={"total_max_attempts": 2, "mode": "standard"}',
            'retries={"total_max_attempts": 5, "mode": "standard"}',
        ),
        UNREADABLE_SECRET,
        UNREADABLE_WHEN_WARM,
        _UNREACHABLE_QUEUE,
        _UNREACHABLE_SECRET,
    ),
    promise(
        "The webhook checks nothing else in a body (ADR 13).",
        ANY_BODY,
        proof(
            f"{_ENDPOINT}::test_content_type_does_not_count[]",
            "The webhook refuses a body by its content type.",
            _WEBHOOK,
            "Webhook._enqueue",
            "        try:\n            body = request_body(request)",
            '        if "json" not in (request.get("headers") or {}).get("content-type", "json"):\n'
            '            return Response(415, "Not JSON", "RefusedType")\n        try:\n'
            "            body = request_body(request)",
        ),
    ),
    NoPromise(
        "API Gateway passes on compressed bytes unchanged only if the `Content-Type` is not a text type.",
        "How API Gateway works; an account alone shows it.",
    ),
    NoPromise("An example of such a type is `application/octet-stream`.", "An example."),
    NoPromise("With `application/json` it may replace bytes.", "How API Gateway works; an account alone shows it."),
    promise(
        "A body with replaced bytes ends as a rejected event.",
        _CUT_OFF,
        proof(
            f"{_ENDPOINT}::test_corrupt_encoding_is_kept_as_received",
            "A body that does not inflate whole counts as empty.",
            _BODY,
            "request_body",
            "    return received if body is None else body",
            '    return (b"" if encoding else received) if body is None else body',
        ),
        proof(
            f"{_ENDPOINT}::test_corrupt_encoding_is_kept_as_received",
            "A compressed body with replaced bytes counts as empty.",
            _BODY,
            "request_body",
            "    return received if body is None else body",
            '    if encoding and body is None and b"\\xef\\xbf\\xbd" in received:\n'
            '        return b""\n'
            "    return received if body is None else body",
        ),
        proof(
            f"{_CONSUMER}::test_unparsable_body_is_kept_with_reason",
            "An order around which bytes were replaced is stored as an order.",
            _JSON,
            "parse",
            '            text.decode("utf-8-sig"),',
            '            text.decode("utf-8-sig").strip("\\ufffd"),',
        ),
        proof(
            "tests/unit/test_exact_json.py::test_refused_with_a_reason",
            "A body that is cut off counts as one without content.",
            f"{PACKAGE}/exact_json.py",
            "parse",
            'raise MalformedJsonError(f"not JSON (at character {error.pos})") from None',
            "return None if error.pos else None",
        ),
        proof(
            "tests/property/platform/test_order_page.py::test_strange_order_costs_no_other",
            "A body that is cut off counts as one without content.",
            f"{PACKAGE}/exact_json.py",
            "parse",
            'raise MalformedJsonError(f"not JSON (at character {error.pos})") from None',
            "return None if error.pos else None",
        ),
    ),
)
