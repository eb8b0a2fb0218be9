"""The answers to orders: which there are, what has become of each, and sending one as the chain's systems do."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from partner_orders.answers.answer import AnswerProblemsError
from partner_orders.answers.endpoint import WAITING, answer_json
from partner_orders.answers.intake import AnswersIntake, HinderedError, NoSuchOrderError
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.reading import plain, read_answer
from partner_orders.answers.rules import AUTO, Brand
from partner_orders.answers.stored import Ending, OrderAnswers, StoredAnswer, order_answers
from partner_orders.answers.table import OPEN_ANSWERS
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import OPEN_ORDERS
from partner_orders.clock import now
from partner_orders.exact_json import Json, MalformedJsonError, parse, write
from partner_orders.orders.stored import StoredOrder
from partner_orders.platform.session import AS_GIVEN
from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import ids_of_days, store_of, zone_of
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

_TIMEOUT_SECONDS = 30
_LOOK_AGAIN_SECONDS = 2.0
# So much of an answer's id is in the id of its repetition: an id has 80 characters at most.
_KEPT_OF_ID = 60
_ADVICE = {
    "store_off": "`partner-orders stores set STORE --answers` switches the store on.",
    "order_changed": "Look at the order's lines and use its present sequence: `partner-orders orders show ORDER`.",
    "answer_open": "`partner-orders answers list --open` shows it. Wait for its outcome.",
    "answer_id_used": "Give another answer_id.",
    "unavailable": "Send the same file again: its answer_id makes that safe.",
}


@dataclass(frozen=True)
class Answered:
    """An answer, with the order and the store that it is for."""

    order_id: str
    store_id: str
    stored: StoredAnswer

    @property
    def status(self) -> str:
        """How it ended, or that it waits."""
        return WAITING if self.stored.ending is None else self.stored.ending.outcome.value

    @property
    def is_applied(self) -> bool:
        return self.status == Outcome.APPLIED

    def to_json(self) -> dict[str, Json]:
        where = {"order_id": self.order_id, "store_id": self.store_id, "correlation_id": self.stored.correlation_id}
        return {**where, **answer_json(self.stored)}


@dataclass(frozen=True)
class Choice:
    """Which answers: to an order; or to the orders of a day in each store's own time zone (without one of today and
    yesterday, since an answer may take hours), or all that are open, of a store or of all; and of these those with an
    outcome."""

    store: Store | None = None
    order_id: str | None = None
    day: str | None = None
    open_only: bool = False
    outcome: Outcome | None = None


class Step(NamedTuple):
    """A step in an order's life: that an answer was accepted, or how it ended."""

    at: datetime
    what: str
    answer_id: str
    note: str


# -- reading -----------------------------------------------------------------------------------------------------------


def chosen(stack: DeployedStack, choice: Choice, progress: Progress = silent) -> list[Answered]:
    """The answers of a choice, the oldest first. Raises OperatorError for a day that is none."""
    progress("looking for orders")
    if choice.order_id is not None:
        order_ids = [choice.order_id]
    elif choice.open_only:
        order_ids = [keys.order_id_of(row["pk"]) for row in stack.table.query(OPEN_ANSWERS, index=OPEN_ORDERS)]
    else:
        stores = [choice.store] if choice.store else stack.stores.all()
        order_ids = [order_id for store in stores for order_id in _ids(stack, store, choice.day)]
    progress(f"reading the answers to {len(order_ids):,} orders")
    found = (
        answered
        for answered in to_orders(stack, order_ids)
        if (not choice.open_only or answered.stored.is_open)
        and (choice.outcome is None or answered.status == choice.outcome)
        and (choice.store is None or answered.store_id in choice.store.listings)
    )
    return sorted(found, key=lambda answered: answered.stored.accepted_at)


def open_count(stack: DeployedStack) -> int:
    """How many orders have an answer without an outcome. Raises botocore's errors."""
    return stack.table.count(OPEN_ANSWERS, OPEN_ORDERS)


def outcome_named(text: str | None) -> Outcome | None:
    """Raises OperatorError for an outcome that does not exist."""
    if text is None:
        return None
    try:
        return Outcome(text)
    except ValueError:
        raise OperatorError(f"there is no outcome {text}", f"Use one of {', '.join(Outcome)}.") from None


def of_order(stack: DeployedStack, order_id: str) -> list[Answered]:
    """Every answer to an order, in the order of acceptance."""
    return [*to_orders(stack, [order_id])]


