"""The numbers of docs/guarantees.md, and those of the README's guarantees, are the code's and the templates'."""

import re
from datetime import timedelta

import pytest

from partner_orders.catalogue import decided, job, settlement
from partner_orders.consumer.intake import backoff_seconds
from partner_orders.order_events.message import MAX_BODY_BYTES
from partner_orders.orders import event, fields, model, table
from partner_orders.platform import http, request_budget, responses, webhook_secret
from partner_orders.platform.rate_limit import RateLimit, workers_share
from partner_orders.reconciler import windows
from partner_orders.sender import turn
from partner_orders.stores import table as stores_table
from partner_orders.webhook import refusals
from tests.support.template import CATALOGUE, TEMPLATE, Template, expanded

DAY, HOUR = 86_400, 3_600
# Statuses, names and examples.
NO_NUMBER = re.compile(
    r"\b(?:200|202|401|404|413|429|503|[245]xx|4xx|5xx|UTF-8|S3)\b|ADR \d+|`[^`]*`|<[^>]*>|\bPython 3\.\d+"
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def seconds(time: timedelta) -> int:
    return round(time.total_seconds())


def of_orders(template: Template) -> dict[str, str]:
    """The words of the page that have a number of the orders stack in them, and the same made of the code."""
    queue, dead = template.properties("OrderEventsQueue"), template.properties("OrderEventsDeadLetters")
    tries, kept = queue["RedrivePolicy"]["maxReceiveCount"], queue["MessageRetentionPeriod"] // DAY
    shortest = sum(backoff_seconds(attempt, 0.0) for attempt in range(1, tries)) // HOUR
    longest, first = backoff_seconds(tries, 1.0) // 60, backoff_seconds(1, 1.0)
    lag = template.properties("OrderEventsSlowAlarm")
    stage = template.properties("OrderEventsApiApiGatewayDefaultStage")["DefaultRouteSettings"]
    schedule = str(template.parameters["ReconciliationSchedule"]["Default"]).removeprefix("rate(")[:-1]
    retry, refresh = round(webhook_secret.RETRY_SECONDS), round(webhook_secret.REFRESH_EVERY_SECONDS)
    history, limit = round(windows.PLATFORM_HISTORY / timedelta(days=1)), responses.MAX_BODY_BYTES >> 20
    return {
        "14 days after the event came": f"{dead['MessageRetentionPeriod'] // DAY} days after the event came",
        "80 tries over at least 6 hours": f"{tries} tries over at least {min(shortest, 6)} hours",
        "after 80 tries": f"after {tries} tries",
        "95 of 100 events are in the table within 5 s": f"{lag['ExtendedStatistic'][1:]} of 100 events are in the "
        f"table within {lag['Threshold']} s",
        "262,144 bytes": f"{MAX_BODY_BYTES:,} bytes",
        "up to 20 of them": f"up to {event.MAX_PROBLEMS} of them",
        "before 2010 or from 2100 on": f"before {fields.FIRST_TIME:%Y} or from {fields.END_OF_TIME:%Y} on",
        "more than 60 days after": f"more than {model.LONGEST_LIFE.days} days after",
        "14 days after its last new event": f"{table.LEAST_RETENTION.days} days after its last new event",
        "next event after a minute": f"next event after {in_words(seconds(stores_table.FRESH))}",
        "tried again after 5 s": f"tried again after {retry} s",
        "it is tried every 5 s": f"it is tried every {retry} s",
        "at most 10 lines a minute": f"at most {refusals.LINES_A_MINUTE} lines a minute",
        "at most once a minute": f"at most once {in_words(refresh)}",
        "after up to 5 s, then after delays that double up to 15 minutes": f"after up to {first} s, then after delays "
        f"that double up to {longest} minutes",
        "the queue for 4 days": f"the queue for {kept} days",
        "after 4 days, states": f"after {kept} days, states",
        "unless it lasts 60 days": f"unless it lasts {history} days",
        "more than 60 days ago": f"more than {history} days ago",
        "500 requests a second, bursts of 1,000": f"{stage['ThrottlingRateLimit']} requests a second, bursts of "
        f"{stage['ThrottlingBurstLimit']:,}",
        "inflates beyond 8 MiB": f"inflates beyond {limit} MiB",
        "after 40 s or 8 MiB": f"after {http.RESPONSE_SECONDS:.0f} s or {limit} MiB",
        "each store every 5 minutes": f"each store every {schedule}",
        "60 requests a minute": f"{template.parameters['RateLimitPerMinute']['Default']} requests a minute",
        "more than 15 minutes old": f"more than {seconds(windows.OVERLAP) // 60} minutes old",
    }


def of_answers_and_catalogue(catalogue: Template) -> dict[str, str]:
    """The same of what answers orders, and of the catalogue's stack."""
    executions = len(catalogue.of_type("AWS::Lambda::Function"))
    return {
        "in any 60 seconds": f"in any {seconds(request_budget.WINDOW)} seconds",
        "half a minute apart": f"{in_words(seconds(turn.SURE_AFTER))} apart",
        "no such order for ten minutes": f"no such order for {in_words(seconds(turn.GONE_AFTER))}",
        "within 30 minutes, the newest": f"within {seconds(job.GIVE_UP_AFTER) // 60} minutes, the newest",
        "the last 24 hours": f"the last {seconds(settlement.PRICE_WINDOW) // HOUR} hours",
        "kept for 400 days": f"kept for {decided.KEPT.days} days",
        "at most four concurrent executions, five with SFTP": f"at most {NUMERALS[executions - 1]} concurrent "
        f"executions, {NUMERALS[executions]} with SFTP",
    }


# Of the platform, or of AWS.
FACTS = ("retries up to 5 times", "gives up after 5 retries", "Lambda's 6 MB", "some 700 stores", "some 500 bytes")
NUMERALS = ("none", "one", "two", "three", "four", "five", "six")


def in_words(number: int) -> str:
    """A number of seconds as the page says it."""
    return {30: "half a minute", 60: "a minute", 600: "ten minutes"}.get(number, f"{number} s")


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What the page says in numbers, and what the code says instead."""
    return of_orders(expanded()) | of_answers_and_catalogue(expanded(CATALOGUE)) | {fact: fact for fact in FACTS}


def pages() -> dict[str, str]:
    """The text of guarantees.md, and of the README's section of the same."""
    page = (TEMPLATE.parent / "docs" / "guarantees.md").read_text(encoding="utf-8")
    readme = (TEMPLATE.parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## What it guarantees\n")[2].partition("\n## ")[0]
    shown = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for text in (page, section))
    return dict(zip(("guarantees.md", "README.md"), (" ".join(text.split()) for text in shown), strict=True))


def test_numbers_are_the_codes(said: dict[str, str]) -> None:
    """Each number of the page is what the code or a template has."""
    page = pages()["guarantees.md"]
    assert [words for words in said if words not in page] == []
    assert [*said] == [*said.values()]


@pytest.mark.parametrize("name", ["guarantees.md", "README.md"])
def test_every_number_is_compared(said: dict[str, str], name: str) -> None:
    """No number stands on the pages that is not compared with the code."""
    text = NO_NUMBER.sub("", pages()[name])
    for words in sorted([*said, "up to 60 days back"], key=len, reverse=True):
        text = text.replace(words, "")
    assert NUMBER.findall(text) == []


def test_history_of_the_readme_is_the_codes() -> None:
    """The README says how far back orders are fetched. It is half an hour less."""
    days = round(windows.PLATFORM_HISTORY / timedelta(days=1))
    assert f"up to {days} days back" in pages()["README.md"]
    assert timedelta(0) <= timedelta(days=days) - windows.PLATFORM_HISTORY <= timedelta(hours=1)


def test_round_of_700_stores_takes_a_quarter_of_an_hour() -> None:
    """A round of some 700 stores, with a request each, takes about as long as the page says."""
    limit = expanded().parameters["RateLimitPerMinute"]["Default"]
    assert "With some 700 stores that becomes a quarter of an hour" in pages()["guarantees.md"]
    assert 10 < 700 / workers_share(limit) <= 15
    slept: list[float] = []
    requests = RateLimit(workers_share(limit), lambda: sum(slept), slept.append)
    for _ in range(700):
        assert requests.wait(60)
        requests.record()
    assert 10 * 60 < sum(slept) <= 15 * 60
