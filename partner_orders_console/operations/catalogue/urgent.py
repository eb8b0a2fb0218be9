"""One product taken off sale now: a message on the urgent queue, and what became of it."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.job import Job
from partner_orders.clock import now, to_text
from partner_orders.exact_json import write
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.holding import REASONS
from partner_orders_console.operations.catalogue.job_words import failure_words, is_lasting
from partner_orders_console.operations.catalogue.products import ProductView, product
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.dead_letter_queue import Queue
from partner_orders_console.operations.dead_letters import DeadLetters
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.words import at

_LOOK_AGAIN_SECONDS = 1.0
_LONGEST_START = timedelta(minutes=3)  # the function is tried again for longer
_LONGEST_WAIT = timedelta(minutes=10)
# A message is taken, and a call answered, sooner than that: then a refusal is looked for.
_SLOW = timedelta(seconds=5)
_TELL_AGAIN = timedelta(seconds=15)
_NEWEST_JOBS = 3  # in which the product is looked for
_NEVER = datetime.min.replace(tzinfo=UTC)
_LATER = (
    "It is tried again by itself. `partner-orders logs urgent --errors` and `partner-orders doctor` say why;"
    " `partner-orders catalogue show` shows the product."
)


@dataclass(frozen=True)
class Followed:
    """A product whose message came to an end. ``why_not``: why it is not off sale; empty if it is."""

    product: ProductView
    why_not: str


@dataclass(frozen=True)
class UrgentOff:
    """A product that is to go off sale. ``version``: the time at which the operator said so. ``last_job``: the number
    of the store's newest job before it. ``was_refused``: whether the platform had refused an earlier off."""

    store_id: str
    sku: str
    version: datetime
    last_job: int = 0
    was_refused: bool = False

    @property
    def text(self) -> str:
        """The message."""
        return write({"store_id": self.store_id, "sku": self.sku, "active": False, "version": to_text(self.version)})


