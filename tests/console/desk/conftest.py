"""A desk that is served, over a stack in moto."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.stack import DeployedStack
from tests.support.desk import Browser

type Open = Callable[..., Browser]


@pytest.fixture(scope="package")
def closing() -> Iterator[Executor]:
    """Closes desks while the next tests run: a server takes a fifth of a second to end."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def open_desk(stack: DeployedStack, closing: Executor) -> Iterator[Open]:
    """Open a desk with options."""
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE", "StackId": "arn:aws:cloudformation:eu:1:stack"}
    stack.__dict__["resources"] = {}
    opened = ExitStack()

    def open_with(allows_changes: bool = False, shows_personal_data: bool = False) -> Browser:
        options = Options(allows_changes, shows_personal_data)
        return Browser(opened.enter_context(serving(lambda: stack, options)))

    yield open_with
    closing.submit(opened.close)


@pytest.fixture
def browser(open_desk: Open) -> Browser:
    """A browser in a desk that changes and reveals nothing."""
    return open_desk()
