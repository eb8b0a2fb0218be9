"""Prices, stock, the status of stores, promotions and files."""

from tests.promises.answers import OVER_THE_LIMIT
from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, promise, proof

_CATALOGUE = f"{PACKAGE}/catalogue"
_PUSHER = f"{PACKAGE}/pusher"
_STATUS = f"{PACKAGE}/store_status"
_PROMOTIONS = f"{PACKAGE}/promotions"
_UPLOADER = f"{PACKAGE}/uploader"
_SFTP = f"{PACKAGE}/platform/sftp.py"

_MINUTE = "tests/property/pusher/test_minute.py"
_CALLBACKS = "tests/property/results/test_callbacks.py"
_GUARDS = "tests/property/catalogue/test_guards.py"
_SENT = "tests/property/catalogue/test_to_send.py"
_DRAINING = "tests/integration/loader/test_draining.py"
_WISHES = "tests/property/store_status/test_wishes.py"
_PROMOTED = "tests/property/promotions/test_wishes.py"
_FILES = "tests/property/uploader/test_run.py"
_ON_SERVER = "tests/integration/platform/test_sftp.py"
_LAWS = "tests/unit/template/test_catalogue_laws.py"
_ALARMS = "tests/unit/template/test_alarm_series.py"
_NUMBERS = "tests/unit/docs/test_numbers.py::test_numbers_are_the_codes"

BAD_LINE_IS_REPORTED = proof(
    "tests/property/loader/test_comparing.py::test_file_is_checked_line_by_line",
    "A bad line is not reported.",
    f"{PACKAGE}/loader/checking.py",
    "check",
    "            checked.report.add_bad(line.number, error.problems, line.columns)\n",
    "",
)
BAD_LINE_ALONE = proof(
    f"{_MINUTE}::test_bad_lines_spoil_no_others",
    "Of a call that is refused the second half is left out.",
    f"{_PUSHER}/pushing.py",
    "Pusher._halve",
    "for part in (skus[: len(skus) // 2], skus[len(skus) // 2 :]):",
    "for part in (skus[: len(skus) // 2],):",
)
SWITCHED_OFF = proof(
    f"{_MINUTE}::test_nothing_is_sent_before_it_is_switched_on[True]",
    "A store that is paused is sent.",
    f"{_CATALOGUE}/store_settings.py",
    "CatalogueSettings.sends_by_api",
    "return self.is_sending and self.channel is Channel.API",
    "return self.channel is Channel.API",
)
ONE_EXECUTION = proof(
    f"{_LAWS}::test_functions_of_one_execution",
    "Each function may run ten times at once.",
    "catalogue.yaml",
    "Function",
    "    ReservedConcurrentExecutions: 1\n",
    "    ReservedConcurrentExecutions: 10\n",
)
PRICE_IS_HELD = proof(
    f"{_GUARDS}::test_no_two_prices_of_a_day_are_far_apart",
    "A price is measured against the last one only.",
    f"{_CATALOGUE}/guards.py",
    "is_far",
    "in_force = [past.price for past in row.past_prices if past.until > now - PRICE_WINDOW]",
    "in_force: list[Decimal] = []",
)
OUTCOMES_ARE_SHOWN = proof(
    "tests/console/test_catalogue.py::test_one_store_is_counted",
    "What was refused counts as processed.",
    f"{CONSOLE}/operations/catalogue/counting.py",
    "counts",
    "        number[standing] += 1\n",
    "        number[Standing.PROCESSED if standing is Standing.REFUSED else standing] += 1\n",
)
SHARE_OF_CATALOGUE = proof(
    "tests/integration/platform/test_request_budget.py::test_every_function_has_its_share",
    "The catalogue takes of the answers' share.",
    f"{_PUSHER}/parts.py",
    "parts",
    "Share.CATALOGUE",
    "Share.ANSWERS",
)
WORDS_ARE_IMPERSONAL = proof(
    "tests/unit/platform/test_catalogue.py::test_words_are_bounded_and_impersonal",
    "The platform's words are kept as they come.",
    f"{PACKAGE}/platform/calls.py",
    "_words",
    '_PERSONAL_OR_SECRET.sub("…", ',
    "str(",
)

