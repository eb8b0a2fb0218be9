"""The deployed stack, with IAM enforced, and the simulated platform beside it: one for all end-to-end tests."""

import http.client
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from partner_orders.clock import now
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.deployed import Answer, CommandLine
from tools.local.stack import STACK_FILE, Stack, switch_schedules
from tools.local.up import CHAIN_ID, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    # Reconciler, loader and pusher run when a test calls them.
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}) as stack:
        switch_schedules(stack, "DISABLED", stack.catalogue_name)
        yield stack


@pytest.fixture
def post(stack: Stack) -> Callable[..., Answer]:
    """Post bytes at the webhook, over plain HTTP, with exactly the headers given beside those of the API."""

    def send(
        body: bytes,
        authorization: bytes | None = None,
        method: str = "POST",
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        url = urlsplit(stack.webhook_url)
        connection = http.client.HTTPConnection(url.netloc, timeout=15)
        try:
            connection.putrequest(method, path or url.path, skip_host=True)
            for name, value in (stack.webhook_headers | {"Content-Type": "application/json"} | (headers or {})).items():
                connection.putheader(name, value)
            if authorization is not None:
                connection.putheader("Authorization", authorization)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            connection.close()

    return send


@pytest.fixture
def no_dead_letters(stack: Stack) -> None:
    """What other tests could not have delivered is gone."""
    for name, url in {**stack.outputs, **stack.catalogue_outputs}.items():
        if name.endswith("DeadLettersUrl"):
            stack.client("sqs").purge_queue(QueueUrl=url)


@pytest.fixture
def secret(stack: Stack) -> bytes:
    return stack.webhook_secret.encode("ascii")


@pytest.fixture
def orders(stack: Stack) -> OrdersTable:
    return OrdersTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], timedelta(days=400))


@pytest.fixture
def rejected(stack: Stack) -> RejectedTable:
    return RejectedTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], timedelta(days=90), now)


@pytest.fixture
def stores(stack: Stack) -> StoresTable:
    return StoresTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], CHAIN_ID, now)


@pytest.fixture(scope="module")
def run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    file = tmp_path_factory.mktemp("stack") / STACK_FILE.name
    stack.save(file)
    return CommandLine(file)
