"""A rejected event as its page shows it: what is wrong, whose it is, and a body that people can read."""

from collections.abc import Callable

from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected import digest_of
from partner_orders_console.operations.stack import DeployedStack
from tests.support.desk import Browser
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order


def kept(stack: DeployedStack, body: bytes, reason: str, problem: str) -> str:
    """The page of an event that was rejected."""
    stack.rejected.keep(body, Arrival("webhook", NOW), reason, [problem])
    return f"/trouble/rejected/{digest_of(body)}"


def test_event_links_to_its_order(browser: Browser, stack: DeployedStack, store_order: Callable[..., None]) -> None:
    """An event leads to the order and the store that its body names; what we do not have is only named."""
    body = order(12)
    del body["status"]
    path = kept(stack, as_bytes(body), "not_an_order", "status: Field required")
    said = browser.text(path)
    assert "0417 (not stored)" in said
    assert "(not registered)" in said
    store_order(order(12))
    browser.desk.kept.forget()
    page = browser.get(path).text
    assert f'href="/orders/{body["order_id"]}"' in page
    assert 'href="/stores/q7xk"' in page


def test_event_without_order_id_leads_to_its_code(
    browser: Browser, stack: DeployedStack, store_order: Callable[..., None]
) -> None:
    """An event whose order_id cannot be read leads to the search for its code, which finds the stored order."""
    store_order(order(12))
    path = kept(stack, as_bytes(order(12, order_id=7)), "not_an_order", "order_id: Input should be a valid string")
    assert "the field order_id should be a text" in browser.text(path)
    assert 'href="/orders?id=0417&amp;store=q7xk"' in browser.get(path).text
    assert "not stored" not in browser.text(path)
    assert browser.get("/orders?id=0417&store=q7xk").url.endswith(f"/orders/{order(12)['order_id']}")


def test_cut_body_says_where_it_ends(browser: Browser, stack: DeployedStack) -> None:
    """Of a body that breaks off it is said how long it is, and that the fault is at its end."""
    path = kept(stack, b'{"order_id": "a", ', "malformed_json", "not JSON (at character 18)")
    assert "not JSON (at character 18 of 18, it ends there)" in browser.text(path)
    path = kept(stack, b'{"order_id": "a', "malformed_json", "not JSON (at character 13)")
    assert "(at character 13 of 15, it breaks off in the text that begins there)" in browser.text(path)
    path = kept(stack, b"{]}" + b"x" * 2_000, "malformed_json", "not JSON (at character 1)")
    assert "not JSON (at character 1 of 2,003)" in browser.text(path)


def test_letters_of_any_script_are_shown(browser: Browser, stack: DeployedStack) -> None:
    """A name is shown in its own letters; marks that nobody sees or that turn text around are written out."""
    body = order(12, order_code="\u062e\u0628\u0632\u202e\u200f")
    body["items"][0]["name"] = "\u062e\u0628\u0632 <b>\u2066"
    del body["status"]
    text = browser.get(kept(stack, as_bytes(body), "not_an_order", "status: Field required")).text
    assert "\u062e\u0628\u0632 &lt;b&gt;\\u2066" in text
    assert "\u062e\u0628\u0632\\u202e\\u200f" in text
    assert not {*"\u202e\u2066"} & {*text}
