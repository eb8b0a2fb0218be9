"""What becomes of the answers of the chain's own systems."""

from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, Proof, promise, proof

_INTAKE = f"{PACKAGE}/answers/intake.py"
_TABLE = f"{PACKAGE}/answers/table.py"
_STORED = f"{PACKAGE}/answers/stored.py"
_SENDING = f"{PACKAGE}/sender/sending.py"
_TURN = f"{PACKAGE}/sender/turn.py"
_BUDGET = f"{PACKAGE}/platform/request_budget.py"

_ENDPOINT = "tests/integration/answers/test_endpoint.py"
_SENT = "tests/integration/sender/test_sending.py"
_APART = "tests/unit/template/test_answers_laws.py"
_NUMBERS = "tests/unit/docs/test_numbers.py::test_numbers_are_the_codes"
_SHARED = "tests/integration/platform/test_request_budget.py"
_TURNS = "tests/unit/sender/test_sending.py"
_NEVER_OVER = "tests/property/platform/test_request_budget.py::test_never_over_the_limit"

SENT_ONCE = proof(
    f"{_ENDPOINT}::test_repeated_answer_gets_200[fake]",
    "An answer that is repeated after its outcome is a new one.",
    _INTAKE,
    "AnswersIntake._considered",
    "if repeated := earlier.by_id(answer.answer_id):",
    "if (repeated := earlier.by_id(answer.answer_id)) and repeated.is_open:",
)
READ_BACK = proof(
    f"{_SENT}::test_taken_request_is_not_repeated[fake-put_unanswered-]",
    "A request without a response is sent again at once.",
    _SENDING,
    "Sender._step",
    "if stored.progress.sent_at is not None:",
    "if stored.progress.sent_at is None and stored.progress.tries:",
)
OVER_THE_LIMIT = proof(
    _NEVER_OVER,
    "A request counts until its permit was granted, not until its response came.",
    _BUDGET,
    "settled",
    "Block(block_id, share, 1, min(time, latest) + WINDOW)",
    "Block(block_id, share, 1, min(time, latest) + WINDOW / 2)",
)
ANSWERS_FIRST = proof(
    "tests/property/platform/test_request_budget.py::test_lower_shares_starve_no_answers",
    "The reconciler may take all of the budget.",
    _BUDGET,
    "_CEILINGS",
    "Share.STORE_STATUS: 36, Share.RECONCILIATION: 32",
    "Share.STORE_STATUS: 56, Share.RECONCILIATION: 56",
)


def _earlier_readings(test: str) -> Proof:
    return proof(
        test,
        "The readings of an earlier request count for a repeated one.",
        _SENDING,
        "Sender._send",
        "tuple(target.lines), cart_digest(cart))",
        "tuple(target.lines), cart_digest(cart), absent_since=before.absent_since)",
    )


