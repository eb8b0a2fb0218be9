"""Answers in the orders table, without a sender: accepted, and ended as a test wants it."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from partner_orders.answers.answer import Answer, Kind, NewLine
from partner_orders.answers.endpoint import POST, AnswersEndpoint
from partner_orders.answers.intake import AnswersIntake
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.rules import Brand
from partner_orders.answers.stored import Ending, Progress, StoredAnswer
from partner_orders.answers.table import AnswersTable
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import now
from tests.support.fixed_clock import NOW
from tests.support.orders import CHAIN_ID, order
from tests.support.orders_table import RETENTION, TABLE

ORDER_ID, STORE_ID = order()["order_id"], order()["client"]["store_id"]
CALLER = "arn:aws:iam::123456789012:role/till"
API_URL = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"
ENDED_AT = NOW + timedelta(seconds=7)
BAG = NewLine("BAG", 1, Decimal(10), name="for Amina")


class AnswersApi:
    """The answers API of a stack in moto, in place of ``requests.request``; ``sent`` are the requests."""

    def __init__(self, client: Any, brand: str = "foodpanda", chain_id: str = CHAIN_ID) -> None:
        wake_ups: Any = SimpleNamespace(send=lambda _order_id: None)
        reads = OrderReads(Table(client, TABLE), now)
        intake = AnswersIntake(reads, AnswersTable(client, TABLE, RETENTION), wake_ups, Brand(brand), chain_id, now)
        self._endpoint = AnswersEndpoint(intake)
        self.sent: list[tuple[str, dict[str, str]]] = []

    def __call__(self, _method: str, url: str, *, data: bytes, headers: dict[str, str], **_: Any) -> Any:
        self.sent.append((url, headers))
        store_id, order_id = map(unquote, url.removeprefix(f"{API_URL}/").split("/")[1:4:2])
        caller = {"authorizer": {"iam": {"userArn": CALLER}}, "requestId": "request-8"}
        request = {
            "routeKey": POST,
            "pathParameters": {"store_id": store_id, "order_id": order_id},
            "body": data.decode(),
            "requestContext": caller,
        }
        response = self._endpoint.respond(request).to_http()
        text = response["body"]
        return SimpleNamespace(status_code=response["statusCode"], text=text, content=text.encode())


def accept(table: AnswersTable, answer_id: str, order_id: str = ORDER_ID, **said: Any) -> StoredAnswer:
    """Store an answer that everything was found, unless another ``kind`` and more is said."""
    earlier = table.get(order_id)
    answer = Answer(answer_id, said.pop("sequence", 1), said.pop("kind", Kind.READY), **said)
    stored = StoredAnswer(earlier.accepted + 1, answer, NOW, CALLER, "request-7", (), Progress(NOW))
    table.accept(earlier, stored, STORE_ID)
    return stored


def end(
    table: AnswersTable,
    stored: StoredAnswer,
    outcome: Outcome,
    reason: str = "",
    problems: tuple[str, ...] = (),
    order_id: str = ORDER_ID,
) -> None:
    """Give an answer its outcome, after one request to the platform."""
    claimed = table.claim(order_id, ENDED_AT + timedelta(days=1))
    assert claimed is not None
    noted = table.note(claimed, stored, Progress(NOW, tries=1))
    sent = next(it for it in noted.answers if it.number == stored.number)
    after = table.end(noted, sent, Ending(outcome, ENDED_AT, reason, problems))
    if after.oldest_open is not None:
        table.let_go(after, ENDED_AT)
