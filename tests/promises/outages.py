"""What happens when a part of ours is down, when requests come without the secret, and when the platform misbehaves."""

from tests.promises.intake import (
    DEAD_LETTERS_ALARM,
    DEAD_LETTERS_ARE_WATCHED,
    EACH_FAILED_COMES_AGAIN,
    EIGHTY_TRIES,
    QUEUE_FAILURE,
    UNREADABLE_SECRET,
    told,
)
from tools.promises.promise import CONSOLE, PACKAGE, Entry, NoPromise, promise, proof, same_as

_SECRET = f"{PACKAGE}/platform/webhook_secret.py"
_WEBHOOK = f"{PACKAGE}/webhook/endpoint.py"
_REFUSALS = f"{PACKAGE}/webhook/refusals.py"
_INTAKE = f"{PACKAGE}/consumer/intake.py"
_RUN = f"{PACKAGE}/reconciler/run.py"
_STATE = f"{PACKAGE}/reconciler/run_state.py"
_COMPARISON = f"{PACKAGE}/reconciler/comparison.py"
_WINDOWS = f"{PACKAGE}/reconciler/windows.py"
_ORDERS = f"{PACKAGE}/platform/orders.py"
_PAGE = f"{PACKAGE}/platform/order_page.py"
_RESPONSES = f"{PACKAGE}/platform/responses.py"
_BREAKER = f"{PACKAGE}/platform/breaker.py"

_ENDPOINT = "tests/integration/webhook/test_endpoint.py"
_REVOKED = "tests/integration/webhook/test_revoked_secret.py"
_ALARMS = "tests/unit/template/test_alarm_series.py"
_CAUSES = "tests/integration/test_alarmed_metrics.py::test_cause_fires_its_alarm"
_NUMBERS = "tests/unit/docs/test_numbers.py::test_numbers_are_the_codes"
_GUESSES = "tests/integration/platform/test_guesses.py"
_LISTS = "tests/integration/platform/test_lists.py"
_STRANGERS = "tests/integration/webhook/test_strangers.py"
_RUNS = "tests/integration/reconciler/test_run.py"

RECONCILER_FINDS = proof(
    f"{_RUNS}::test_missed_orders_are_found_and_stored[fake]",
    "The reconciler enqueues nothing.",
    _COMPARISON,
    "Comparison._enqueue",
    "self._queue.send_all(messages)",
    "self._queue.send_all([])",
)
DIFFERENT_IS_HEALED = proof(
    f"{_RUNS}::test_order_missing_events_is_different[fake]",
    "Orders that are there in another state count as in sync.",
    _COMPARISON,
    "Comparison._has",
    "event.digest in stored.digests)",
    "stored.digests)",
)
CHANGED_IS_HEALED = proof(
    f"{_RUNS}::test_change_within_a_status_is_different[fake]",
    "Orders that changed within a status count as in sync.",
    _COMPARISON,
    "Comparison._has",
    "event.digest in stored.digests)",
    "event.status in stored.statuses)",
)
RETRY_PAUSE = proof(
    f"{_ENDPOINT}::test_failed_read_is_retried_later",
    "After a read that failed, the secret is read again a minute later.",
    _SECRET,
    "WebhookSecret.admitted_by",
    "RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS",
    "REFRESH_EVERY_SECONDS",
)
RETRY_NUMBER = proof(
    _NUMBERS,
    "After a read that failed, the secret is read again 50 s later.",
    _SECRET,
    "RETRY_SECONDS",
    "5.0",
    "50.0",
)
_REGION = (
    proof(
        "tests/unit/reconciler/test_windows.py::test_window_overlaps_the_last_one",
        "A check never looks further back than a quarter of an hour.",
        _WINDOWS,
        "window_of",
        "start = position.checked_until - OVERLAP",
        "start = now - OVERLAP",
    ),
    proof(
        "tests/unit/reconciler/test_windows.py::test_window_overlaps_the_last_one",
        "A check never looks further back than a day.",
        _WINDOWS,
        "window_of",
        "start = position.checked_until - OVERLAP",
        "start = max(position.checked_until - OVERLAP, now - timedelta(days=1))",
    ),
    proof(
        "tests/integration/reconciler/test_schedule.py::test_changes_during_an_outage_are_found[fake]",
        "The daily check looks a week back, however long it was not made.",
        _WINDOWS,
        "window_of",
        "due_at = min(now, position.daily_check_at + DAILY_CHECK_EVERY)",
        "due_at = now",
    ),
)
ONE_STORE_FAILS = proof(
    f"{_RUNS}::test_failed_store_blocks_no_other[fake-server_error]",
    "A store that fails ends the run.",
    _STATE,
    "note_failure",
    "if isinstance(error, PlatformUnavailableError):",
    "if isinstance(error, PartnerApiError):",
)
_NAMED = proof(
    f"{_RUNS}::test_lasting_fault_is_reported_by_store[fake-not_found-not_found]",
    "The report does not name the store.",
    _STATE,
    "note_failure",
    "    report.failed_stores[store_id] = text\n",
    "",
)