def named(stack: DeployedStack, order_id: str, answer_id: str) -> Answered:
    """One answer to an order. Raises OperatorError."""
    found = next((it for it in of_order(stack, order_id) if it.stored.answer.answer_id == answer_id), None)
    if found is None:
        raise OperatorError(
            f"the order {order_id} has no answer {answer_id}", f"`partner-orders answers show {order_id}` shows them."
        )
    return found


def timeline(answers: Iterable[Answered]) -> Iterator[Step]:
    """What the answers to an order add to its life."""
    for answered in answers:
        stored = answered.stored
        name, waits_for = stored.answer.answer_id, stored.progress.failure
        note = "" if stored.ending else f"waits{f' for {waits_for}' if waits_for else ''}"
        yield Step(stored.accepted_at, f"{stored.answer.kind} accepted", name, note)
        if stored.ending:
            what = f"{stored.answer.kind} {stored.ending.outcome}"
            yield Step(stored.ending.ended_at, what, name, reasons_of(stored.ending))


def reasons_of(ending: Ending) -> str:
    """Why an answer ended as it did; empty where there is nothing to say."""
    return "; ".join(filter(None, (ending.reason, *ending.problems)))


def _ids(stack: DeployedStack, store: Store, day: str | None) -> Iterator[str]:
    today = now().astimezone(zone_of(store)).date()
    if day is not None:
        return ids_of_days(stack, store, day)
    return ids_of_days(stack, store, str(today - timedelta(days=1)), str(today))


def to_orders(stack: DeployedStack, order_ids: Iterable[str]) -> Iterator[Answered]:
    """Every answer to these orders; of each order in the order of acceptance."""
    rows = stack.table.get_many(map(keys.answers, dict.fromkeys(order_ids)), consistent=True)
    for row in rows:
        answers: OrderAnswers = order_answers(keys.order_id_of(row["pk"]), row)
        yield from (Answered(answers.order_id, row.get("store_id", ""), stored) for stored in answers.answers)


# -- sending -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ToSend:
    """A request to the answers API. ``content`` is what the answer says."""

    store_id: str
    order_id: str
    content: dict[str, Json] = field(repr=False)

    @property
    def answer_id(self) -> str:
        return str(self.content.get("answer_id", ""))


def from_file(file: Path, order: StoredOrder) -> ToSend:
    """The answer to an order that a file holds. Raises OperatorError."""
    try:
        content = parse(file.read_bytes())
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}", "Check the file's name and rights.") from None
    except MalformedJsonError as error:
        raise OperatorError(f"{file} is not JSON: {error}", "Correct the file: docs/answers.md has examples.") from None
    if not isinstance(content, dict):
        raise OperatorError(f"{file} is not an answer", "It should be a JSON object: docs/answers.md has examples.")
    return ToSend(store_of(order), order.order_id, content)


def repetition(answered: Answered, order: StoredOrder, accepted: int) -> ToSend:
    """What an ended answer said, under a new id and at the order's present sequence. ``accepted`` is how many answers
    the order has: as long as it stays, the id stays too, so that sending twice is safe. Raises OperatorError for an
    answer that has not ended, or was applied."""
    answer, ending = answered.stored.answer, answered.stored.ending
    if ending is None:
        raise OperatorError(
            f"the answer {answer.answer_id} waits for its outcome",
            "The sender repeats it by itself. `partner-orders answers show` says what it waits for.",
        )
    if ending.outcome is Outcome.APPLIED:
        raise OperatorError(f"the answer {answer.answer_id} was applied", "There is nothing to send again.")
    new_id = f"{answer.answer_id[:_KEPT_OF_ID]}.again-{accepted + 1}"
    content = plain(answer) | {"answer_id": new_id, "sequence": order.sequence}
    return ToSend(store_of(order), order.order_id, content)


def from_text(text: str, order: StoredOrder) -> ToSend:
    """The answer to an order that a text holds as JSON. Raises OperatorError."""
    try:
        content = parse(text.encode("utf-8", "surrogatepass"))
    except MalformedJsonError as error:
        raise OperatorError(f"the answer is not JSON: {error}", "Correct it: docs/answers.md has examples.") from None
    if not isinstance(content, dict):
        raise OperatorError("the answer is no JSON object", "Correct it: docs/answers.md has examples.")
    return ToSend(store_of(order), order.order_id, content)


def example(order: StoredOrder) -> str:
    """An answer that an order could get, as JSON to change: ready, with all that was ordered."""
    answer_id = f"desk-{now():%Y%m%d-%H%M%S}"
    return f'{{\n  "answer_id": "{answer_id}",\n  "sequence": {order.sequence},\n  "kind": "ready"\n}}'


