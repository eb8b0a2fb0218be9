"""A stack in moto, and the command line that finds it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
import typer.main

from partner_orders.answers.judgement import Outcome
from partner_orders.catalogue.product import Values
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.stores.store import StoreSettings
from partner_orders_console.cli.__main__ import main
from partner_orders_console.operations import dead_letters
from partner_orders_console.operations.sending import event_file
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import API_URL, AnswersApi, accept, end
from tests.support.aws import simulated_aws
from tests.support.catalogue_stack import Catalogue, CloudFormation, add_catalogue
from tests.support.console import Ran
from tests.support.contracts import FAKE, QUICK
from tests.support.fixed_clock import NOW
from tests.support.help_examples import FILES
from tests.support.orders import CHAIN_ID, as_bytes
from tests.support.orders_table import TABLE
from tests.support.promotion_documents import put_example
from tests.support.template import TEMPLATE, table_of_the_template
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

REGION = "eu-central-1"
EVENTS = Path(__file__).parents[2] / "events"
# The command line is made once, not for each call: that takes longer than most commands.
COMMAND_OF = cache(typer.main.get_command)


@cache
def _client(service: str, **options: Any) -> Any:
    """A client that the tests of a worker share: making one takes as long as some tests."""
    make: Any = boto3.Session.client
    return make(boto3.DEFAULT_SESSION, service, **options)


@pytest.fixture(params=QUICK)
def stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeployedStack]:
    """Table, queues and secrets in moto, and the outputs that the template would give them. The table is simulated in
    `make test`, and moto's, too, in `make verify`."""
    # moto knows the address of the streams that names no account.
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with simulated_aws() as session:
        monkeypatch.setattr(session, "client", _client)
        found = DeployedStack("partner-orders", REGION, session)
        if request.param == FAKE:
            found.clients.get("dynamodb", False, lambda: SimulatedDynamoDB().client)
        stream: Any = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        table = table_of_the_template(TEMPLATE)
        found.dynamodb.create_table(TableName=TABLE, StreamSpecification=stream, **table)
        sqs, secrets = found.client("sqs"), found.client("secretsmanager")
        outputs = {
            name: sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("OrderEventsQueueUrl", "OrderEventsDeadLettersUrl", "PublisherDeadLettersUrl")
        }
        outputs |= {
            name: secrets.create_secret(Name=name, SecretString=content)["ARN"]
            for name, content in (
                ("WebhookSecretArn", "the webhook secret"),
                ("PartnerApiSecretArn", '{"token": "PASTE-THE-PARTNER-API-TOKEN-HERE"}'),
            )
        }
        found.clients.get("cloudformation", False, CloudFormation)
        # moto would have to run the whole template to describe the stack.
        found.__dict__["outputs"] = outputs | {
            "OrdersTableName": TABLE,
            "WebhookUrl": "https://api.example.com/order-events",
        }
        found.__dict__["alarm_names"] = []
        found.__dict__["account"] = "123456789012"
        monkeypatch.setenv("PARTNER_ORDERS_STACK_NAME", "partner-orders")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        found.__dict__["parameters"] = {"ChainId": CHAIN_ID, "PartnerApiBaseUrl": "https://partner-api.example.com"}
        monkeypatch.setattr(DeployedStack, "find", lambda _: found)
        # moto would wait that long for real, for messages that do not come.
        monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", 0)
        yield found


@pytest.fixture
def run(
    stack: DeployedStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a command, as a program would."""
    monkeypatch.setattr(typer.main, "get_command", COMMAND_OF)

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        status = main([*arguments])
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return command


@pytest.fixture
def store_order(stack: DeployedStack) -> Callable[..., None]:
    """Put order objects into the table, as the consumer would."""

    def store(*bodies: dict[str, Any], source: str = "webhook") -> None:
        for body in bodies:
            event = parse_event(as_bytes(body))
            stack.orders.write([(event, Arrival(source, NOW, "request-1"))])
            stack.stores.register(event.order.client)

    return store


@pytest.fixture
def catalogue(stack: DeployedStack) -> Catalogue:
    """A catalogue beside the stack, without stores."""
    return add_catalogue(stack)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def example_stack(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, folder: Path) -> DeployedStack:
    """What the examples of the help speak of: an order with an answer, a store, a rejected event, and files."""
    body = (EVENTS / "order.json").read_bytes()
    stack.parameters["ChainId"] = json.loads(body)["client"]["chain_id"]
    event = parse_event(body)
    stack.orders.write([(event, Arrival("webhook", NOW, "request-1"))])
    stack.stores.register(event.order.client)
    no_order = event_file(EVENTS / "webhook" / "no_order_id.json").body
    stack.rejected.keep(no_order, Arrival("webhook", NOW, "request-2"), "not_an_order", ["order_id: Field required"])
    stack.stores.set("148O20", StoreSettings(currency="SAR"))
    for name, content in FILES.items():
        (folder / name).write_text(content)
    (folder / "events").symlink_to(EVENTS)
    monkeypatch.chdir(folder)
    stack.outputs["AnswersApiUrl"] = API_URL
    stack.stores.set("148020", StoreSettings(is_answering=True))
    end(stack.answers, accept(stack.answers, "till-1", event.order_id), Outcome.REFUSED, order_id=event.order_id)
    monkeypatch.setattr(requests, "request", AnswersApi(stack.dynamodb, chain_id=stack.parameters["ChainId"]))
    monkeypatch.setattr(requests, "post", lambda *_, **__: SimpleNamespace(status_code=200, text=""))
    catalogue = add_catalogue(stack)
    catalogue.enrol()
    catalogue.say("WM-520955", price=Decimal("3.5"), active=True, quantity=7)
    held = {"WM-520955": Values(price=Decimal(35))}
    put_example(catalogue.stack.promotions, catalogue.stack.promotion_bodies)
    catalogue.tables.held.hold_lines("148020", "changes/148020/prices.csv?versionId=1", NOW, held)
    return stack


@pytest.fixture
def inline_executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor
