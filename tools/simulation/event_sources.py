"""What calls the consumer, the publisher and the sender: the event sources of queues and of the table's stream, and
the schedule."""

from functools import partial
from typing import TYPE_CHECKING

from tools.simulation.environment import Died
from tools.simulation.simulated_queue import Message
from tools.simulation.violation import Violation

if TYPE_CHECKING:
    from tools.simulation.world import World

PUT_OFF = "ChangeMessageVisibilityBatch"
STREAM_BATCH = 100


def least_seconds(tried: int) -> float:
    """For how long a message that was tried so often is to stay hidden at least: growing, up to 7.5 minutes."""
    return float(int(min(450.0, 2.5 * 2.0 ** (tried - 1))))


class EventSources:
    """Each of them takes what is there, invokes the function, and does what its answer says; for ever."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def poll(self) -> None:
        """The event source: receive, invoke, delete what did not fail; for ever."""
        while True:
            steals = (
                self._world.faults.strikes("queue_delivered_to_two_at_once") if self._world.queue.waiting() else False
            )
            messages = self._world.queue.receive(self._world.chance.randint(1, 10), steals=0.5 if steals else 0.0)
            if messages:
                self._consume([(message, message.handles[-1]) for message in messages])
                continue
            wait = max(self._world.queue.next_visible_at() - self._world.kernel.seconds, 0.2)
            self._world.kernel.sleep(min(wait, 20.0) + self._world.chance.uniform(0, 0.5))

    def _consume(self, received: list[tuple[Message, str]]) -> None:
        environment = self._world.environment("consumer")
        records = [
            {
                "messageId": message.message_id,
                "receiptHandle": handle,
                "body": message.text,
                "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
            }
            for message, handle in received
        ]
        before, put_offs_failed = environment.recorder.counts.copy(), self._world.faults.counts["queue_put_off_failed"]
        try:
            answer = environment.invoke({"Records": records}, "batch")
        except Died:
            if environment.out_of_time and not environment.process.hung_at & {PUT_OFF, f"after {PUT_OFF}"}:
                raise Violation("a consumer ran out of time, and did not hand back what it had") from None
            return  # Nothing is deleted; all of it comes again after the visibility timeout.
        except Exception as error:
            raise Violation(f"a consumer raised {type(error).__name__}: a whole batch comes again") from error
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if not failed <= {message.message_id for message, _ in received}:
            return  # As the event source does with an answer that makes no sense: all of it failed.
        counts = environment.recorder.counts - before
        cleared = len(received) - len(failed)
        accounted = sum(counts[name] for name in ("Stored", "Duplicate", "Rejected", "CatalogueCallback"))
        if accounted != cleared:
            raise Violation(f"{cleared} messages of a batch are done with, but {accounted} are accounted for: {counts}")
        self._world.cleared += cleared
        for message, handle in received:
            if message.message_id in failed:
                self._has_put_off(message, handle, put_offs_failed)
                continue
            if self._world.faults.strikes("queue_delete_lost", message.message_id):
                continue
            self._world.queue.delete(handle)
            if self._world.faults.strikes("queue_delivered_twice", message.message_id):
                delay = self._world.faults.between("queue_delivered_twice", 0, self._world.chance.choice([1, 1500]))
                self._world.kernel.spawn(partial(self._world.queue.revive, handle), self._world.service, delay)

    def _has_put_off(self, message: Message, handle: str, faults_before: int) -> None:
        """Check that a message that failed comes back the later, the more often it was tried."""
        hidden_for = self._world.queue.put_off.get(handle)
        if hidden_for is None:
            if self._world.faults.counts["queue_put_off_failed"] == faults_before:
                raise Violation(f"{message.message_id} failed, and was not put off")
            return
        tried = int(handle.rpartition("/")[2])
        if not least_seconds(tried) <= hidden_for <= 900:
            raise Violation(f"{message.message_id} failed for the {tried}th time, and was put off by {hidden_for} s")

    def wake(self) -> None:
        """The event source of the wake-ups: one at a time, deleted once the sender has dealt with it; for ever."""
        world, queue = self._world, self._world.wake_ups
        while True:
            for message in queue.receive(1):
                handle = message.handles[-1]
                record = {"messageId": message.message_id, "receiptHandle": handle, "body": message.text}
                try:
                    answer = world.environment("sender").invoke({"Records": [record]}, "wake-up")
                except Died:
                    continue  # It comes again after the visibility timeout.
                except Exception as error:
                    raise Violation(f"the sender raised {type(error).__name__}") from error
                if not answer["batchItemFailures"] and not world.faults.strikes("queue_delete_lost", "a wake-up"):
                    queue.delete(handle)
            wait = max(queue.next_visible_at() - world.kernel.seconds, 0.2)
            world.kernel.sleep(min(wait, 5.0) + world.chance.uniform(0, 0.5))

    def sweep(self) -> None:
        """The schedule of the sender: each minute, whatever came of the last one; for ever."""
        while True:
            self._world.kernel.sleep(60.0)
            try:
                self._world.environment("sender").invoke({}, "sweep")
            except Exception as error:  # The next one does what this one could not.
                self._world.said.append(repr(error))

    def follow(self) -> None:
        """The stream's event source: a batch in the stream's order, again from the first that is held; for ever."""
        most = STREAM_BATCH
        while True:
            self._world.kernel.sleep(self._world.chance.uniform(0.2, 5.0))
            batch = self._world.stream.records[:most]
            if not batch:
                continue
            try:
                answer = self._world.environment("publisher").invoke({"Records": batch}, "batch")
            except Died:
                most = max(1, len(batch) // 2)  # It bisects.
                continue
            except Exception as error:
                raise Violation(f"the publisher raised {type(error).__name__}: a whole batch comes again") from error
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            held = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            if not held <= {*numbers}:
                raise Violation("the publisher holds what it was not given: the whole batch comes again")
            most = STREAM_BATCH
            self._world.stream.done_until(min(held, key=int, default=str(int(numbers[-1]) + 1)))