WHEN_A_PART_IS_DOWN: tuple[Entry, ...] = (
    promise(
        "API Gateway, the webhook or the queue | the platform gets no 2xx and retries up to 5 times; then the reconciler "
        "finds the order | nothing that the Partner API shows",
        QUEUE_FAILURE,
        RECONCILER_FINDS,
        DIFFERENT_IS_HEALED,
        CHANGED_IS_HEALED,
        proof(
            "tests/unit/template/test_known_properties.py::test_schedules_are_exact",
            "The reconciler is never started, so orders whose webhooks were lost are never found.",
            "template.yaml",
            "ReconcilerFunction",
            "State: !Ref ReconciliationState",
            "State: DISABLED",
        ),
    ),
    promise(
        "Secrets Manager | warm environments continue with the secrets they have, and from the first failed read on answer "
        "any other secret with 503 rather than 401; cold environments answer 503; the read is tried again after 5 s | as above",
        proof(
            f"{_ENDPOINT}::test_warm_environment_keeps_its_secret",
            "An environment forgets its secret when a read fails.",
            _SECRET,
            "WebhookSecret._refresh",
            "        except Exception as error:\n",
            "        except Exception as error:\n            self._accepted = {}\n",
        ),
        proof(
            f"{_ENDPOINT}::test_unreachable_secrets_change_nothing",
            "A Secrets Manager that cannot be reached fails every request.",
            _SECRET,
            "WebhookSecret._refresh",
            "        except Exception as error:\n",
            "        except self._client.exceptions.ClientError as error:\n",
        ),
        proof(
            f"{_ENDPOINT}::test_unread_previous_secret_is_a_503",
            "A previous secret that cannot be read counts as none.",
            _SECRET,
            "WebhookSecret._read",
            "except self._client.exceptions.ResourceNotFoundException:",
            "except Exception:",
        ),
        UNREADABLE_SECRET,
        RETRY_PAUSE,
        RETRY_NUMBER,
        proof(
            "tests/property/platform/test_webhook_secret.py::test_failed_reads_reject_no_valid_secret",
            "An environment forgets its secret when a read fails.",
            f"{PACKAGE}/platform/webhook_secret.py",
            "WebhookSecret._refresh",
            "        except Exception as error:\n",
            "        except Exception as error:\n            self._accepted = {}\n",
        ),
    ),
    promise(
        "the table | events wait in the queue; each is redelivered after up to 5 s, then after delays that double up to 15 "
        "minutes (each a random time between half and all of the delay); after half an hour an alarm tells you; after 80 "
        "tries the event goes to the dead-letter queue | nothing",
        proof(
            "tests/integration/consumer/test_intake.py::test_transient_error_fails_one_order",
            "An event that the table throttled is acknowledged.",
            _INTAKE,
            "Intake.process",
            "            if fault_name is None:\n                outcome.counts += future.result()\n",
            "            if fault_name:\n                fault_name = None\n            elif fault_name is None:\n"
            "                outcome.counts += future.result()\n",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_delay_grows_up_to_fifteen_minutes",
            "The delay grows to ten minutes.",
            _INTAKE,
            "backoff_seconds",
            "900.0",
            "600.0",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_delay_grows_up_to_fifteen_minutes",
            "A delay may be almost nothing.",
            _INTAKE,
            "backoff_seconds",
            "(0.5 + share / 2)",
            "share",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_delay_follows_the_tries",
            "Each delay is the first one.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            'int(record["attributes"]["ApproximateReceiveCount"])',
            "1",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_delay_follows_the_tries",
            "The function reports no event that failed, so the queue deletes it.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            "for message_id in outcome.failed]}",
            "for message_id in outcome.failed if not outcome.failed]}",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_functions_report_failed_messages[ConsumerFunctionOrderEvents-OrderEventsQueue]",
            "The queue takes every event of a batch for done.",
            "template.yaml",
            "ConsumerFunctionOrderEvents",
            "FunctionResponseTypes: [ReportBatchItemFailures]",
            "FunctionResponseTypes: []",
        ),
        proof(
            f"{_ALARMS}::test_alarm_fires_at_its_minute[OrderEventsFailingAlarm]",
            "The alarm needs three hours of failures.",
            "template.yaml",
            "OrderEventsFailingAlarm",
            "EvaluationPeriods: 3",
            "EvaluationPeriods: 12",
        ),
        *told("OrderEventsFailingAlarm"),
        proof(
            "tests/integration/consumer/test_intake.py::test_each_failed_message_is_counted[2]",
            "Failures are counted only while something of the batch succeeds.",
            f"{PACKAGE}/consumer/handler.py",
            "handler",
            '        metrics.add_metric("Failed", MetricUnit.Count, len(outcome.failed))\n',
            "        if len(outcome.failed) < len(records):\n"
            '            metrics.add_metric("Failed", MetricUnit.Count, len(outcome.failed))\n',
        ),
        EACH_FAILED_COMES_AGAIN,
        EIGHTY_TRIES,
        DEAD_LETTERS_ALARM,
        DEAD_LETTERS_ARE_WATCHED,
        proof(
            "tests/console/test_dead_letters.py::test_failed_redrive_loses_nothing",
            "A dead-letter message is deleted before it is on its queue again.",
            f"{CONSOLE}/operations/dead_letters.py",
            "redrive",
            "_bring_back(stack, queue, letter, catalogue):",
            "(letters.delete(letter) or _bring_back(stack, queue, letter, catalogue)):",
        ),
        proof(
            "tests/unit/template/test_template_laws.py::test_function_permissions_are_exact",
            "The consumer may not change the visibility, so an event that failed comes back only after the "
            "queue's 5 minutes.",
            "template.yaml",
            "ConsumerRole",
            "Action: sqs:ChangeMessageVisibility",
            "Action: sqs:GetQueueUrl",
        ),
        proof(
            "tests/integration/consumer/test_intake.py::test_each_call_of_the_delay_is_made",
            "Where the delay of ten messages fails, the others come back at once.",
            f"{PACKAGE}/consumer/redelivery.py",
            "Visibility.put_off",
            "continue",
            "break",
        ),
        proof(
            "tests/unit/consumer/test_redelivery.py::test_ten_messages_a_call",
            "Where the delay of ten messages fails, the others come back at once.",
            f"{PACKAGE}/consumer/redelivery.py",
            "Visibility.put_off",
            "continue",
            "break",
        ),
    ),
    promise(
        "the consumer is never called (its event source switched off) | events wait in the queue for 4 days; an alarm "
        "tells within a quarter of an hour | after 4 days, states that only a webhook ever showed",
        proof(
            _NUMBERS,
            "The queue keeps a message for two days.",
            "template.yaml",
            "OrderEventsQueue",
            "MessageRetentionPeriod: 345600",
            "MessageRetentionPeriod: 172800",
        ),
        proof(
            f"{_ALARMS}::test_alarm_fires_at_its_minute[OrderEventsTooOldAlarm]",
            "The alarm fires from an hour on.",
            "template.yaml",
            "OrderEventsTooOldAlarm",
            "Threshold: 600",
            "Threshold: 3600",
        ),
        proof(
            f"{_ALARMS}::test_alarm_watches_its_own_resource",
            "The alarm watches the dead-letter queue.",
            "template.yaml",
            "OrderEventsTooOldAlarm",
            "!GetAtt OrderEventsQueue.QueueName",
            "!GetAtt OrderEventsDeadLetters.QueueName",
        ),
        *told("OrderEventsTooOldAlarm"),
    ),
    promise(
        "the Partner API or its token | reconciliation fails, says so and raises an alarm; webhooks are still received | "
        "nothing, unless it lasts 60 days",
        proof(
            f"{_CAUSES}[fake-PartnerApiRefusedAlarm-a_refused_token]",
            "A token that the platform rejects is not counted.",
            f"{PACKAGE}/platform/http.py",
            "PartnerApiClient.get",
            "                self.errors[error.failure] += 1\n",
            "",
        ),
        _NAMED,
        *told("PartnerApiRefusedAlarm"),
        *told("StoresNotReconciledAlarm"),
        proof(
            "tests/tools/test_boundaries.py::test_copy_keeps_every_contract",
            "The webhook needs the reconciler.",
            f"{PACKAGE}/webhook/handler.py",
            "webhook",
            "    settings = WebhookSettings.from_environment()\n",
            "    import partner_orders.reconciler.run\n\n    settings = WebhookSettings.from_environment()\n",
        ),
        proof(
            _NUMBERS,
            "The reconciler looks 30 days back.",
            _WINDOWS,
            "PLATFORM_HISTORY",
            "timedelta(days=60)",
            "timedelta(days=30)",
        ),
        proof(
            f"{_RUNS}::test_fault_of_all_stores_ends_the_run[fake-unauthorized-unauthorized]",
            "The report of a run that the Partner API ended says that everything was served.",
            _RUN,
            "Reconciler._serve_under_lease",
            "run.report.stopped = str(ended)",
            "run.report.stopped = StopReason.EVERYTHING_SERVED",
        ),
    ),
    promise(
        "the whole region | nothing is received; afterwards the reconciler reads the missed time | states that only a "
        "webhook ever showed",
        *_REGION,
        proof(
            "tests/integration/reconciler/test_first_looks.py::test_first_look_is_read_in_parts[fake]",
            "A check never looks further back than a quarter of an hour.",
            f"{PACKAGE}/reconciler/windows.py",
            "window_of",
            "start = position.checked_until - OVERLAP",
            "start = now - OVERLAP",
        ),
    ),
)

