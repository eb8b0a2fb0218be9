"""Every page and part of the desk shows what there is, and what there is not."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from partner_orders_console.desk.pages import PAGES
from tests.support.desk import Browser

PLAIN = sorted({route.path for page in PAGES for route in page.routes if "{" not in route.path})


@pytest.mark.slow
@pytest.mark.parametrize("path", PLAIN)
def test_page_of_an_empty_stack(browser: Browser, path: str) -> None:
    """Each page of a stack without orders is shown, without a fault of ours."""
    answer = browser.get(path)
    assert answer.status_code == 200
    assert "a fault in partner-orders itself" not in answer.text, browser.text(path)


@pytest.mark.usefixtures("example_stack")
def test_page_of_a_stack_with_orders(browser: Browser) -> None:
    """Each page of a stack with orders, an answer and a rejected event is shown, without a fault of ours."""
    for path in PLAIN:
        answer = browser.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert "a fault in partner-orders itself" not in answer.text, browser.text(path)


@pytest.mark.usefixtures("example_stack")
def test_ids_of_a_page_are_its_own(open_desk: Callable[..., Browser]) -> None:
    """No page has one id twice: a label would name, and a script find, the wrong part."""
    browser = open_desk(allows_changes=True)
    order_id = "dc39170c-8fb6-4e20-aa52-36fa898df1d1"
    for path in (*(page.path for page in PAGES), f"/orders/{order_id}", f"/orders/{order_id}/answer", "/stores/148020"):
        ids = re.findall(r'\sid="([^"]+)"', browser.get(path).text)
        assert (path, [name for name, times in Counter(ids).items() if times > 1]) == (path, [])
