"""What stands between a call to AWS and its effect: delay, refusal, death, and answers that are lost."""

import json
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tools.simulation.surroundings import Surroundings

# How the bus refuses a whole request, with which status.
BUS_REFUSALS = {
    "bus_throttled": ("ThrottlingException", 400),
    "bus_unavailable": ("InternalException", 500),
    "bus_access_denied": ("AccessDeniedException", 400),
    "bus_too_large": ("ValidationException", 400),
}


class TroubledCalls:
    """``fences`` are the fences that rows were last written under, ``trespasses`` the writes by workers that had lost
    their lease."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._table_down_from = self._table_down_to = float("inf")
        self.fences: dict[str, int] = {}
        self.trespasses: list[str] = []

    def take_the_table_down(self, start: float, seconds: float) -> None:
        """Refuse every call to the table for some seconds, from ``start`` on (seconds of the story)."""
        self._table_down_from, self._table_down_to = start, start + seconds

    def secrets(self, secret_id: str, _: str, effect: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Read a secret. Raises ClientError."""
        self._world.kernel.sleep(self._world.chance.uniform(0.005, 0.05))
        self._world.dies_or_hangs("GetSecretValue")
        if self._world.faults.strikes("secret_unavailable", secret_id):
            raise ClientError({"Error": {"Code": "InternalServiceError", "Message": ""}}, "GetSecretValue")
        return effect()

    def sqs(self, operation: str, entries: int, effect: Callable[[set[int]], Any]) -> Any:
        """Call SQS. ``effect`` takes the numbers of the entries that are refused. Raises botocore's errors."""
        faults = self._world.faults
        self._world.kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(operation)
        sends = operation.startswith("Send")
        if sends and faults.strikes("queue_send_failed_before", operation):
            raise EndpointConnectionError(endpoint_url="sqs")
        if not sends and faults.strikes("queue_put_off_failed", operation):
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, operation)
        refused = set[int]()
        if operation == "SendMessageBatch":
            refused = {n for n in range(entries) if faults.strikes("queue_batch_partly_refused", operation)}
        answer = effect(refused)
        self._world.kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(f"after {operation}")
        if sends and faults.strikes("queue_send_failed_after", operation):
            raise ReadTimeoutError(endpoint_url="sqs")
        return answer

    def bus(self, entries: int, effect: Callable[[dict[int, str]], Any]) -> Any:
        """Put events. ``effect`` takes the error codes of the entries that fail. Raises botocore's errors."""
        faults, where = self._world.faults, "PutEvents"
        self._world.kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(where)
        if faults.strikes("bus_no_answer_before", where):
            raise EndpointConnectionError(endpoint_url="events")
        for kind, (code, status) in BUS_REFUSALS.items():
            if faults.strikes(kind, where):
                answered: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
                raise ClientError(answered, where)
        failed = {n: "InternalFailure" for n in range(entries) if faults.strikes("bus_entry_failed", where)}
        refused = {n: "MalformedDetail" for n in range(entries) if faults.strikes("bus_entry_refused", where)}
        answer = effect(failed | refused)
        self._world.kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(f"after {where}")
        if faults.strikes("bus_no_answer_after", where):
            raise ReadTimeoutError(endpoint_url="events")
        return answer

    def bucket[T](self, operation: str, effect: Callable[[], T]) -> T:
        """Call S3. Raises botocore's errors."""
        faults = self._world.faults
        self._world.kernel.sleep(self._world.chance.uniform(0.002, 0.04))
        self._world.dies_or_hangs(operation)
        if faults.strikes("bucket_failed_before", operation):
            raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, operation)
        answer = effect()
        self._world.kernel.sleep(self._world.chance.uniform(0.002, 0.04))
        self._world.dies_or_hangs(f"after {operation}")
        if faults.strikes("bucket_failed_after", operation):
            raise ReadTimeoutError(endpoint_url="s3")
        return answer

    def before_table(self, operation: str) -> None:
        """What a call to the table meets before it has an effect. Raises ClientError."""
        if not self._world.kernel.in_task():
            return
        faults, kernel = self._world.faults, self._world.kernel
        kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(operation)
        if faults.strikes("table_slow", operation):
            kernel.sleep(faults.between("table_slow", 2, 9))
        down = self._table_down_from <= kernel.seconds < self._table_down_to and not faults.over
        if down or faults.strikes("table_throttled", operation):
            error = {"Code": "ProvisionedThroughputExceededException", "Message": "The level of configured ..."}
            raise ClientError({"Error": error}, operation)  # type: ignore[typeddict-item]
        if faults.strikes("table_failed_before", operation):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, operation)

    def after_table(self, operation: str, sent: bytes, parsed: dict[str, Any]) -> None:
        """What happens to the table's answer, which is ``parsed``. Raises ReadTimeoutError if it is lost."""
        if not self._world.kernel.in_task():
            return
        present = self._world.kernel.now().replace(microsecond=0)
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(present, usegmt=True)
        if operation == "PutItem" and b'"fence"' in sent:
            self._written_under_a_fence(json.loads(sent)["Item"])
        self._world.kernel.sleep(self._world.chance.uniform(0.001, 0.02))
        self._world.dies_or_hangs(f"after {operation}")
        if self._world.faults.strikes("table_failed_after", operation):
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if operation == "BatchGetItem" and self._world.faults.strikes("table_keys_unprocessed", operation):
            for table, items in parsed["Responses"].items():
                if len(items) > 1:
                    put_back = [{"pk": item["pk"], "sk": item["sk"]} for item in items[1:]]
                    del items[1:]
                    parsed["UnprocessedKeys"] = {table: {"Keys": put_back}}

    def _written_under_a_fence(self, item: dict[str, Any]) -> None:
        name, fence = item["sk"]["S"], int(item["fence"]["N"])
        if fence < self.fences.get(name, 0):
            # Not raised here, where our own code would take it for a fault of the table's.
            self.trespasses.append(f"{name} was written by a worker that had lost its lease")
        self.fences[name] = fence