WITHOUT_THE_SECRET: tuple[Entry, ...] = (
    promise(
        "A request without the secret costs us only the check, and it is counted.",
        proof(
            f"{_ENDPOINT}::test_stranger_costs_no_decoding",
            "The body of every request is inflated.",
            _WEBHOOK,
            "Webhook.receive",
            '        headers = request.get("headers") or {}\n',
            '        headers = request.get("headers") or {}\n        request_body(request)\n',
        ),
        proof(
            f"{_ENDPOINT}::test_wrong_secret_is_rejected",
            "It is not counted as refused.",
            _WEBHOOK,
            "UNAUTHORIZED",
            '"RefusedUnauthorized"',
            '"Enqueued"',
        ),
        proof(
            f"{_ENDPOINT}::test_wrong_secret_is_rejected",
            "One without a body counts under another name only.",
            _WEBHOOK,
            "UNAUTHORIZED_WITHOUT_BODY",
            "also_counted_as=",
            "counted_as=",
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_each_request_is_counted",
            "The function counts no request that it refused.",
            f"{PACKAGE}/webhook/handler.py",
            "handler",
            "    metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n    if response.also",
            "    if response.status != 401:\n        metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n"
            "    if response.also",
        ),
        proof(
            f"{_ENDPOINT}::test_new_secret_is_admitted_once_read",
            "Each request without the secret costs two reads of Secrets Manager.",
            _SECRET,
            "WebhookSecret.admitted_by",
            "self._refresh(RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS)",
            "self._refresh(0.0)",
        ),
        proof(
            f"{_STRANGERS}::test_flood_of_strangers_changes_nothing[1000]",
            "Of a flood of refused requests only those with a line in the log are counted.",
            f"{PACKAGE}/webhook/handler.py",
            "handler",
            "    metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n",
            "    if response.status != 401 or refusals.line(reason_of(event, response), event):\n"
            "        metrics.add_metric(response.counted_as, MetricUnit.Count, 1)\n",
        ),
    ),
    promise(
        "The webhook also logs why it was refused and the network that it came from.",
        proof(
            "tests/integration/webhook/test_refusals.py::test_refused_request_is_a_line",
            "A request without Authorization is logged as one with a wrong secret.",
            _REFUSALS,
            "reason_of",
            "Reason.WRONG_SECRET if presented else Reason.NO_AUTHORIZATION",
            "Reason.WRONG_SECRET",
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_refused_request_is_a_line",
            "The caller's whole address is logged.",
            _REFUSALS,
            "Refusals.line",
            'network_of((context.get("http") or {}).get("sourceIp") or "")',
            '(context.get("http") or {}).get("sourceIp") or ""',
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_refused_request_is_a_line",
            "The network is that of an address which the caller names in a header.",
            _REFUSALS,
            "Refusals.line",
            'network_of((context.get("http") or {}).get("sourceIp") or "")',
            'network_of(_headers(request).get("x-forwarded-for") or context["http"]["sourceIp"])',
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_network_of_an_address",
            "An IPv6 address is logged whole.",
            _REFUSALS,
            "network_of",
            "(socket.AF_INET6, 6,",
            "(socket.AF_INET6, 16,",
        ),
    ),
    promise(
        "Of each reason a warm environment logs at most 10 lines a minute, so a flood costs no more.",
        proof(
            "tests/integration/webhook/test_refusals.py::test_flood_is_few_lines",
            "Every refused request is a line of the log.",
            _REFUSALS,
            "Refusals._unlisted",
            "if minute.lines == LINES_A_MINUTE:",
            "if minute.lines < 0:",
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_flood_is_few_lines",
            "Each caller has ten lines of its own.",
            _REFUSALS,
            "Refusals.line",
            "self._unlisted(reason)",
            "self._unlisted(f\"{reason} {request['requestContext']['http']['sourceIp']}\")",
        ),
        proof(_NUMBERS, "A minute has 100 lines.", _REFUSALS, "LINES_A_MINUTE", "10", "100"),
        proof(
            f"{_STRANGERS}::test_flood_of_strangers_changes_nothing[1000]",
            "Each call has ten lines of its own.",
            f"{PACKAGE}/webhook/handler.py",
            "_log",
            "refusals.line(reason, event)",
            "Refusals().line(reason, event)",
        ),
        proof(
            "tests/integration/webhook/test_refusals.py::test_flood_is_few_lines[no_authorization-wrong_secret]",
            "Requests without any Authorization are logged without a limit.",
            _REFUSALS,
            "Refusals._unlisted",
            "if minute.lines == LINES_A_MINUTE:",
            "if minute.lines == LINES_A_MINUTE and reason is Reason.WRONG_SECRET:",
        ),
    ),
    promise(
        "`partner-orders refused` lists them.",
        proof(
            "tests/console/test_refused.py::test_every_reason_is_listed",
            "Those that came while our secret could not be read are not listed.",
            f"{CONSOLE}/operations/refused_requests.py",
            "_refused",
            "if line.message == REFUSED)",
            'if line.message == REFUSED and line.level == "WARNING")',
        ),
        proof(
            "tests/console/test_refused.py::test_refused_requests_are_listed",
            "Only those with a body are listed.",
            f"{CONSOLE}/operations/refused_requests.py",
            "refused_requests",
            "found = [*_refused(log_lines(stack, _webhooks(stack), since, REFUSED))]",
            "found = [it for it in _refused(log_lines(stack, _webhooks(stack), since, REFUSED)) if it.has_body]",
        ),
        proof(
            "tests/console/test_refused.py::test_both_webhooks_are_asked",
            "Those of the catalogue's webhook are not listed.",
            f"{CONSOLE}/operations/refused_requests.py",
            "_WEBHOOKS",
            '("webhook", "catalogue-webhook")',
            '("webhook",)',
        ),
        proof(
            "tests/console/test_refused.py::test_people_read_the_reason[fake]",
            "Of as many requests as the limit allows, the oldest is left out.",
            f"{CONSOLE}/operations/refused_requests.py",
            "refused_requests",
            "found[: -limit - 1 : -1]",
            "found[: -limit : -1]",
        ),
        proof(
            "tests/console/test_refused.py::test_late_line_of_the_log_is_told[fake]",
            "`refused --follow` leaves out requests whose log line CloudWatch shows some seconds late.",
            f"{CONSOLE}/operations/refused_requests.py",
            "NewRefusals.since_last_look",
            "self._since = max(self._since, began - _LATE)",
            "self._since = max(self._since, began)",
        ),
    ),
    promise(
        "Each warm environment of the webhook reads the secret again at most once a minute, however many such requests "
        "come.",
        proof(
            f"{_ENDPOINT}::test_rejections_rarely_read_the_secret",
            "Each refused request reads the secret.",
            _SECRET,
            "WebhookSecret.admitted_by",
            "RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS",
            "RETRY_SECONDS if self._fault else 0.0",
        ),
        proof(
            _NUMBERS,
            "The secret is read every 30 s.",
            _SECRET,
            "REFRESH_EVERY_SECONDS",
            "60.0",
            "30.0",
        ),
        proof(
            f"{_STRANGERS}::test_flood_of_strangers_changes_nothing[1000]",
            "Each call reads the secret as a cold start does.",
            f"{PACKAGE}/webhook/handler.py",
            "handler",
            "webhook().receive(event)",
            "webhook.__wrapped__().receive(event)",
        ),
    ),
    promise("While that read fails, it is tried every 5 s.", RETRY_PAUSE, RETRY_NUMBER),
    promise(
        "Such requests then get 503 instead of 401 and are counted as `Unavailable`.",
        UNREADABLE_SECRET,
        proof(
            f"{_STRANGERS}::test_flood_while_secret_is_unreadable",
            "They count as refused.",
            _WEBHOOK,
            "_unavailable",
            '"Unavailable"',
            '"RefusedUnauthorized"',
        ),
        proof(
            f"{_ENDPOINT}::test_empty_secret_admits_nobody",
            "A request without Authorization gets 401 also while the secret cannot be read.",
            _WEBHOOK,
            "Webhook.receive",
            "        try:\n            version",
            '        if not headers.get("authorization"):\n            return UNAUTHORIZED\n        try:\n'
            "            version",
        ),
    ),
    promise(
        "None of them is accepted.",
        proof(
            f"{_ENDPOINT}::test_unread_secret_admits_nobody_else",
            "While the secret cannot be read, everybody is let in.",
            _WEBHOOK,
            "Webhook.receive",
            "        except SecretUnavailableError as error:\n            return _unavailable(error)",
            "        except SecretUnavailableError:\n            version = SecretVersion.CURRENT",
        ),
        proof(
            f"{_REVOKED}::test_revoked_secret_is_rejected_when_warm",
            "An environment goes on accepting a previous secret that was revoked.",
            _SECRET,
            "WebhookSecret._refresh",
            "self._accepted = {version",
            "self._accepted |= {version",
        ),
    ),
    promise(
        "A flood of these requests uses up the API's throttle (500 requests a second, bursts of 1,000).",
        proof(
            _NUMBERS,
            "The API lets one request through in a second.",
            "template.yaml",
            "OrderEventsApi",
            "ThrottlingRateLimit: 500",
            "ThrottlingRateLimit: 1",
        ),
        proof(
            _NUMBERS,
            "Bursts are of 10.",
            "template.yaml",
            "OrderEventsApi",
            "ThrottlingBurstLimit: 1000",
            "ThrottlingBurstLimit: 10",
        ),
    ),
    NoPromise("Orders then get 429 too, and the platform retries them.", "What API Gateway and the platform do."),
    promise(
        "An alarm fires at four fifths of the rate, but a sudden flood reaches the throttle before the alarm fires.",
        proof(
            f"{_ALARMS}::test_near_throttle_precedes_the_throttle",
            "The alarm fires at the rate itself.",
            "template.yaml",
            "ApiNearThrottleAlarm",
            "Threshold: 24000",
            "Threshold: 30000",
        ),
        proof(
            f"{_ALARMS}::test_alarm_fires_at_its_minute[ApiNearThrottleAlarm]",
            "The alarm needs half an hour.",
            "template.yaml",
            "ApiNearThrottleAlarm",
            "EvaluationPeriods: 2",
            "EvaluationPeriods: 30",
        ),
        *told("ApiNearThrottleAlarm"),
    ),
    same_as(
        "The reconciler finds the orders that the platform gives up on.",
        "The reconciler finds what was never sent at its next visit to the store.",
    ),
    NoPromise("If you expect floods, put CloudFront and WAF in front.", "Advice."),
)