def preview(stack: DeployedStack, request: ToSend) -> dict[str, Json] | None:
    """What the platform would get, after the checks that the API makes; None for an answer that was taken before.
    Nothing is sent or stored. Raises OperatorError for an answer that would not be taken."""
    stack.answers_output("AnswersApiUrl")
    brand = Brand.named(stack.parameters.get("Brand", AUTO), stack.parameters.get("PartnerApiBaseUrl", ""))
    wake_ups = WakeUps(stack.client("sqs"), stack.answers_output("AnswersQueueUrl"))
    chain_id = stack.parameters.get("ChainId", "")
    intake = AnswersIntake(OrderReads(stack.table, now), stack.answers, wake_ups, brand, chain_id, now)
    try:
        return intake.preview(request.store_id, request.order_id, read_answer(request.content)).will_send
    except AnswerProblemsError as error:
        raise OperatorError("\n".join(map(str, error.problems)), "Nothing was sent. Correct the answer.") from None
    except HinderedError as error:
        allowed = error.facts.get("allowed")
        what = str(error) + (f" Allowed: {', '.join(map(str, allowed))}." if isinstance(allowed, list) else "")
        raise OperatorError(what, _ADVICE.get(error.hindrance.value, "Nothing was sent.")) from None
    except NoSuchOrderError:
        raise OperatorError(f"the store {request.store_id} has no order {request.order_id}", "") from None


def send(stack: DeployedStack, request: ToSend) -> dict[str, Any]:
    """Send an answer to the stack's answers API, with the operator's credentials; what the API returned.

    Raises OperatorError for an answer that was not taken, and requests' errors."""
    url, headers = _address(stack)
    store_id, order_id = (quote(name, safe="") for name in (request.store_id, request.order_id))
    url += f"/stores/{store_id}/orders/{order_id}/answers"
    body = write(request.content).encode()
    signed = AWSRequest("POST", url, data=body, headers=headers | {"Content-Type": "application/json"})
    SigV4Auth(_credentials(stack), "execute-api", stack.region).add_auth(signed)
    response = requests.request(
        "POST",
        url,
        data=body,
        headers=dict(signed.headers),
        timeout=_TIMEOUT_SECONDS,
        allow_redirects=False,
        auth=AS_GIVEN,
    )
    if response.status_code // 100 != 2:
        raise _refusal(response.status_code, response.text)
    taken: Any = parse(response.content)
    return dict(taken)


def wait(stack: DeployedStack, order_id: str, answer_id: str, progress: Progress = silent) -> Answered:
    """The answer once it has its outcome. Raises OperatorError if it is gone."""
    while (answered := named(stack, order_id, answer_id)).stored.is_open:
        tries, failure = answered.stored.progress.tries, answered.stored.progress.failure
        progress(f"{answer_id} waits, {tries} requests so far{f': {failure}' if failure else ''}")
        time.sleep(_LOOK_AGAIN_SECONDS)
    return answered


def _address(stack: DeployedStack) -> tuple[str, dict[str, str]]:
    """The API's URL, and the headers by which an emulator knows it. Raises OperatorError where answers are off."""
    url = stack.answers_output("AnswersApiUrl").rstrip("/")
    if stack.endpoint_url is None:
        return url, {}
    api_id = (urlsplit(url).hostname or "").partition(".")[0]
    return stack.endpoint_url.rstrip("/"), {"Host": f"{api_id}.execute-api.localhost"}


def _credentials(stack: DeployedStack) -> ReadOnlyCredentials:
    """The operator's. Raises botocore's error if there are none."""
    found = stack.session.get_credentials()
    if found is None:
        raise NoCredentialsError
    return found.get_frozen_credentials()


def _refusal(status: int, text: str) -> OperatorError:
    """Why the API did not take an answer, for a person."""
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if not isinstance(body, dict) or "type" not in body:
        advice = "Your role needs execute-api:Invoke on the answers API (docs/command-line.md)."
        return OperatorError(f"the answers API responded with {status}", advice if status == 403 else "Try again.")
    what = [str(body.get("detail", "")).rstrip(".") or f"the answers API responded with {status}"]
    what += [f"{it['path']}: {it['problem']}" for it in body.get("problems", []) if isinstance(it, dict)]
    if body.get("allowed"):
        what.append(f"allowed: {', '.join(map(str, body['allowed']))}")
    return OperatorError("\n".join(what), _ADVICE.get(str(body["type"]), "Nothing was stored. Correct the answer."))