def off(catalogue: CatalogueStack, store_id: str, sku: str) -> UrgentOff:
    """The message for a product. Raises OperatorError for a store that is not in the catalogue or not sent, and
    NotFoundError for a product that it does not have."""
    if not settings_of(catalogue, store_id).is_sending:
        raise OperatorError(
            f"the store {store_id} is paused, so nothing of it is sent",
            f"`partner-orders catalogue resume {store_id}` ends that.",
        )
    said_at = now()
    message = UrgentOff(store_id, sku, said_at.replace(microsecond=said_at.microsecond // 1000 * 1000))
    try:
        urgent_change(message.text, said_at, said_at)
    except UrgentRefusedError as error:
        raise OperatorError(str(error), "Nothing was sent.") from None
    row = _row(catalogue, message)
    if row is None:
        raise NotFoundError(
            f"the store {store_id} has no product {sku}", "Name it as your files do: by its SKU, with upper case kept."
        )
    last_job = catalogue.tables.states.get(store_id).last_job
    return replace(message, last_job=last_job, was_refused=row.refused.active is False)


def send(catalogue: CatalogueStack, message: UrgentOff) -> None:
    """Put the message on the queue. Raises botocore's errors."""
    url = catalogue.output("UrgentQueueUrl")
    catalogue.client("sqs").send_message(QueueUrl=url, MessageBody=message.text)


def wait(
    catalogue: CatalogueStack, message: UrgentOff, progress: Progress = silent, tell: Progress = silent
) -> Followed:
    """Follow a message until the product is off sale by the platform's word, or cannot go off now: a guard holds it,
    the platform refused it, or your system said something newer. ``tell`` is told each step, and now and then that it
    takes its time. Raises OperatorError where nothing comes of the message."""
    follower = _Follower(catalogue, message, tell)
    while True:
        why_not = follower.look()
        if why_not is not None:
            return Followed(product(catalogue, message.store_id, message.sku), why_not)
        progress(follower.step_shown)
        time.sleep(_LOOK_AGAIN_SECONDS)


class _Follower:
    """Looks at what became of a message, again and again."""

    def __init__(self, catalogue: CatalogueStack, message: UrgentOff, tell: Progress) -> None:
        self._catalogue = catalogue
        self._message = message
        self._tell = tell
        self._begun = self._now = self._told_at = now()
        self._taken_at: datetime | None = None
        self._step = ""
        self._may_see_letters = True
        self._enter("queued: the urgent function takes it within seconds")

    @property
    def step_shown(self) -> str:
        """The step, and for how long the message is followed."""
        return f"{self._step} ({(self._now - self._begun).total_seconds():.0f} s)"

    def look(self) -> str | None:
        """Why the product is not off sale; empty if it is, and None while that is open. Raises OperatorError."""
        self._now = now()
        row = _row(self._catalogue, self._message)
        if row is not None and row.versions.get("active", _NEVER) >= self._message.version:
            self._taken_at = self._taken_at or self._now
            return self._look_at_taken(row, self._now - self._taken_at)
        if self._is_held():
            advice = f"`partner-orders catalogue held --store {self._message.store_id}` shows it"
            return f"a guard holds it, since {REASONS[Reason.SWITCHED_OFF]}: {advice}"
        self._look_for_refusal(self._now - self._begun)
        self._enter(self._step)
        return None

    # -- before it is taken --------------------------------------------------------------------------------------------

    def _look_for_refusal(self, waited: timedelta) -> None:
        if waited > _SLOW and (about := self._dead_letter()):
            raise OperatorError(
                f"the message was refused: {about}",
                "Nothing was sent. `partner-orders dead-letters show urgent` shows the message.",
            )
        if waited > _LONGEST_START:
            raise OperatorError("nobody has taken the message yet", _LATER)

    def _dead_letter(self) -> str:
        """What the message's dead letter is about, with the reason; empty without one."""
        if not self._may_see_letters:
            return ""
        url = self._catalogue.output("UrgentDeadLettersUrl")
        try:
            letters = DeadLetters(self._catalogue.orders, Queue.URGENT, url).some()
        except ClientError as error:
            self._may_see_letters = False
            self._tell(f"the dead letters cannot be read, so a refusal is not seen: {error.response['Error']['Code']}")
            return ""
        return next((letter.about for letter in letters if letter.text == self._message.text), "")

    def _is_held(self) -> bool:
        message = self._message
        return any(
            it.reason is Reason.SWITCHED_OFF and message.sku in it.lines and it.version >= message.version
            for it in self._catalogue.tables.held.of_store(message.store_id)
        )

    # -- once it is taken ----------------------------------------------------------------------------------------------

    def _look_at_taken(self, row: Desired, waited: timedelta) -> str | None:
        if row.confirmed.active is False:
            return ""
        if settings_of(self._catalogue, self._message.store_id).sends_by_files:
            return (
                "the store is sent by files: its next one, within five minutes, takes it off, and nothing confirms that"
            )
        if row.values.active is not False:
            return "your system said something newer: it is to be on sale"
        # What an earlier off came to is not the word on this one.
        if row.refused.active is False and (waited > _SLOW or not self._message.was_refused):
            return f"the platform refused it: {row.refusal or 'without a word'}"
        job = self._job()
        if job is not None and job.failure and (why_not := self._why_failed(job)):
            return why_not
        if waited > _LONGEST_WAIT:
            raise OperatorError("the product is noted as off sale, and the platform has not confirmed it yet", _LATER)
        if job is not None and not job.failure:
            self._enter(f"sent in job {job.number}: waiting for the platform's word")
        elif waited > _SLOW:
            self._enter("the platform did not confirm it alone: it goes with the next job, within a minute")
        else:
            self._enter("taken and sent alone: waiting for the platform's word")
        return None

    def _job(self) -> Job | None:
        """The newest job since the message that carries the product."""
        message = self._message
        jobs = self._catalogue.tables.jobs.newest(message.store_id, _NEWEST_JOBS)
        return next((job for job in jobs if job.number > message.last_job and message.sku in job.lines), None)

    def _why_failed(self, job: Job) -> str:
        """Why a job that was not taken ends the wait; empty where another one follows soon."""
        if is_lasting(job):
            return failure_words(job.failure)
        until = self._catalogue.tables.states.get(self._message.store_id).not_before
        if until is None or until <= self._now:
            return ""
        return f"{failure_words(job.failure)}. It goes again by itself after {at(until)} (UTC)"

    # -- telling -------------------------------------------------------------------------------------------------------

    def _enter(self, step: str) -> None:
        """Tell a step that is new, or that takes its time."""
        if step != self._step or self._now - self._told_at >= _TELL_AGAIN:
            self._step, self._told_at = step, self._now
            self._tell(self.step_shown)


def _row(catalogue: CatalogueStack, message: UrgentOff) -> Desired | None:
    return catalogue.tables.products.many(message.store_id, [message.sku]).get(message.sku)
