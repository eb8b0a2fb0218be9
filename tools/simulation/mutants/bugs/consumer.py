"""Planted bugs in how a batch of events is stored, and how what failed is delivered again."""

from tools.simulation.mutants.bugs.complaints import BOUNDARY, EMPTY, PERMANENT, THROTTLED, UNFINISHED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/consumer"
_INTAKE = f"{_PART}/intake.py"
_VISIBILITY = f"{_PART}/redelivery.py"
_HANDLER = f"{_PART}/handler.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "no-growing-back-off",
        "What failed comes back after the same few seconds, however often it failed.",
        _INTAKE,
        "backoff_seconds",
        "2.0 ** min(attempt - 1, 20)",
        "1.0",
        THROTTLED,
    ),
    one_edit(
        "put-off-the-wrong-handle",
        "Messages are put off by their id, so none is.",
        _HANDLER,
        "handler",
        'record["receiptHandle"]: attempts',
        'record["messageId"]: attempts',
        BOUNDARY,
    ),
    one_edit(
        "a-failed-put-off-fails-the-batch",
        "When messages cannot be put off, the whole batch comes again.",
        _VISIBILITY,
        "Visibility.put_off",
        "            except (ClientError, BotoCoreError):\n                continue",
        "            except (ClientError, BotoCoreError):\n                raise",
    ),
    one_edit(
        "parse-outside-the-record",
        "A body that cannot be read fails the whole batch.",
        _INTAKE,
        "Intake.process",
        "        orders: dict[str, list[_Arrived]] = {}\n",
        "        orders: dict[str, list[_Arrived]] = {}\n"
        "        for delivery in deliveries:\n            self._understand(delivery)\n",
        BOUNDARY,
    ),
    one_edit(
        "an-empty-failure-list",
        "A fault that was not thought of is not among the failures.",
        _HANDLER,
        "handler",
        "for message_id in outcome.failed]}",
        'for message_id, fault in outcome.failed.items() if "Throughput" in fault]}',
        EMPTY,
    ),
    one_edit(
        "unfinished-is-done",
        "What is not written in time is taken for written.",
        _INTAKE,
        "Intake.process",
        "            fault_name = _fault(future)\n            if fault_name is None:\n",
        "            fault_name = _fault(future) if future.done() else None\n"
        "            if fault_name is None and future.done():\n",
        UNFINISHED,
    ),
    one_edit(
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
    one_edit(
        "wait-for-ever",
        "The consumer waits for slow writes until its own time is over.",
        _INTAKE,
        "Intake.process",
        "timeout=max(0.0, remaining_seconds() - HAND_BACK_SECONDS)",
        "timeout=None",
        UNFINISHED,
    ),
    one_edit(
        "one-fails-all-fail",
        "A message that fails takes its neighbours with it.",
        _INTAKE,
        "Intake.process",
        "                    outcome.failed[message_id] = fault_name",
        "                    outcome.failed |= {delivery.message_id: fault_name for delivery in deliveries}",
        BOUNDARY,
    ),
    one_edit(
        "the-last-of-the-batch",
        "Of several events of one order in a batch, only the last is written.",
        _INTAKE,
        "Intake._write",
        "[(one.event, one.arrival) for one in arrived]",
        "[(one.event, one.arrival) for one in arrived[-1:]]",
    ),
    one_edit(
        "retry-for-ever",
        "A body that will never be understood comes again and again.",
        _INTAKE,
        "Intake._understand",
        "raise _PermanentFaultError(message.body, arrival, error.reason, error.problems) from None",
        "raise error from None",
        PERMANENT,
    ),
    one_edit(
        "a-throttled-event-is-rejected",
        "Any error of the table sends an event to the rejected.",
        _INTAKE,
        "Intake._write",
        '            if error.response["Error"]["Code"] != "ValidationException":\n                raise\n',
        "",
        THROTTLED,
    ),
    one_edit(
        "rejected-and-forgotten",
        "A body is done with although it could not be kept among the rejected.",
        _INTAKE,
        "Intake._reject",
        "        self._rejected.keep(fault.body, fault.arrival, fault.reason, problems, left)\n",
        "        try:\n            self._rejected.keep(fault.body, fault.arrival, fault.reason, problems, left)\n"
        "        except Exception:\n            pass\n",
        PERMANENT,
    ),
    one_edit(
        "rejected-brings-back-the-erased",
        "An event of an erased order that is rejected is kept whole.",
        _INTAKE,
        "Intake._reject",
        "fault.reason, problems, left)",
        "fault.reason, problems)",
    ),
]
