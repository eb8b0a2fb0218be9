"""What is printed: names and texts that come from outside are shown, and do nothing."""

import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from partner_orders.clock import now, to_text
from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.cli.output import counted
from partner_orders_console.operations.spreadsheet import csv_cell, from_csv_cell
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import order
from tests.support.sampling import every

type Run = Callable[..., Ran]
type StoreOrder = Callable[..., None]

MARKUP = ("[red]x[/red]", "\\[red]x\\[/red]", "[/]", "[link=https://example.com]x[/link]")
OBEYED = ("\x1b[2J", "\x9b2J", "\r", "\b", "\x1b]0;title\x07", "\u202e", "\u2028")


@pytest.mark.parametrize("name", MARKUP)
def test_markup_in_names_is_printed_as_is(run: Run, store_order: Callable[..., None], name: str) -> None:
    """Names that look like markup are printed as they are."""
    body = order()
    body["client"]["name"] = body["items"][0]["name"] = name
    store_order(body)
    assert name in run("stores", "list").out
    assert run("orders", "show", order()["order_id"]).out.count(name) == 2


@pytest.mark.parametrize("text", every(3, [*OBEYED, "two\nlines"], first=1))
def test_control_characters_are_escaped(
    run: Run, stack: DeployedStack, store_order: Callable[..., None], text: str
) -> None:
    """Characters that a terminal would obey are printed escaped."""
    body = order(order_code=text)
    body["client"]["name"] = body["items"][0]["name"] = f"a{text}b"
    store_order(body)
    stack.rejected.keep(f"a{text}b".encode(), Arrival("webhook", NOW), "malformed_json", [text])
    digest = stack.rejected.newest()[0].digest
    shown = [
        *(run("stores", "list"), run("orders", "show", order()["order_id"]), run("orders", "list", "--open")),
        *(run("rejected", "list"), run("rejected", "show", digest)),
    ]
    if text != "two\nlines":  # A body, or an operator's own word, may have lines.
        shown += [run("rejected", "show", digest, "--show-personal-data"), run("orders", "find", f"a{text}b")]
    assert not [ran for ran in shown if text in ran.out + ran.err]
    assert "a" + text.encode("unicode_escape").decode() + "b" in shown[0].out


def test_times_have_one_format(run: Run, stack: DeployedStack) -> None:
    """Times of the table are printed as all others."""
    stack.rejected.keep(b"no order", Arrival("webhook", NOW), "malformed_json", ["not JSON"])
    rejected = run("rejected", "show", stack.rejected.newest()[0].digest)
    assert (f"{NOW:%Y-%m-%d %H:%M:%S}" in rejected.out, to_text(NOW) in rejected.out) == (True, False)
    assert rejected.err.endswith("times in UTC\n")
    assert run("secrets", "status").err.endswith("times in UTC\n")


def test_lone_surrogate_is_printed_escaped(run: Run, stack: DeployedStack) -> None:
    """A lone surrogate in the name of a line is printed escaped and is no error."""
    body = order()
    body["items"][0]["name"] = "half \ud83d"
    stack.orders.write([(parse_event(json.dumps(body).encode()), Arrival("webhook", NOW))])
    ran = run("orders", "show", order()["order_id"])
    assert (ran.status, "half \\ud83d" in ran.out) == (0, True)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", "'=1", "'", "plain", ""])
def test_csv_cell_is_safe_and_reversible(text: str) -> None:
    """A CSV cell never runs as a formula, and is read back unchanged."""
    cell = str(csv_cell(text))
    assert cell[:1] not in ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"]
    assert from_csv_cell(cell) == text


@pytest.mark.parametrize(("number", "said"), [(0, "0 orders"), (1, "1 order"), (2, "2 orders")])
def test_counts_agree_in_number(number: int, said: str) -> None:
    """A count of one is printed in the singular, all others in the plural."""
    assert counted(number, "order") == said


def test_silent_host_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not respond is named, without the secrets of its URL."""

    def asks(_: Any) -> DeployedStack:
        requests.get("http://user:a-secret@127.0.0.1:1/?token=a-secret", timeout=5)
        raise AssertionError

    monkeypatch.setattr(DeployedStack, "find", asks)
    ran = run("stores", "list", "--json")
    assert (ran.status, ran.out) == (1, "")
    assert "127.0.0.1 does not respond: ConnectionError" in ran.err
    assert "partner-orders doctor" in ran.err
    assert "a-secret" not in ran.err
    assert "file" not in ran.err


@pytest.mark.parametrize(
    ("code", "off", "said"),
    [
        ("SignatureDoesNotMatch", 901, "clock is 901 s behind"),
        ("InvalidSignatureException", -3600, "clock is 3600 s ahead"),
        ("RequestExpired", 901, "clock is 901 s behind"),
        ("RequestTimeTooSkewed", 901, "clock is 901 s behind"),
        ("SignatureDoesNotMatch", 20, "secret key is wrong"),
        ("InvalidSignatureException", None, "secret key is wrong"),
    ],
)
def test_signature_error_names_clock_or_key(
    run: Run, monkeypatch: pytest.MonkeyPatch, code: str, off: int | None, said: str
) -> None:
    """A rejected signature is explained by a wrong clock or a wrong secret key."""
    began = now().replace(microsecond=0)
    monkeypatch.setattr("partner_orders_console.operations.doctor.clock.now", lambda: began)
    headers = {} if off is None else {"date": format_datetime(began + timedelta(seconds=off), usegmt=True)}

    def asks(_: Any) -> DeployedStack:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": headers}}
        raise ClientError(answer, "DescribeStacks")

    monkeypatch.setattr(DeployedStack, "find", asks)
    ran = run("doctor")
    assert (ran.status, ran.out) == (1, "")
    assert code in ran.err
    assert said in ran.err
    assert "console" not in ran.err


def test_empty_list_says_it_searched_today(run: Run, store_order: StoreOrder) -> None:
    """An empty list of today's orders says that older orders were not searched, and how to find them."""
    store_order(order())
    listed = run("orders", "list")
    assert "only today was searched" in listed.err
    assert "orders find ID" in listed.err
    assert "only today" not in run("orders", "list", "--day", "2026-10-13").err


def test_empty_open_list_says_how_far_it_went(run: Run) -> None:
    """An empty list of open orders says that it went back 60 days; with a day it does not."""
    assert "only orders of the last 60 days" in run("orders", "list", "--open").err
    assert "60 days" not in run("orders", "list", "--open", "--day", "2026-10-13").err


def test_misspelled_status_is_pointed_out(run: Run, store_order: StoreOrder) -> None:
    """A status that nobody knows may be new, or misspelled: the list says so."""
    store_order(order())
    assert "is it spelled right" in run("orders", "list", "--day", "2026-10-14", "--status", "CANCELED_").err
    assert "spelled" not in run("orders", "list", "--day", "2026-10-14", "--status", "canceled").err
