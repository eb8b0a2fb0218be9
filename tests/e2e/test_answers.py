"""Answering orders on the deployed stack: signed requests in, the platform changed, the outcome out."""

import json
from typing import Any

import boto3
import pytest
import requests

from partner_orders.orders.table import OrdersTable
from tests.support.deployed import eventually
from tests.support.deployed_answers import DeployedAnswers
from tests.support.deployed_roles import Roles
from tools.local.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers(stack: Stack) -> DeployedAnswers:
    return DeployedAnswers(stack)


@pytest.fixture(scope="module")
def roles(stack: Stack) -> Roles:
    return Roles(stack)


def caller(stack: Stack, store_id: str) -> boto3.Session:
    """Credentials whose policy names one store."""
    iam, name = stack.client("iam"), f"till-of-{store_id}"
    iam.create_user(UserName=name)
    resource = f"arn:aws:execute-api:{stack.region}:*:*/*/*/stores/{store_id}/*"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="answer", PolicyDocument=document)
    key: Any = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=stack.region)


def test_signed_answer_is_applied(answers: DeployedAnswers, orders: OrdersTable) -> None:
    """What a till says of an order is on the platform within seconds, and in the table."""
    [order] = answers.placed()
    store_id, order_id = order["client"]["store_id"], order["order_id"]
    till = answers.till()
    taken = till.answer(store_id, order_id, answers.says(order))
    assert (taken["status"], taken["will_send"]["order_id"]) == ("waiting", order_id)
    shown = eventually(lambda: s if (s := till.look(store_id, order_id, "till-1"))["status"] != "waiting" else None)
    assert shown["status"] == "applied"
    eventually(lambda: True if orders.get(order_id).status in {"READY_FOR_PICKUP", "DISPATCHED"} else None)  # type: ignore[union-attr]
    assert till.answer(store_id, order_id, answers.says(order))["status"] == "applied"
    with pytest.raises(requests.HTTPError) as refused:
        till.answer(store_id, order_id, answers.says(order, answer_id="till-2"))
    assert (refused.value.response.status_code, refused.value.response.json()["type"]) == (409, "order_finished")


def test_unsigned_request_gets_403(answers: DeployedAnswers) -> None:
    """A request without a signature gets 403, and nothing is stored."""
    [order] = answers.placed()
    path = f"/stores/{order['client']['store_id']}/orders/{order['order_id']}/answers"
    response = requests.post(
        answers.stack.endpoint_url + path, json=answers.says(order), headers={"Host": answers.host}, timeout=15
    )
    assert (response.status_code, answers.stored(order)) == (403, None)


def test_policy_names_a_store(answers: DeployedAnswers) -> None:
    """Credentials for one store answer its orders, and get 403 for those of another."""
    [order] = answers.placed()
    store_id, order_id = order["client"]["store_id"], order["order_id"]
    with pytest.raises(requests.HTTPError) as refused:
        answers.till(caller(answers.stack, "another")).answer(store_id, order_id, answers.says(order))
    assert (refused.value.response.status_code, answers.stored(order)) == (403, None)
    assert answers.till(caller(answers.stack, store_id)).answer(store_id, order_id, answers.says(order))


def test_unknown_order_gets_404(answers: DeployedAnswers) -> None:
    """An order that nobody has, or another store's, gets 404."""
    [order] = answers.placed()
    for store_id, order_id in (("another", order["order_id"]), (order["client"]["store_id"], "none")):
        with pytest.raises(requests.HTTPError) as refused:
            answers.till().answer(store_id, order_id, answers.says(order))
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize("sid", ["ReadOrders", "StoreAnswers", "WakeSender"])
def test_answers_need_each_statement(answers: DeployedAnswers, roles: Roles, sid: str) -> None:
    """The answers function takes and wakes with a statement, and does not without it."""

    def works() -> bool:
        answers.forget_wake_ups()
        [order] = answers.placed()
        return answers.take(order) == 202 and answers.wake_up() is not None

    with answers.asleep():
        assert works()
        with roles.without("AnswersRole", sid):
            assert not works()
        assert works()


SENDING = ("ReadPartnerApiSecret", "ReadOrders", "StoreOutcomes", "ShareRequestBudget", "SendOrderEvents")
SWEEPING = ("FindWaitingAnswers", "WakeSender")


@pytest.mark.parametrize("sid", SENDING)
def test_sending_needs_each_statement(answers: DeployedAnswers, roles: Roles, sid: str) -> None:
    """The sender brings an answer to its outcome with a statement, and does not without it."""
    with answers.asleep():
        assert answers.sends()
        with roles.without("SenderRole", sid):
            assert not answers.sends()
        assert answers.sends()


@pytest.mark.parametrize("sid", SWEEPING)
def test_sweep_needs_each_statement(answers: DeployedAnswers, roles: Roles, sid: str) -> None:
    """The sweep wakes the sender for a forgotten answer with a statement, and does not without it."""
    with answers.asleep():
        assert answers.sweeps()
        with roles.without("SenderRole", sid):
            assert not answers.sweeps()
        assert answers.sweeps()


def test_every_statement_is_tried(roles: Roles) -> None:
    """Every policy statement for our own calls has a test."""
    assert {*roles.statements("AnswersRole")} == {"ReadOrders", "StoreAnswers", "WakeSender"}
    assert {*roles.statements("SenderRole")} == {*SENDING, *SWEEPING}