ANSWERS: tuple[Entry, ...] = (
    NoPromise("These hold where answers are switched on (answers.md).", "Says when the sentences below hold."),
    promise(
        "An answer that got 202 is in the table.",
        proof(
            "tests/integration/answers/test_table.py::test_row_of_open_answers",
            "The row of an accepted answer expires at once.",
            f"{PACKAGE}/answers/table.py",
            "AnswersTable.accept",
            "int((answer.accepted_at + self._retention).timestamp())",
            "int(answer.accepted_at.timestamp())",
        ),
        proof(
            f"{_ENDPOINT}::test_new_answer_gets_202[fake]",
            "An answer is acknowledged and not stored.",
            _INTAKE,
            "AnswersIntake.take",
            "                self._answers.accept(considered.earlier, considered.taken.stored, store_id)",
            "                pass",
        ),
        proof(
            f"{_ENDPOINT}::test_concurrent_updates_are_both_taken[fake]",
            "An answer that another one overtook is acknowledged and not stored.",
            _INTAKE,
            "AnswersIntake.take",
            "                continue\n",
            "                pass\n",
        ),
    ),
    promise(
        "It ends in exactly one outcome, whatever crashes or is down meanwhile.",
        proof(
            "tests/unit/template/test_known_properties.py::test_schedules_are_exact",
            "Nothing takes up an answer whose wake-up was lost.",
            "template.yaml",
            "SenderFunction",
            "ScheduleExpression: rate(1 minute)\n",
            "ScheduleExpression: rate(1 minute)\n            State: DISABLED\n",
        ),
        proof(
            f"{_SENT}::test_killed_sender_sends_nothing_twice",
            "That a request begins is not noted before it.",
            _SENDING,
            "Sender._send",
            "turn.note(stored, begun)",
            "replace(stored, progress=begun)",
        ),
        proof(
            "tests/property/answers/test_lost_claim.py::test_lost_claim_changes_nothing[fake]",
            "A sender that lost its claim goes on writing.",
            _TABLE,
            "AnswersTable._write",
            'equals("fence", claimed.fence)',
            'present("fence")',
        ),
        proof(
            f"{_SENT}::test_lost_request_is_repeated[fake-put_error_before]",
            "A request that failed ends the answer.",
            _SENDING,
            "Sender._put",
            "                turn.fail(replace(stored, progress=replace(stored.progress, refusal=refusal)), error)",
            "                turn.end(stored, Outcome.UNKNOWN, refusal)",
        ),
        proof(
            "tests/property/answers/test_accepted_meanwhile.py::test_no_answer_is_left_behind[fake]",
            "An answer that comes while the last one ends is left behind.",
            _TABLE,
            "AnswersTable.end",
            'update.only_if(all_of(equals("fence", claimed.fence), _still_accepted(claimed)))',
            'update.only_if(equals("fence", claimed.fence))',
        ),
        proof(
            "tests/unit/sender/test_handler.py::test_failed_message_comes_again",
            "The function takes a wake-up that failed for done.",
            f"{PACKAGE}/sender/handler.py",
            "_failed",
            '            failed.append(record["messageId"])\n',
            "            pass\n",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_functions_report_failed_messages[SenderFunctionAnswers-AnswersQueue]",
            "The queue takes every wake-up for done.",
            "template.yaml",
            "SenderFunctionAnswers",
            "FunctionResponseTypes: [ReportBatchItemFailures]",
            "FunctionResponseTypes: []",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_sweep_is_not_made_up_for",
            "Answers that nobody woke the sender for wait a day.",
            "template.yaml",
            "SenderFunction",
            "rate(1 minute)",
            "rate(1 day)",
        ),
    ),
    promise(
        "Repeating an answer under its `answer_id` never sends it twice.",
        SENT_ONCE,
        proof(
            f"{_ENDPOINT}::test_any_answer_can_be_repeated[fake]",
            "Only the last answer to an order is known by its id.",
            _STORED,
            "OrderAnswers.by_id",
            "for stored in self.answers if",
            "for stored in self.answers[-1:] if",
        ),
        proof(
            f"{_ENDPOINT}::test_concurrent_repeat_is_taken_once[fake]",
            "The same answer twice at the same time is two answers.",
            _TABLE,
            "AnswersTable.accept",
            "        is_as_read = _still_accepted(earlier)",
            '        is_as_read = absent("nothing")',
        ),
    ),
    promise(
        "Other content under the same id is refused.",
        proof(
            f"{_ENDPOINT}::test_other_content_gets_409[fake]",
            "Other content under the same id is taken for the same answer.",
            _INTAKE,
            "AnswersIntake._repeated",
            "if plain(stored.answer) != plain(answer):",
            "if False:",
        ),
        proof(
            f"{_ENDPOINT}::test_other_content_gets_409[fake]",
            "Products that are added count as no content.",
            f"{PACKAGE}/answers/reading.py",
            "plain",
            "if answer.added:",
            "if answer.added and not answer.lines:",
        ),
        proof(
            "tests/unit/answers/test_reading.py::test_every_field_is_content",
            "The weight of a line counts as no content.",
            f"{PACKAGE}/answers/reading.py",
            "_plain_change",
            "if change.weight is not None:",
            "if change.weight is not None and change.weight < 0:",
        ),
    ),
    promise(
        "The answers of an order are sent one after the other, in the order of acceptance.",
        proof(
            f"{_SENT}::test_answers_stay_in_order[fake]",
            "The newest answer is sent first.",
            _STORED,
            "OrderAnswers.oldest_open",
            "return next(self.open_answers, None)",
            "return max(self.open_answers, key=lambda one: one.number, default=None)",
        ),
        proof(
            f"{_TURNS}::test_many_answers_stay_in_order",
            "The tenth answer goes before the second.",
            _STORED,
            "attribute_name",
            "{number:04d}",
            "{number}",
        ),
    ),
    promise(
        "An outcome follows from the order that the platform shows, and never from a status code alone.",
        proof(
            "tests/unit/answers/test_judgement.py::test_cancel_is_judged[CANCELLED-cancellation3-True-overtaken]",
            "A cancellation by somebody else counts as ours.",
            f"{PACKAGE}/answers/judgement.py",
            "_of_cancel",
            "return Outcome.APPLIED if was_sent and _is_ours(target, shown) else Outcome.OVERTAKEN",
            "return Outcome.APPLIED",
        ),
        proof(
            f"{_SENT}::test_success_without_effect_is_no_outcome[fake]",
            "A 200 means that the answer was applied.",
            _SENDING,
            "Sender._put",
            "outcome = None if event is None else judge(target, event.order, was_sent=True)",
            "outcome = Outcome.APPLIED",
        ),
        proof(
            f"{_SENT}::test_taken_request_is_not_repeated[fake-false_refusal-]",
            "A 400 means that the answer was refused.",
            _SENDING,
            "Sender._put",
            "                turn.fail(replace(stored, progress=replace(stored.progress, refusal=refusal)), error)",
            "                turn.end(stored, Outcome.REFUSED, refusal)",
        ),
        proof(
            f"{_TURNS}::test_order_cannot_be_read",
            "A 404 for the order means that the answer was refused.",
            _SENDING,
            "Sender._shown_or_unknown",
            "            if error.failure is Failure.NOT_FOUND and stored.progress.refusal:\n",
            "            if error.failure is Failure.NOT_FOUND:\n",
        ),
    ),
    promise(
        "A refusal is believed once two readings, half a minute apart, show the order without the answer, or the platform "
        "has known no such order for ten minutes.",
        proof(
            f"{_SENT}::test_taken_request_is_not_repeated[fake-false_refusal-put_not_shown_yet]",
            "A refusal is believed after one reading.",
            _TURN,
            "SURE_AFTER",
            "timedelta(seconds=30)",
            "timedelta(seconds=0)",
        ),
        proof(
            "tests/property/sender/test_stale_table.py::test_order_that_is_hidden_for_a_moment",
            "A refusal is believed once the platform knows no such order.",
            _TURN,
            "GONE_AFTER",
            "timedelta(minutes=10)",
            "timedelta(minutes=0)",
        ),
        proof(
            _NUMBERS,
            "The readings are 20 s apart.",
            _TURN,
            "SURE_AFTER",
            "timedelta(seconds=30)",
            "timedelta(seconds=20)",
        ),
        _earlier_readings(f"{_TURNS}::test_refusal"),
    ),
    promise(
        "A request that may have had an effect is read back before anything is sent again.",
        READ_BACK,
        proof(
            f"{_TURNS}::test_any_failure_may_have_an_effect",
            "A request that timed out counts as one without effect.",
            _SENDING,
            "_WITHOUT_EFFECT",
            "frozenset({",
            "frozenset({Failure.NO_RESPONSE, ",
        ),
        proof(
            f"{_TURNS}::test_products_are_added_after_half_a_minute",
            "After a request that was not sent again, nothing says that an earlier one may have had an effect.",
            _SENDING,
            "Sender._put",
            "replace(before, tries=stored.progress.tries)",
            "replace(before, tries=stored.progress.tries, sent_at=None)",
        ),
    ),
    promise(
        "A request that adds products is repeated only after two such readings.",
        proof(
            f"{_SENT}::test_added_products_wait_for_a_second_reading",
            "A request that adds products is repeated after one reading.",
            _SENDING,
            "Sender._read_back",
            " or answer.has_new_lines)",
            ")",
        ),
        proof(
            f"{_TURNS}::test_products_are_added_after_half_a_minute",
            "Products in place of ordered ones count as none that are added.",
            f"{PACKAGE}/answers/answer.py",
            "Answer.has_new_lines",
            " or any(change.replaced_by for change in self.lines)",
            "",
        ),
        _earlier_readings(f"{_TURNS}::test_each_repeat_of_an_addition_waits"),
    ),
    promise(
        "Reconciler, sender and `doctor` stay together under the platform's rate limit, in any 60 seconds.",
        OVER_THE_LIMIT,
        proof(
            f"{_SHARED}::test_reconciler_without_budget_keeps_its_speed",
            "The reconciler asks for no permit.",
            f"{PACKAGE}/reconciler/handler.py",
            "_rate_limit",
            "    if not table_name:",
            "    if table_name:",
        ),
        proof(
            f"{_SHARED}::test_every_function_has_its_share",
            "The sender keeps to a limit of its own.",
            f"{PACKAGE}/sender/handler.py",
            "sender",
            "    limit = BudgetedRequests(budget, Share.ANSWERS, 1, PassedSeconds(), time.sleep)",
            "    from partner_orders.platform.rate_limit import RateLimit\n\n    assert budget\n"
            "    limit = RateLimit(60, time.monotonic, time.sleep)",
        ),
        proof(
            "tests/console/test_doctor_request_budget.py::test_doctors_request_counts",
            "The doctor has two requests of its own.",
            f"{CONSOLE}/operations/doctor/partner_api.py",
            "_limit",
            'stack.outputs.get("RequestBudgetTableName")) is None:',
            'stack.outputs.get("RequestBudgetTableName")):',
        ),
        proof(
            "tests/console/test_doctor_request_budget.py::test_doctors_token_counts",
            "The doctor asks for orders without a permit.",
            f"{CONSOLE}/operations/doctor/partner_api.py",
            "_asked",
            "    _make_room(limit)\n    try:\n        answer",
            "    try:\n        answer",
        ),
        proof(
            "tests/console/test_doctor_request_budget.py::test_doctors_token_counts",
            "The doctor takes another limit for the platform's.",
            f"{CONSOLE}/operations/doctor/partner_api.py",
            "_limit",
            'int(stack.parameters["RateLimitPerMinute"])',
            "6000",
        ),
        proof(
            f"{_SHARED}::test_every_function_has_its_share",
            "The reconciler asks for a token without a permit.",
            f"{PACKAGE}/reconciler/handler.py",
            "_platform_client",
            "base_url, session, rate_limit, version_id=version_id)",
            "base_url, session, RateLimit(60, time.monotonic, time.sleep), version_id=version_id)",
        ),
        proof(
            _NUMBERS,
            "Requests count for half a minute.",
            _BUDGET,
            "WINDOW",
            "timedelta(seconds=60)",
            "timedelta(seconds=30)",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_variables_are_wired_by_name",
            "The sender is told another number for the platform's limit.",
            "template.yaml",
            "SenderFunction",
            "RATE_LIMIT_PER_MINUTE: !Ref RateLimitPerMinute",
            "RATE_LIMIT_PER_MINUTE: !Ref OrderRetentionDays",
        ),
    ),
    promise(
        "Answers come first.",
        ANSWERS_FIRST,
        proof(
            f"{_SHARED}::test_every_function_has_its_share",
            "The reconciler takes of the answers' share.",
            f"{PACKAGE}/reconciler/handler.py",
            "_rate_limit",
            "Share.RECONCILIATION",
            "Share.ANSWERS",
        ),
    ),
    promise(
        "The intake of orders never waits for an answer.",
        proof(
            "tests/unit/sender/test_sending.py::test_ready_order",
            "What answers bring is in one group with the webhooks' events, so a flood of answers delays these.",
            _SENDING,
            "Sender._event",
            "OrderEventMessage(ANSWER,",
            'OrderEventMessage("webhook",',
        ),
        proof(
            f"{_APART}::test_intake_refers_to_no_part_of_answers[ConsumerFunction]",
            "The consumer sends something to the answers' queue.",
            "template.yaml",
            "ConsumerFunction",
            "          CHAIN_ID: !Ref ChainId\n",
            "          CHAIN_ID: !Ref ChainId\n          ANSWERS_QUEUE_URL: !Ref AnswersQueue\n",
        ),
        proof(
            f"{_APART}::test_intake_imports_nothing_of_answers[consumer]",
            "The consumer reads the answers of an order before it stores it.",
            f"{PACKAGE}/consumer/intake.py",
            "backoff_seconds",
            "    longest = ",
            "    from partner_orders.answers.table import AnswersTable\n\n    longest = ",
        ),
        proof(
            "tests/unit/template/test_numbers.py::test_batches",
            "The sender takes as many concurrent executions as the account has.",
            "template.yaml",
            "SenderFunctionAnswers",
            "      ScalingConfig:\n        MaximumConcurrency: 4\n",
            "",
        ),
    ),
    promise(
        "Answers have functions, queues and alarms of their own.",
        proof(
            f"{_APART}::test_answers_have_parts_of_their_own",
            "The sender is called by the queue of order events.",
            "template.yaml",
            "SenderFunctionAnswers",
            "EventSourceArn: !GetAtt AnswersQueue.Arn",
            "EventSourceArn: !GetAtt OrderEventsQueue.Arn",
        ),
        proof(
            "tests/integration/test_alarms_of_the_senders.py::test_cause_fires_its_alarm[sender-AnswersRefusedAlarm-cause]",
            "The alarm of refused answers looks at a metric that nobody emits.",
            "template.yaml",
            "AnswersRefusedAlarm",
            "${AWS::StackName}-sender",
            "${AWS::StackName}-answers",
        ),
    ),
)
