"""What an open page costs in AWS: counted over an hour, for a page that nobody closes."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.pages import PAGES
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import watch_calls
from tests.support.catalogue_stack import Catalogue
from tests.support.desk import Browser

DOCUMENT = Path(__file__).parents[3] / "docs" / "desk.md"
LIMIT = 0.05  # USD an hour
STORES = 20
WATCHED = 600.0  # seconds, of an hour in which each ten minutes cost the same
# USD for a call, in eu-central-1. A read of DynamoDB is taken for ten units, which is 40 KB read consistently.
PRICES = {"GetMetricData": 0.0, "DescribeAlarms": 0.01 / 1000, "GetSecretValue": 0.05 / 10_000}
PRICES |= dict.fromkeys(("Query", "Scan", "GetItem", "BatchGetItem"), 10 * 0.305 / 1_000_000)
PRICES |= dict.fromkeys(("GetQueueAttributes", "ReceiveMessage"), 0.4 / 1_000_000)
FREE = {"FilterLogEvents", "DescribeStacks", "ListStackResources", "GetCallerIdentity", "DescribeSecret"}
METRIC = 0.01 / 1000
# The doctor asks each part of the stack four times an hour. Its calls are those of `doctor`, and not counted here.
EXCLUDED = {"/now/findings"}


class Watched:
    """Counts calls of AWS, and metrics that were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        self.metrics = 0
        watch_calls(monkeypatch, self._see)

    def _see(self, operation: str, parameters: dict[str, Any], _: Any) -> None:
        self.calls[operation] += 1
        self.metrics += len(parameters.get("MetricDataQueries", ()))

    @property
    def usd(self) -> float:
        unknown = self.calls.keys() - PRICES.keys() - FREE
        assert not unknown, unknown
        return METRIC * self.metrics + sum(PRICES.get(name, 0.0) * times for name, times in self.calls.items())


def live_parts(text: str) -> list[tuple[str, float]]:
    """The parts of a page that are looked at again, with the seconds between two looks."""
    found = re.findall(r'hx-get="([^"]+)" hx-trigger="(?:load, )?every (\d+)s"', text)
    return [(path.replace("&amp;", "&"), float(seconds)) for path, seconds in found if path not in EXCLUDED]


@pytest.fixture
def chain(example_stack: DeployedStack) -> DeployedStack:
    """A stack with some stores."""
    catalogue = Catalogue(example_stack)
    for number in range(STORES):
        catalogue.enrol(f"s{number}")
    example_stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}
    example_stack.__dict__["resources"] = {}
    return example_stack


@pytest.mark.slow
@pytest.mark.parametrize("title", [page.title for page in PAGES])
def test_open_page_costs_little(chain: DeployedStack, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    """A page that stays open for an hour costs what the document says, and at most 0.05 USD."""
    [path] = [page.path for page in PAGES if page.title == title]
    with serving(lambda: chain, Options()) as desk:
        browser, clock = Browser(desk), [0.0]
        desk.kept._clock = lambda: clock[0]
        desk.kept.forget()
        watched = Watched(monkeypatch)
        first = browser.get(path).text
        parts = live_parts(first)
        looks = sorted((seconds * number, part) for part, seconds in parts for number in range(int(WATCHED // seconds)))
        for at, part in looks:
            clock[0] = at
            browser.get(part)
        cost = watched.usd * 3600 / WATCHED
    stated = dict(re.findall(r"^\| (\w+) \| ([\d.]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert cost <= LIMIT
    assert cost <= float(stated[title]) * 1.1