A_PLATFORM_THAT_MISBEHAVES: tuple[Entry, ...] = (
    promise(
        "shows an order that is not JSON | its bytes are stored as a rejected event; the other orders of the page are "
        "compared",
        proof(
            f"{_LISTS}::test_spoilt_order_is_rejected_alone[fake-letter]",
            "An order that is not JSON is left out.",
            _COMPARISON,
            "Comparison._parse",
            "                    parsed.rejected.append(_Finding(digest, body, None))",
            "                    pass",
        ),
        proof(
            f"{_LISTS}::test_spoilt_order_is_rejected_alone[fake-letter]",
            "An order that is not JSON ends its page.",
            _COMPARISON,
            "Comparison._parse",
            "                    self._queued.pop(digest, None)\n                continue",
            "                    self._queued.pop(digest, None)\n                break",
        ),
        proof(
            "tests/integration/reconciler/test_faults.py::test_odd_entry_of_a_page_hides_no_order[fake-callback]",
            "A callback of a catalogue job among the orders of a page ends it.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._parse",
            "except (RejectedError, CatalogueCallbackError):",
            "except RejectedError:",
        ),
        proof(
            "tests/unit/reconciler/test_comparison.py::test_text_that_cannot_be_parsed_is_enqueued_as_it_came",
            "An order that cannot be parsed costs those after it.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._parse",
            "parsed.rejected.append(_Finding(digest, body, None))",
            "parsed.rejected.append(_Finding(digest, body, None))\n                    break",
        ),
        proof(
            "tests/unit/reconciler/test_comparison.py::test_missing_order_behind_a_bad_one_is_reported",
            "Behind an order that cannot be parsed the others of a batch are not reported.",
            f"{PACKAGE}/reconciler/comparison.py",
            "Comparison._note_and_enqueue",
            "if event is None or finding.is_confirmation:\n                continue",
            "if event is None or finding.is_confirmation:\n                break",
        ),
    ),
    promise(
        "sends a response without end, or one that inflates beyond 8 MiB | the reconciler gives the response up after 40 s "
        "or 8 MiB, and reads the store in smaller pages and shorter windows",
        proof(
            "tests/integration/platform/test_strange_http.py::test_large_body_takes_bounded_memory",
            "A response may have any number of bytes.",
            _RESPONSES,
            "read_body",
            "            if len(arrived) > most_bytes:",
            "            if len(arrived) > 100 * most_bytes:",
        ),
        proof(
            f"{_RUNS}::test_dripping_page_is_given_up_in_time[fake-60.0]",
            "A response may take any time.",
            f"{PACKAGE}/platform/http.py",
            "RESPONSE_SECONDS",
            "40.0",
            "4000.0",
        ),
        proof(
            f"{_GUESSES}::test_too_large_pages_are_read_smaller[fake-1]",
            "A store whose pages are too large fails.",
            _ORDERS,
            "_sizes_from",
            "[page_size, *(size for size in SMALLER_PAGE_SIZES if size < page_size)]",
            "[page_size]",
        ),
        proof(
            _NUMBERS,
            "A response of 16 MiB is read.",
            _RESPONSES,
            "MAX_BODY_BYTES",
            "8 * 1_048_576",
            "16 * 1_048_576",
        ),
        proof(
            "tests/integration/reconciler/test_narrowing.py::test_bad_order_hides_only_its_minute[fake-no_answer]",
            "After responses without end the store is not read in shorter windows; it fails.",
            f"{PACKAGE}/platform/failures.py",
            "Failure.may_be_of_one_order",
            "            Failure.NO_RESPONSE,\n",
            "",
        ),
        proof(
            "tests/integration/platform/test_strange_http.py::test_dripping_headers_are_given_up",
            "A response of which a byte comes now and then is waited for without end.",
            f"{PACKAGE}/platform/session.py",
            "_UntilDeadline.readinto",
            '        if seconds <= 0:\n            raise TimeoutError("the response takes too long")\n'
            "        self._socket.settimeout(seconds)\n",
            "        self._socket.settimeout(max(seconds, 1.0))\n",
        ),
        proof(
            "tests/property/platform/test_responses.py::test_body_is_whole_or_too_large",
            "A response that inflates beyond 8 MiB is requested again and again in the same size, not in "
            "smaller pages.",
            _RESPONSES,
            "_decoded",
            "    except TooLargeError:\n        raise PartnerApiError(Failure.TOO_LARGE) from None\n",
            "    except TooLargeError:\n"
            '        raise PartnerApiError(Failure.NOT_JSON, "encoding", retry_after=0.0) from None\n',
        ),
    ),
    promise(
        "refuses a form of times, a page size or an id | the others are tried, and the one that works is remembered",
        proof(
            f"{_GUESSES}::test_refused_guess_gets_another[fake-guess0-400]",
            "Times are sent in one form only.",
            _ORDERS,
            "PlatformOrders._first_accepted_page",
            "product(_sizes_from(window.page_size), formats)",
            "product(_sizes_from(window.page_size), formats[:1])",
        ),
        proof(
            f"{_GUESSES}::test_refused_guess_gets_another[fake-guess4-400]",
            "Only the largest page is tried.",
            _ORDERS,
            "PlatformOrders._first_accepted_page",
            "product(_sizes_from(window.page_size), formats)",
            "product([window.page_size], formats)",
        ),
        proof(
            f"{_GUESSES}::test_handover_is_of_what_works[fake]",
            "The page size that works is forgotten.",
            _ORDERS,
            "PlatformOrders._first_accepted_page",
            "                self._api.note(page_size=page_size)",
            "                pass",
        ),
        proof(
            f"{_GUESSES}::test_refused_id_gives_way_to_the_other[fake-404]",
            "A store is asked for by one of its ids only.",
            f"{PACKAGE}/reconciler/reading.py",
            "_names",
            "    return sorted(names, key=lambda name: name != vendor_id)",
            "    return sorted(names, key=lambda name: name != vendor_id)[:1]",
        ),
        proof(
            f"{_GUESSES}::test_remembered_id_gives_way_to_the_other[fake]",
            "The id that worked first is remembered for good.",
            _WINDOWS,
            "Position.read_until",
            "vendor_id=vendor_id or self.vendor_id",
            "vendor_id=self.vendor_id or vendor_id",
        ),
        proof(
            f"{_GUESSES}::test_remembered_page_size_gives_way_to_a_smaller[fake]",
            "The page size that worked first is remembered for good.",
            f"{PACKAGE}/platform/http.py",
            "PartnerApiClient.note",
            "page_size=page_size or self._learned.page_size",
            "page_size=self._learned.page_size or page_size",
        ),
    ),
    promise(
        "counts its pages wrongly, or not at all | pages are read until one is empty or repeats; where it always "
        "counts one too many, the orders are enqueued and the report names each store as failed",
        proof(
            f"{_LISTS}::test_uncounted_pages_are_read_in_parts[fake]",
            "Pages that are not counted are not read.",
            _ORDERS,
            "PlatformOrders._may_continue",
            "        return is_miscounted or page.is_as_long_as(self._api.page_length)",
            "        return False and is_miscounted",
        ),
        proof(
            f"{_LISTS}::test_count_of_longer_pages_ends_no_reading[fake]",
            "A count that was made for longer pages ends the reading.",
            _ORDERS,
            "PlatformOrders._may_continue",
            "page.counted_pages < number or (number > 1 and first.is_short)",
            "page.counted_pages < number",
        ),
        proof(
            "tests/integration/platform/test_orders.py::test_wrong_page_count_ends_no_reading[fake-null]",
            "Of pages that are counted wrongly the rest is not read.",
            _ORDERS,
            "PlatformOrders._may_continue",
            "        return is_miscounted or page.is_as_long_as(self._api.page_length)",
            "        return False and is_miscounted",
        ),
        proof(
            f"{_LISTS}::test_list_ends_where_a_page_proves_it[fake-one too few-50]",
            "Where the count is made for pages of another size than the platform sends, the later pages are not read.",
            _ORDERS,
            "PlatformOrders._may_continue",
            "return is_miscounted or page.is_as_long_as(self._api.page_length)",
            "return is_miscounted",
        ),
    ),
    promise(
        "fails for one store | the report names that store as failed, and the others are read",
        ONE_STORE_FAILS,
        _NAMED,
        proof(
            "tests/integration/reconciler/test_faults.py::test_rejected_token_of_one_store_is_its_own[fake-1]",
            "One store that is refused by 401 ends the run, though the token works for others.",
            f"{PACKAGE}/platform/http.py",
            "PartnerApiClient._of_every_store",
            "isinstance(error, TokenRejectedError) and not self._breaker.has_worked",
            "isinstance(error, TokenRejectedError)",
        ),
        proof(
            "tests/integration/reconciler/test_faults.py::test_rejected_token_of_one_store_is_its_own[fake-1]",
            "The first store that failed is not named.",
            f"{PACKAGE}/reconciler/report.py",
            "Report.to_json",
            "{store_id: str(failure) for store_id, failure in self.failed_stores.items()}",
            "{store_id: str(failure) for store_id, failure in [*self.failed_stores.items()][1:]}",
        ),
        proof(
            f"{_GUESSES}::test_failure_of_some_stores_is_theirs[fake-500]",
            "Three stores that fail anywhere in a run, with others that work between them, end the run, so the "
            "others are not read.",
            _BREAKER,
            "Breaker.worked",
            "        self.has_worked = True\n        self._silent_in_a_row.clear()\n",
            "        self.has_worked = True\n",
        ),
    ),
    promise(
        "fails for every store | the run ends after a few, and the next one tries others",
        proof(
            f"{_GUESSES}::test_failure_of_every_store_ends_the_run[fake-500-20-server_error]",
            "The run goes on to the last store.",
            _BREAKER,
            "SILENT_STORES",
            "3",
            "300",
        ),
        proof(
            f"{_GUESSES}::test_failure_of_every_store_ends_the_run[fake-500-20-server_error]",
            "The next run begins with the same stores.",
            f"{PACKAGE}/reconciler/schedule.py",
            "_priority",
            "max(position.checked_until or never, position.tried_at or never, position.begun_at or never)",
            "max(position.checked_until or never, never)",
        ),
        proof(
            "tests/unit/reconciler/test_schedule.py::test_most_overdue_store_is_first",
            "A store that was tried and failed comes first again.",
            f"{PACKAGE}/reconciler/schedule.py",
            "_priority",
            "max(position.checked_until or never, position.tried_at or never, position.begun_at or never)",
            "max(position.checked_until or never, position.begun_at or never)",
        ),
    ),
)
