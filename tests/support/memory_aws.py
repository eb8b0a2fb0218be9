"""S3 and SQS in this process, as far as the loader calls them: some hundred times as fast as moto. tests/contracts
holds both to moto."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tests.support.platform import VirtualTime

type Before = Callable[[str], None]


def let_pass(_operation: str) -> None:
    """Nothing stands before a call."""


@dataclass
class MemoryS3:
    """One bucket with versions. ``before`` is told of each call."""

    time: VirtualTime
    before: Before = let_pass
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    def create_bucket(self, **_: Any) -> None:
        """There is one."""

    put_bucket_versioning = create_bucket

    def put_object(self, **request: Any) -> dict[str, Any]:
        self.before("PutObject")
        version_id = f"v{next(self.numbers)}"
        body = request["Body"] if isinstance(request["Body"], bytes) else request["Body"].read()
        modified = self.time.now().replace(microsecond=0)
        self.objects[request["Key"], version_id] = {"Body": body, "LastModified": modified, "ETag": f'"{version_id}"'}
        return {"VersionId": version_id}

    def head_object(self, **request: Any) -> dict[str, Any]:
        self.before("HeadObject")
        found = self._found(request, "404")
        return {**found, "ContentLength": len(found["Body"])}

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.before("GetObject")
        found = self._found(request, "NoSuchKey")
        if request.get("IfMatch", found["ETag"]) != found["ETag"]:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "GetObject")
        begin, _, end = request.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        content = found["Body"][int(begin) : int(end or len(found["Body"])) + 1]
        return {"Body": StreamingBody(io.BytesIO(content), len(content))}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        keys = dict.fromkeys(key for key, _ in self.objects if key.startswith(request["Prefix"]))
        return {"Contents": [{"Key": key} for key in keys]}

    def _found(self, request: dict[str, Any], code: str) -> dict[str, Any]:
        versions = [found for (key, _), found in self.objects.items() if key == request["Key"]]
        found = self.objects.get((request["Key"], request["VersionId"])) if "VersionId" in request else None
        if found is None and ("VersionId" in request or not versions):
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")
        return found or versions[-1]


@dataclass
class _Message:
    text: str
    attributes: dict[str, Any]
    visible_at: float
    handle: str = ""
    receives: int = 0


@dataclass
class MemorySqs:
    """Queues by URL. ``before`` is told of each call."""

    time: VirtualTime
    before: Before = let_pass
    queues: dict[str, list[_Message]] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    def create_queue(self, **request: Any) -> dict[str, str]:
        self.queues[request["QueueName"]] = []
        return {"QueueUrl": request["QueueName"]}

    def send_message(self, **request: Any) -> None:
        self.before("SendMessage")
        message = _Message(request["MessageBody"], request.get("MessageAttributes", {}), self.time.monotonic())
        self.queues[request["QueueUrl"]].append(message)

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.before("ReceiveMessage")
        now = self.time.monotonic()
        visible = [message for message in self.queues[request["QueueUrl"]] if message.visible_at <= now]
        found = visible[: request["MaxNumberOfMessages"]]
        for message in found:
            message.visible_at = now + request.get("VisibilityTimeout", 30)
            message.handle, message.receives = f"h{next(self.numbers)}", message.receives + 1
        return {
            "Messages": [
                {
                    "Body": message.text,
                    "ReceiptHandle": message.handle,
                    "Attributes": {"ApproximateReceiveCount": str(message.receives)},
                    "MessageAttributes": message.attributes,
                }
                for message in found
            ]
        }

    def delete_message(self, **request: Any) -> None:
        self.before("DeleteMessage")
        queue = self.queues[request["QueueUrl"]]
        queue[:] = [message for message in queue if message.handle != request["ReceiptHandle"]]

    def change_message_visibility(self, **request: Any) -> None:
        self.before("ChangeMessageVisibility")
        for message in self.queues[request["QueueUrl"]]:
            if message.handle == request["ReceiptHandle"]:
                message.visible_at = self.time.monotonic() + request["VisibilityTimeout"]

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        numbers = {
            "ApproximateNumberOfMessages": str(len(self.queues[request["QueueUrl"]])),
            "ApproximateNumberOfMessagesNotVisible": "0",
        }
        return {"Attributes": numbers}
