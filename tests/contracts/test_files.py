"""The buckets and the queue that stand for S3 and SQS in the loader's tests and in the simulator do what moto's do,
under the calls that the loader makes."""

import io
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.utils import unix_time_millis
from moto.sqs import models

from partner_orders.loader.files_bucket import CHUNK, FileGoneError, FilesBucket
from partner_orders.loader.files_queue import VISIBILITY_SECONDS, FilesMessage, FilesQueue
from tests.support.aws import simulated_aws
from tests.support.contracts import FAKE, MOTO
from tests.support.memory_aws import MemoryS3, MemorySqs
from tests.support.platform import VirtualTime
from tools.simulation.catalogue.bucket import SimulatedBucket

NAME, KEY = "catalogue-files", "lists/q7zk/list.csv"
SIMULATOR = "the simulator's"


# -- the bucket --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[FAKE, SIMULATOR, MOTO])
def s3(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Any]:
    """A client with a bucket that keeps versions."""
    if request.param == FAKE:
        yield MemoryS3(time)
        return
    if request.param == SIMULATOR:
        yield SimulatedBucket(NAME, time.now, lambda _, effect: effect())
        return
    with simulated_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
        yield client


def put(s3: Any, content: bytes) -> str:
    """Store a version of the file; its id."""
    return str(s3.put_object(Bucket=NAME, Key=KEY, Body=content)["VersionId"])


def test_each_version_is_found(s3: Any) -> None:
    """Each version of a file has its size, its time to the second and its bytes; without one, the newest is read."""
    bucket, contents = FilesBucket(s3, NAME), [b"the first", b"the second"]
    found = [bucket.find(KEY, version_id) for version_id in [put(s3, content) for content in contents]]
    assert [file.size for file in found] == [9, 10]
    assert [b"".join(bucket.chunks(file)) for file in found] == contents
    assert {(file.stored_at.microsecond, str(file.stored_at.tzinfo)) for file in found} == {(0, "UTC")}
    assert len({(file.version_id, file.etag) for file in found}) == 2
    assert s3.get_object(Bucket=NAME, Key=KEY)["Body"].read() == b"the second"


@pytest.mark.parametrize(("key", "version_id"), [("lists/q7zk/other.csv", "v9"), (KEY, "v9"), ("other.csv", "null")])
def test_file_that_is_gone(s3: Any, key: str, version_id: str) -> None:
    """A file, and a version, that is not there is said to be gone."""
    put(s3, b"content")
    with pytest.raises(FileGoneError):
        FilesBucket(s3, NAME).find(key, version_id)


def test_large_file_comes_in_pieces(s3: Any) -> None:
    """A large file is read whole, in pieces of bounded size."""
    content = bytes(range(256)) * (CHUNK // 100)
    bucket = FilesBucket(s3, NAME)
    chunks = [*bucket.chunks(bucket.find(KEY, put(s3, content)))]
    assert b"".join(chunks) == content
    assert len(chunks) > 2
    assert max(map(len, chunks)) <= CHUNK


def test_part_of_the_file_that_was_seen(s3: Any) -> None:
    """A part is read by its range, its last byte included; and none of it where the file is another by now."""
    version_id = put(s3, b"0123456789")
    file = FilesBucket(s3, NAME).find(KEY, version_id)
    asked = {"Bucket": NAME, "Key": KEY, "VersionId": version_id}
    assert s3.get_object(**asked, Range="bytes=2-4", IfMatch=file.etag)["Body"].read() == b"234"
    with pytest.raises(ClientError) as refused:
        s3.get_object(**asked, Range="bytes=2-4", IfMatch='"another"')
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"


def test_reports_and_files_are_put(s3: Any) -> None:
    """What the loader puts, as bytes or as an open file, is read as it was."""
    bucket = FilesBucket(s3, NAME)
    bucket.put_report("reports/a.json", b"{}")
    bucket.put_file("reports/a.csv.gz", io.BytesIO(b"packed"))
    keys = ("reports/a.json", "reports/a.csv.gz")
    assert [s3.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys] == [b"{}", b"packed"]


# -- the queue ---------------------------------------------------------------------------------------------------------


class Files:
    """The queue of files from both sides."""

    def __init__(self, client: Any) -> None:
        self.client = client
        names = ("files", "files-dead-letters")
        self.url, self.dead_url = (client.create_queue(QueueName=name)["QueueUrl"] for name in names)
        self.queue = FilesQueue(client, self.url, self.dead_url, wait_seconds=0)

    def send(self, text: str) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def take(self) -> FilesMessage:
        """The message that has to be there."""
        message = self.queue.receive()
        assert message is not None
        return message

    def messages(self) -> int:
        """How many there are, those included that come again later."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture(params=[FAKE, MOTO])
def files(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Files]:
    if request.param == FAKE:
        yield Files(MemorySqs(time))
        return
    # From the real time on: moto forgets messages by that.
    start = unix_time_millis()
    with simulated_aws(), patch.object(models, "unix_time_millis", lambda: start + time.monotonic() * 1_000):
        yield Files(boto3.client("sqs"))


def test_message_comes_again(files: Files, time: VirtualTime) -> None:
    """A message that is not deleted is hidden for a while and comes again, which is counted."""
    files.send("one")
    assert (files.take().text, files.queue.receive(), files.messages()) == ("one", None, 1)
    time.sleep(VISIBILITY_SECONDS - 1)
    assert files.queue.receive() is None
    time.sleep(2)
    message = files.take()
    assert (message.text, message.receives) == ("one", 2)


def test_deleted_message_stays_away(files: Files, time: VirtualTime) -> None:
    """A message that is deleted never comes again, and another one does."""
    files.send("one")
    files.send("other")
    message = files.take()
    files.queue.delete(message)
    assert files.messages() == 1
    left = files.take()
    assert {message.text, left.text} == {"one", "other"}
    time.sleep(VISIBILITY_SECONDS + 1)
    assert files.take().text == left.text
    assert files.queue.receive() is None


@pytest.mark.parametrize("seconds", [5.0, 600.0])
def test_message_that_is_put_off(files: Files, time: VirtualTime, seconds: float) -> None:
    """A message that is put off comes after so many seconds, sooner or later than the queue would bring it."""
    files.send("one")
    files.queue.put_off(files.take(), seconds)
    time.sleep(seconds - 1)
    assert files.queue.receive() is None
    time.sleep(2)
    assert files.take().receives == 2


def test_rejected_message_has_its_reason(files: Files) -> None:
    """A message that is rejected is among the dead letters with the reason, and no longer in the queue."""
    files.send("no JSON")
    files.queue.reject(files.take(), "not JSON")
    assert files.messages() == 0
    [dead] = files.client.receive_message(
        QueueUrl=files.dead_url, MaxNumberOfMessages=10, MessageAttributeNames=["reason"]
    )["Messages"]
    assert (dead["Body"], dead["MessageAttributes"]["reason"]["StringValue"]) == ("no JSON", "not JSON")
