"""US dollars of the catalogue's work, from what was counted and measured and the list prices of
``partner-orders cost``.

The functions run each minute whatever there is to do, so a file or a row pays for what it adds to such a run. A
function's time is its CPU time, stretched by the share of a processor that its memory buys, 20 ms for each AWS call
that it waits for, and half a second for a response of the platform. Rows are written sixteen at a time.
"""

import re
from collections.abc import Mapping
from typing import Any

from partner_orders_console.operations.cost.price_list import MILLION
from tools.bench.catalogue_costs import ALONE, ALONE_STOCK
from tools.bench.money import CALL_SECONDS, MEMORY_OF_A_PROCESSOR, PLATFORM_SECONDS, PRICES
from tools.local.emulator import ROOT

TEMPLATE = (ROOT / "catalogue.yaml").read_text()
WRITERS = 16
# Megabytes, by function.
MEMORY = {
    name.lower(): int(memory)
    for name, memory in re.findall(r"\n  (\w+)Function:\n(?:    .*\n|\n)*?      MemorySize: (\d+)", TEMPLATE)
}
# A callback passes a webhook as an order's event does: a request to the API, a call of 30 ms, a message.
WEBHOOK_SECONDS = 0.03
SIDE_BY_SIDE = "DynamoDB.UpdateItem"


def of_catalogue(found: Mapping[str, Any]) -> dict[str, Any]:
    """By what was counted: USD of a whole list and of an export, seconds of the loader for each, and micro-USD of a
    changed row, by batch."""
    steps = found["whole_list"]["steps"]
    rows = {
        size: {name: round(usd / _rows(size) * MILLION, 3) for name, usd in parts.items()}
        for size, parts in ((size, of_row(size, steps)) for size, steps in found["changed_rows"].items())
    }
    return {
        "whole_list": {name: round(usd, 6) for name, usd in of_file(steps).items()},
        "export": {name: round(usd, 6) for name, usd in _of_steps(found["export"]["steps"]).items()},
        "export_seconds": round(sum(seconds_of(name, step) for name, step in found["export"]["steps"].items()), 1),
        "whole_list_seconds": round(sum(seconds_of(name, step) for name, step in steps.items()), 1),
        "changed_row_micro_usd": rows,
    }


def of_row(size: str, steps: Mapping[str, Any]) -> dict[str, float]:
    """A batch of changed rows with its job and the callback, by component; or a message about one."""
    found = of_message(steps) if _rows(size) == 1 else of_file(steps)
    if size == ALONE:  # without a job
        return found
    found["callback"] = (
        PRICES["http_api_million_requests"] + PRICES["lambda_million_requests"] + PRICES["sqs_million_requests"]
    ) / MILLION + _memory_seconds("cataloguewebhook", WEBHOOK_SECONDS)
    return found


def _rows(size: str) -> int:
    return 1 if size in (ALONE, ALONE_STOCK) else int(size)


def of_file(steps: Mapping[str, Any]) -> dict[str, float]:
    """A file: uploaded, with the notification, and what the runs add."""
    found = _of_steps(steps)
    found["files"] += PRICES["s3_million_puts"] / MILLION
    found["queues"] += PRICES["sqs_million_requests"] / MILLION
    return found


def of_message(steps: Mapping[str, Any]) -> dict[str, float]:
    """A message: sent, received and deleted, with a call of its own."""
    found = _of_steps(steps)
    found["queues"] += 3 * PRICES["sqs_million_requests"] / MILLION
    found["functions"] += PRICES["lambda_million_requests"] / MILLION
    return found


def _of_steps(steps: Mapping[str, Any]) -> dict[str, float]:
    def calls(*names: str) -> int:
        return sum(step["calls"].get(name, 0) for step in steps.values() for name in names)

    def units(kind: str) -> float:
        return float(sum(step[f"{kind}_units"] for step in steps.values()))

    queue_calls = calls("SQS.ReceiveMessage", "SQS.DeleteMessage", "SQS.SendMessage", "SQS.ChangeMessageVisibility")
    return {
        "table, reads": units("read") * PRICES["dynamodb_million_read_units"] / MILLION,
        "table, writes": units("write") * PRICES["dynamodb_million_write_units"] / MILLION,
        "files": (
            calls("S3.PutObject") * PRICES["s3_million_puts"]
            + calls("S3.GetObject", "S3.HeadObject") * PRICES["s3_million_gets"]
        )
        / MILLION,
        "queues": queue_calls * PRICES["sqs_million_requests"] / MILLION,
        "functions": sum(_memory_seconds(_function(name), seconds_of(name, step)) for name, step in steps.items()),
    }


def seconds_of(name: str, step: Mapping[str, Any]) -> float:
    """How long a function takes for a step."""
    calls = step["calls"]
    platform = sum(number for call, number in calls.items() if call.startswith("PartnerApi."))
    side_by_side = calls.get(SIDE_BY_SIDE, 0)
    waits = sum(calls.values()) - platform - side_by_side + -(-side_by_side // WRITERS)
    share = min(1.0, MEMORY[_function(name)] / MEMORY_OF_A_PROCESSOR)
    return float(step["cpu"] / share + waits * CALL_SECONDS + platform * PLATFORM_SECONDS)


def _memory_seconds(function: str, seconds: float) -> float:
    return seconds * MEMORY[function] / 1024 * PRICES["lambda_gb_second_arm64"]


def _function(step: str) -> str:
    return step.partition(",")[0]