CATALOGUE: tuple[Entry, ...] = (
    NoPromise(
        "These hold where the catalogue's stack is deployed (catalogue.md).", "Says when the sentences below hold."
    ),
    promise(
        "A file that S3 stored under `lists/` or `changes/`, and a message on the urgent queue, end in an outcome that is "
        "shown: each line is waiting, processed, refused, held or reported as bad.",
        proof(
            f"{_LAWS}::test_only_files_are_told_of",
            "Nobody is told of files under changes/.",
            "catalogue.yaml",
            "FilesBucket",
            "Value: changes/",
            "Value: change/",
        ),
        proof(
            f"{_DRAINING}::test_list_is_loaded",
            "A file that was loaded leaves no report.",
            f"{PACKAGE}/loader/file_loading.py",
            "FileLoading._ended",
            "        self._bucket.put_report(key, report_of(ended, report))\n",
            "",
        ),
        BAD_LINE_IS_REPORTED,
        OUTCOMES_ARE_SHOWN,
        proof(
            "tests/property/pusher/test_urgent.py::test_price_that_could_not_go_is_noted",
            "An urgent price that could not be sent is forgotten.",
            f"{_PUSHER}/urgent.py",
            "Urgent._note",
            "        return self._tables.changes.note(read.state.store_id, [after.sku], now, is_urgent=is_off)",
            "        return []",
        ),
    ),
    promise(
        "A message that cannot be taken goes to a dead-letter queue, with an alarm.",
        proof(
            "tests/integration/pusher/test_handlers.py::test_urgent_message_that_is_refused",
            "An urgent message that cannot be taken is dropped.",
            f"{_PUSHER}/urgent_handler.py",
            "_take",
            "        return _refuse(work, record, str(error))",
            "        return bool(str(error))",
        ),
        proof(
            f"{_DRAINING}::test_bad_message",
            "A message that names no file is deleted.",
            f"{PACKAGE}/loader/draining.py",
            "Draining._reject",
            "        self._queue.reject(message, reason)",
            "        self._queue.delete(message)",
        ),
        proof(
            f"{_ALARMS}::test_alarm_fires_at_its_minute[UrgentDeadLettersAlarm]",
            "The alarm fires from 100,000 messages on.",
            "catalogue.yaml",
            "UrgentDeadLettersAlarm",
            "Threshold: 0",
            "Threshold: 100000",
        ),
        proof(
            f"{_ALARMS}::test_alarm_watches_its_own_resource",
            "The alarm watches the queue that the messages came from.",
            "catalogue.yaml",
            "UrgentDeadLettersAlarm",
            "UrgentDeadLetters.QueueName",
            "UrgentQueue.QueueName",
        ),
        proof(
            f"{_LAWS}::test_dead_letters_precede_retention",
            "Urgent messages go to the dead letters of files.",
            "catalogue.yaml",
            "UrgentQueue",
            "!GetAtt UrgentDeadLetters.Arn",
            "!GetAtt FilesDeadLetters.Arn",
        ),
    ),
    promise(
        "The newest version of each value wins, whatever the order of arrival, repetitions, crashes or workers.",
        proof(
            "tests/property/catalogue/test_desired.py::test_order_of_arrival_does_not_matter",
            "What came last wins.",
            f"{_CATALOGUE}/desired.py",
            "merged",
            "(version, _less(value)) > (_version(row, name, list_versions), _less(present))",
            "value != present",
        ),
        proof(
            "tests/property/pusher/test_urgent.py::test_older_message_loses",
            "An urgent message wins, however old it is.",
            f"{_CATALOGUE}/desired.py",
            "merged",
            "(version, _less(value)) > (_version(row, name, list_versions), _less(present))",
            "value != present",
        ),
        proof(
            "tests/property/loader/test_crashes.py::test_several_crashes",
            "A file whose message comes again after a crash counts as loaded.",
            f"{PACKAGE}/loader/file_loading.py",
            "FileLoading.load",
            "if row is not None and row.has_ended:",
            "if row is not None:",
        ),
        proof(
            "tests/contracts/test_catalogue.py::test_faster_writer[fake]",
            "A slower writer writes over a faster one.",
            f"{PACKAGE}/catalogue/table.py",
            "_write",
            'equals("writes", known.writes) if known.writes else absent("pk")',
            'absent("nothing")',
        ),
    ),
    promise(
        "An older value does not stay on the platform after a newer one was accepted.",
        proof(
            f"{_SENT}::test_late_job_makes_the_newest_go_again",
            "What was processed counts as what is wanted.",
            f"{_CATALOGUE}/settlement.py",
            "_processed",
            "confirmed=_over(row.confirmed, sent)",
            "confirmed=_over(row.confirmed, row.values)",
        ),
    ),
    promise(
        "A 2xx of the platform is no outcome of a job.",
        proof(
            f"{_CALLBACKS}::test_job_without_a_result",
            "Lines are processed once the platform has taken their call.",
            f"{_PUSHER}/pushing.py",
            "Pusher._call",
            "        self._count(len(lines))\n",
            "        self._count(len(lines))\n        for sku, line in lines.items():\n"
            "            self._outcomes.line(store_id, sku, line, PROCESSED, Call(job.sent_at), Desired(sku))\n",
        ),
        proof(
            f"{_CALLBACKS}::test_job_without_a_result",
            "A job that was worked off counts as processed without a result.",
            f"{PACKAGE}/results/settling.py",
            "Settling._settle",
            "        if url is None and callback.status == COMPLETED:\n            return False\n",
            "",
        ),
    ),
    promise(
        "A line is processed when the job's result says so.",
        proof(
            "tests/unit/catalogue/test_job_result.py::test_failed_state_means_refused",
            "A line that failed is processed.",
            f"{_CATALOGUE}/job_result.py",
            "_line_result",
            "    if _FAILURE.search(state.lower()):\n",
            "    if _FAILURE.search(state.lower()):\n        return LineResult(sku, Outcome.PROCESSED)\n    if not state:\n",
        ),
        proof(
            "tests/unit/catalogue/test_job_result.py::test_unknown_state_is_no_success",
            "A line with any state that is no failure is processed.",
            f"{_CATALOGUE}/job_result.py",
            "_line_result",
            "state.lower() in _SUCCESS or",
            "state or",
        ),
        proof(
            f"{_CALLBACKS}::test_doubled_callback_changes_nothing",
            "A line that the result calls processed stays open.",
            f"{PACKAGE}/results/settling.py",
            "Settling._lines",
            "LineOutcome(result.outcome, result.text)",
            "LineOutcome(Outcome.UNKNOWN, result.text)",
        ),
    ),
    promise(
        "If no result comes within 30 minutes, the newest values go again.",
        proof(
            f"{_CALLBACKS}::test_late_callback_of_a_job_that_was_given_up",
            "A job without a result is waited for all day.",
            f"{_CATALOGUE}/outcomes.py",
            "Outcomes.too_old",
            ">= GIVE_UP_AFTER",
            ">= 48 * GIVE_UP_AFTER",
        ),
        proof(
            f"{_MINUTE}::test_lines_of_a_job_that_is_given_up_go_again",
            "The lines of a job that was given up do not go again.",
            f"{_CATALOGUE}/outcomes.py",
            "Outcomes._end",
            "            self._tables.changes.add(place.store_id, waiting, self._clock())",
            "            pass",
        ),
        proof(
            _NUMBERS,
            "A job is given up after 20 minutes.",
            f"{_CATALOGUE}/job.py",
            "GIVE_UP_AFTER",
            "timedelta(minutes=30)",
            "timedelta(minutes=20)",
        ),
    ),
    promise(
        "Only a product that goes alone has its outcome with the response.",
        proof(
            "tests/property/pusher/test_urgent.py::test_price_goes_alone",
            "A lone price waits for a job.",
            f"{_PUSHER}/pushing.py",
            "_needs_company",
            "    return sent.quantity is not None or not row.confirmed.are_said",
            "    return True or sent.quantity is not None or not row.confirmed.are_said",
        ),
    ),
    promise(
        "A call whose effect is unknown is followed by the newest values, soon and once more after its deadline.",
        proof(
            f"{_MINUTE}::test_unknown_effect_is_followed_twice",
            "A call whose effect is unknown is waited for until its deadline.",
            f"{_PUSHER}/pushing.py",
            "SEND_AGAIN_AFTER",
            "timedelta(minutes=2)",
            "timedelta(hours=2)",
        ),
        proof(
            f"{_MINUTE}::test_unknown_effect_is_followed_twice",
            "A call whose effect is unknown is forgotten once the newest values went again.",
            f"{_CATALOGUE}/outcomes.py",
            "Outcomes.too_old",
            "for number, sent_at in state.unfinished.items()",
            "for number, sent_at in state.unfinished.items() if number in state.job_ids",
        ),
    ),
    promise("One bad line costs no other line.", BAD_LINE_IS_REPORTED, BAD_LINE_ALONE),
    promise("A call that the platform refuses whole is halved until the bad line is alone.", BAD_LINE_ALONE),
    promise(
        "That line waits for other values, with the platform's words.",
        proof(
            f"{_SENT}::test_refused_values_wait_no_more",
            "What was refused is sent again.",
            f"{_CATALOGUE}/settlement.py",
            "settled",
            "refused=_over(row.refused, sent)",
            "refused=row.refused",
        ),
        proof(
            f"{_SENT}::test_refused_values_wait_no_more",
            "The platform's words are lost.",
            f"{_CATALOGUE}/settlement.py",
            "settled",
            "refusal=refusal[:MAX_REFUSAL]",
            'refusal=""',
        ),
    ),
    promise(
        "Nothing of a store is sent before somebody resumes it.",
        SWITCHED_OFF,
        proof(
            "tests/console/test_catalogue.py::test_store_is_put_in_and_set",
            "A store that is put in is sent at once.",
            f"{_CATALOGUE}/store_settings.py",
            "CatalogueSettings",
            "is_sending: bool = False",
            "is_sending: bool = True",
        ),
    ),
    promise(
        "A pause takes effect within a minute.",
        proof(
            f"{_MINUTE}::test_pause_ends_a_run",
            "A run goes on with a store that was paused meanwhile.",
            f"{_PUSHER}/run.py",
            "Minute._serve",
            "if settings is None or not settings.sends_by_api:",
            "if settings is None:",
        ),
        proof(
            f"{_LAWS}::test_a_missed_minute_is_not_made_up_for[Pusher]",
            "The pusher runs every ten minutes.",
            "catalogue.yaml",
            "PusherFunction",
            "rate(1 minute)",
            "rate(10 minutes)",
        ),
    ),
    promise(
        "A price that is too far from any price of the last 24 hours is held, and so is a file that looks like an accident.",
        PRICE_IS_HELD,
        proof(
            f"{_GUARDS}::test_short_list",
            "A list of half the lines goes through.",
            f"{_CATALOGUE}/guards.py",
            "_is_short",
            "missing > limits.shorter * last",
            "missing > 3 * limits.shorter * last",
        ),
        proof(
            f"{_GUARDS}::test_file_of_another_store",
            "Another store's file goes through.",
            f"{_CATALOGUE}/guards.py",
            "file_reasons",
            "        reasons.append(Reason.OTHER_STORE)",
            "        pass",
        ),
        proof(
            f"{_GUARDS}::test_small_files_together_are_held",
            "Each file by itself may switch off a fifth of a store.",
            f"{_CATALOGUE}/guards.py",
            "switches_too_many_off",
            "lost = store.switched_off + products",
            "lost = products",
        ),
        proof(
            _NUMBERS,
            "A price is measured against those of an hour.",
            f"{_CATALOGUE}/settlement.py",
            "PRICE_WINDOW",
            "timedelta(hours=24)",
            "timedelta(hours=1)",
        ),
    ),
    promise(
        "Only a person lets it through, and who did so and why is kept for 400 days.",
        proof(
            f"{_DRAINING}::test_release_that_nobody_decided",
            "A message alone releases a file.",
            f"{PACKAGE}/loader/file_loading.py",
            "FileLoading.load",
            "if event.is_released and (row is None or not row.is_released):",
            "if event.is_released and row is not None and not row.is_released:",
        ),
        proof(
            "tests/console/test_catalogue_history.py::test_dropped_price_is_listed",
            "Why somebody decided is not kept.",
            f"{_CATALOGUE}/decided.py",
            "DecisionsTable.note",
            '"why": printable(why, MAX_WHY)',
            '"why": printable("", MAX_WHY)',
        ),
        proof(
            "tests/console/test_catalogue_history.py::test_decision_is_kept_400_days",
            "The days count from when the price was held.",
            f"{_CATALOGUE}/decided.py",
            "DecisionsTable.note",
            "(now + KEPT)",
            "(held.version + KEPT)",
        ),
        proof(
            _NUMBERS,
            "Decisions are kept for 40 days.",
            f"{_CATALOGUE}/decided.py",
            "KEPT",
            "timedelta(days=400)",
            "timedelta(days=40)",
        ),
    ),
    promise(
        "All requests stay under the platform's limit together with those of orders and answers.",
        OVER_THE_LIMIT,
        SHARE_OF_CATALOGUE,
    ),
    promise(
        "Orders and answers come first.",
        proof(
            "tests/property/platform/test_request_budget.py::test_shares_are_a_staircase",
            "The catalogue may have more than the orders.",
            f"{PACKAGE}/platform/request_budget.py",
            "_CEILINGS",
            "Share.CATALOGUE: 20",
            "Share.CATALOGUE: 40",
        ),
        SHARE_OF_CATALOGUE,
    ),
    promise(
        "The newest wish for a store's status wins.",
        proof(
            "tests/console/test_store_status.py::test_a_newer_wish_overtakes",
            "The first wish stays.",
            f"{_STATUS}/status.py",
            "wished",
            "        wish=wish,",
            "        wish=status.wish or wish,",
        ),
        proof(
            f"{_WISHES}::test_new_wish_goes_before_what_is_shown",
            "A new wish waits for the readings of other stores.",
            f"{_PUSHER}/statuses.py",
            "Statuses._rank",
            "place = 0 if is_first else 1 if status.outcome is Outcome.WAITING else 2",
            "place = 2 if is_first else 1 if status.outcome is Outcome.WAITING else 0",
        ),
    ),
    promise(
        "A closing is shown until its time ends, or its end is on record.",
        proof(
            f"{_WISHES}::test_a_closing_is_asserted_while_the_platform_differs",
            "A closing that was shown once is left alone.",
            f"{_STATUS}/status.py",
            "_judged",
            "Outcome.SHOWN if wish.kind.closes else Outcome.DONE",
            "Outcome.DONE",
        ),
        proof(
            "tests/console/test_store_status.py::test_a_newer_wish_overtakes",
            "That a wish was overtaken is not on record.",
            f"{_STATUS}/status.py",
            "wished",
            "        records = with_records(records, of_wish(overtaken, now, is_event=True))",
            "        assert overtaken",
        ),
    ),
    promise(
        "An opening is never repeated once it was shown.",
        proof(
            f"{_WISHES}::test_an_opening_is_never_asserted_again",
            "An opening is looked after like a closing.",
            f"{_STATUS}/status.py",
            "_judged",
            "Outcome.SHOWN if wish.kind.closes else Outcome.DONE",
            "Outcome.SHOWN",
        ),
    ),
    promise(
        "Nothing but the check-in, where you switch it on, opens a store without a person.",
        proof(
            f"{_WISHES}::test_nothing_is_checked_in_where_it_is_off",
            "Stores are checked in without the parameter.",
            f"{_PUSHER}/statuses.py",
            "Statuses._serve",
            "is_checked_in = self._checks_in and is_of_catalogue",
            "is_checked_in = is_of_catalogue",
        ),
        proof(
            f"{_WISHES}::test_a_closed_store_is_not_checked_in",
            "A store that is wished closed is checked in.",
            f"{_STATUS}/next_step.py",
            "checkin_due",
            "    if is_wished_closed or status.active_wish is not None or shown.reading.status in _NO_CHECKIN:",
            "    if shown.reading.status in _NO_CHECKIN and not is_wished_closed:",
        ),
    ),
    promise(
        "A promotion is put only after its whole document was checked, and never twice: it is sent again by the same body "
        "only.",
        proof(
            "tests/console/test_promotions.py::test_problems_put_nothing",
            "The good promotions of a bad document are put.",
            f"{CONSOLE}/operations/promotions/putting.py",
            "_Planner.plan",
            "tuple(self.problems)",
            "()",
        ),
        proof(
            f"{_PROMOTED}::test_a_lost_response_makes_no_second_promotion[put_dropped_after]",
            "A body whose response was lost goes again in another form.",
            f"{_PUSHER}/promotions.py",
            "Promotions._put",
            "            answer = self._platform.put(body)",
            '            answer = self._platform.put(body if claim.puts == 1 else body + b" ")',
        ),
        proof(
            f"{_PROMOTED}::test_a_promotion_runs_and_ends",
            "A promotion is sent on and on.",
            f"{_PROMOTIONS}/next_step.py",
            "_put_due",
            "            due = state.put_at + UNANSWERED_AFTER if state.wish.is_end else None",
            "            due = state.put_at + _MINUTE",
        ),
    ),
    promise(
        "An end that was wished is sent until the platform has done it, or the promotion's own end.",
        proof(
            f"{_PROMOTED}::test_an_end_is_enforced",
            "An end that the platform refuses is given up.",
            f"{_PROMOTIONS}/next_step.py",
            "_retry_due",
            "    is_endless = state.wish.is_end and state.outcome is not Outcome.DUPLICATE",
            "    is_endless = False",
        ),
        proof(
            "tests/property/promotions/test_next_step.py::test_nothing_is_sent_that_may_not_be",
            "An end waits while its stores are switched off.",
            f"{_PROMOTIONS}/next_step.py",
            "next_step",
            "may_be_sent or state.wish.is_end",
            "may_be_sent",
        ),
    ),
    promise(
        "A store is sent by the API or by files, never by both.",
        proof(
            f"{_MINUTE}::test_store_of_files_is_left_alone",
            "A store of files is sent by the API, too.",
            f"{_CATALOGUE}/store_settings.py",
            "CatalogueSettings.sends_by_api",
            "return self.is_sending and self.channel is Channel.API",
            "return self.is_sending",
        ),
        proof(
            f"{_FILES}::test_store_of_api_is_left_alone",
            "A store of the API is sent by files, too.",
            f"{_CATALOGUE}/store_settings.py",
            "CatalogueSettings.sends_by_files",
            "return self.is_sending and self.channel is Channel.FILES",
            "return self.is_sending",
        ),
    ),
    promise(
        "A change is forgotten only once a file that has it was submitted.",
        proof(
            f"{_FILES}::test_trouble_of_the_server_pauses_all",
            "A change is forgotten before its file is sent.",
            f"{_UPLOADER}/uploading.py",
            "Uploader.serve",
            "        wanted = self._contents[target.kind].wanted(target)\n",
            "        self._forget(changes, wake_ups)\n        wanted = self._contents[target.kind].wanted(target)\n",
        ),
        proof(
            f"{_FILES}::test_change_during_an_upload_stays",
            "What came while a file was sent is forgotten with it.",
            f"{_UPLOADER}/uploading.py",
            "Uploader.serve",
            "        self._forget(changes, wake_ups)\n        return report",
            "        self._forget(self._waiting(target), wake_ups)\n        return report",
        ),
        proof(
            f"{_FILES}::test_change_after_the_rows_were_read_stays",
            "What came after the rows were read is forgotten with them.",
            f"{_UPLOADER}/uploading.py",
            "Uploader.serve",
            "            report = _report(target, state, spooled, prepared)\n",
            "            changes = self._waiting(target)\n            report = _report(target, state, spooled, prepared)\n",
        ),
    ),
    promise(
        "Where the server renames files, nobody sees half of one.",
        proof(
            f"{_ON_SERVER}::test_file_is_replaced_in_one_step",
            "A file is written under its own name.",
            _SFTP,
            "SftpSession._upload",
            "if await self._offers_rename():",
            "if False:",
        ),
    ),
    promise(
        "Elsewhere a half one is sent again.",
        proof(
            f"{_FILES}::test_half_a_file_is_sent_again[False]",
            "A file that was cut counts as the one that was sent before.",
            f"{_UPLOADER}/upload_state.py",
            "unsure",
            'replace(state.last, digest="")',
            "state.last",
        ),
    ),
    promise(
        "A promotion that went by file ends by the identical row that was sent.",
        proof(
            "tests/property/uploader/test_promotion_file.py::test_changed_promotion_ends_the_row_that_was_sent",
            "A row that was sent is left out, not ended.",
            f"{_UPLOADER}/promotion_file.py",
            "_changed",
            "(*rows.ended, *(row for row in rows.on if row not in every))",
            "(*rows.ended,)",
        ),
    ),
    promise(
        "No login and no file goes to an SFTP server with another key than the one that a person trusted.",
        proof(
            f"{_ON_SERVER}::test_changed_host_key_gets_nothing[ed25519]",
            "Any key of the server will do.",
            _SFTP,
            "SftpSession._logged_in",
            "known_hosts=([trusted], [], []),",
            "known_hosts=None,",
        ),
        proof(
            f"{_FILES}::test_nobody_trusted_a_key",
            "Before a key is trusted files are sent.",
            f"{_UPLOADER}/run.py",
            "UploaderRun._may_connect",
            "if not server.host_key:",
            "if False:",
        ),
        proof(
            f"{_FILES}::test_nobody_trusted_a_key",
            "Before a key is trusted files are sent where an operator asks for it.",
            f"{_UPLOADER}/run.py",
            "UploaderRun._may_connect",
            "if not server.host_key:",
            "if not server.host_key and not is_asked:",
        ),
    ),
    promise(
        "Nothing of the catalogue can slow down the intake of orders: it has its own stack, queues, functions and alarms.",
        ONE_EXECUTION,
        proof(
            f"{_LAWS}::test_nothing_of_the_intake_is_the_catalogues",
            "The urgent function is called by the queue of order events.",
            "catalogue.yaml",
            "UrgentFunctionUrgent",
            "EventSourceArn: !GetAtt UrgentQueue.Arn",
            "EventSourceArn: !ImportValue OrderEventsQueue",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_only_the_budget_is_paid_for",
            "The orders' consumer waits for the catalogue's parameter.",
            "template.yaml",
            "OrderEventsQueue",
            "      VisibilityTimeout: 300\n",
            "      VisibilityTimeout: !If [HasRequestBudget, 600, 300]\n",
        ),
    ),
    promise(
        "Its functions take at most four concurrent executions, five with SFTP.",
        ONE_EXECUTION,
        proof(
            f"{_LAWS}::test_uploader_is_there_with_a_host_only",
            "The uploader is always there.",
            "catalogue.yaml",
            "UploaderFunction",
            "    Condition: HasSftp\n",
            "",
        ),
    ),
    promise(
        "Its rows, logs, metrics and events hold no personal data except the AWS identity of who decided or paused "
        "something.",
        WORDS_ARE_IMPERSONAL,
        proof(
            "tests/unit/results/test_callback.py::test_link_is_not_shown",
            "The text of a callback has its link.",
            f"{PACKAGE}/results/callback.py",
            "Callback",
            "download_url: str | None = field(default=None, repr=False)",
            "download_url: str | None = field(default=None)",
        ),
    ),
    NoPromise(
        "Not promised: that a quantity is shown, since the platform shows no quantity; what becomes of a file, since the "
        "platform says so in its portal alone; and that a job is noticed which the platform works off hours later without "
        "a word.",
        "A limit.",
    ),
    promise(
        "The next export shows the latter.",
        proof(
            "tests/property/drift/test_drift.py::test_every_settled_difference_is_told",
            "A price that an export shows otherwise is not told.",
            f"{PACKAGE}/drift/differences.py",
            "_of_both",
            "    differing = [name for name in names if ",
            '    differing = [name for name in names if name != "price" and ',
        ),
    ),
)
