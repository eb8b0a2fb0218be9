"""Nobody but the browser that the desk was opened in uses it: each rule of the guard, attacked."""

import http.client
import re
import socket
from collections.abc import Callable
from http.cookiejar import Cookie
from urllib.parse import urlsplit

import pytest
import requests

from partner_orders_console.desk.guard import HEADERS
from tests.support.desk import Browser

PATHS = ("/", "/orders", "/static/desk.js", "/changes/discard-rejected", "/nothing")


def asked(browser: Browser, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage]:
    """The status of a request with exactly these headers, and the headers of its answer."""
    connection = http.client.HTTPConnection(browser.desk.guard.host, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def held(browser: Browser) -> Cookie:
    """The cookie that the browser got."""
    [one] = iter(browser.session.cookies)
    return one


def cookie(browser: Browser) -> str:
    return f"{held(browser).name}={held(browser).value}"


@pytest.mark.parametrize("path", PATHS)
def test_nothing_without_the_cookie(browser: Browser, path: str) -> None:
    """Without the cookie every page, file and change is 403, and so it is with a wrong one."""
    host, name = browser.desk.guard.host, browser.desk.guard.cookie
    for headers in ({}, {"Cookie": f"{name}=wrong"}, {"Cookie": f"{name}="}, {"Cookie": "x" * 9_000}):
        assert asked(browser, path, Host=host, **headers)[0] == 403


def test_cookie_opens_pages_and_files(browser: Browser) -> None:
    """With the cookie, pages and files are there."""
    for path in ("/", "/static/desk.js"):
        assert asked(browser, path, Host=browser.desk.guard.host, Cookie=cookie(browser))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:{port}", "127.0.0.1:1", "[::1]:{port}", ""])
def test_wrong_host_is_refused(browser: Browser, host: str) -> None:
    """A name that an attacker points to this machine is not the desk's, even with the cookie."""
    wrong = host.format(port=browser.desk.guard.host.partition(":")[2])
    assert asked(browser, "/", Host=wrong, Cookie=cookie(browser))[0] == 403
    assert asked(browser, f"/enter?token={browser.desk.guard.token}", Host=wrong)[0] == 403


def test_missing_or_repeated_host_is_refused(browser: Browser) -> None:
    """A request without a Host, or with two, gets nothing."""
    host = browser.desk.guard.host
    for lines in (b"", f"Host: {host}\r\nHost: evil.example\r\n".encode()):
        with socket.create_connection(tuple(host.split(":")), timeout=10) as connection:  # type: ignore[arg-type]
            connection.sendall(b"GET / HTTP/1.1\r\n" + lines + f"Cookie: {cookie(browser)}\r\n\r\n".encode())
            assert connection.recv(100).split()[1] in {b"400", b"403"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_pages_of_others_are_refused(browser: Browser, headers: dict[str, str]) -> None:
    """What another page makes the browser send is 403, whatever it asks for, although the cookie comes along."""
    for method, path in (("GET", "/"), ("POST", "/changes/discard-rejected"), ("GET", "/now/flow")):
        assert asked(browser, path, method, Host=browser.desk.guard.host, Cookie=cookie(browser), **headers)[0] == 403


def test_change_needs_origin_and_form_token(browser: Browser) -> None:
    """A change without an Origin is refused, and one whose form is not the desk's."""
    url = f"{browser.origin}/changes/discard-rejected"
    assert browser.session.post(url, data={"form_token": browser.desk.guard.form_token}, timeout=10).status_code == 403
    for token in ({}, {"form_token": "wrong"}):
        answer = browser.session.post(url, data=token, headers={"Origin": browser.origin}, timeout=10)
        assert (answer.status_code, "not one of this desk" in answer.text) == (403, True)


def test_token_is_good_once(browser: Browser) -> None:
    """The address opens the desk for one browser. For another it is 403, as with a wrong token or none."""
    guard = browser.desk.guard
    for path in (f"/enter?token={guard.token}", "/enter?token=wrong", "/enter", f"/enter?token={guard.token}&token=x"):
        assert requests.get(browser.origin + path, timeout=10, allow_redirects=False).status_code == 403
    again = browser.session.get(guard.address, timeout=10, allow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_cookie_is_of_this_desk_alone(open_desk: Callable[..., Browser], browser: Browser) -> None:
    """The cookie has a name of its own, is not for scripts, and is sent to no other site's requests."""
    other = open_desk()
    assert other.desk.guard.cookie != browser.desk.guard.cookie
    assert asked(browser, "/", Host=browser.desk.guard.host, Cookie=cookie(other))[0] == 403
    assert (held(browser).path, held(browser).domain) == ("/", "127.0.0.1")
    assert held(browser).has_nonstandard_attr("HttpOnly")
    assert held(browser).get_nonstandard_attr("SameSite") == "Strict"


@pytest.mark.parametrize("path", ["/", "/static/desk.css", "/orders/nothing", "/enter"])
def test_every_answer_has_the_headers(browser: Browser, path: str) -> None:
    """No answer is stored, framed or sniffed, tells where it was, or runs or loads what is not the desk's."""
    answer = browser.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_pages_have_nothing_inline_or_foreign(browser: Browser) -> None:
    """No page has a script, a style or a handler of its own, and none names an address elsewhere."""
    for path in ("/", "/orders", "/reconciliation", "/trouble", "/stores", "/answers", "/changes"):
        answer = browser.get(path)
        text = answer.text
        assert answer.status_code == 200, path
        assert re.findall(r"<script(?![^>]*\ssrc=\"/static/)|<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
        assert [url for url in re.findall(r'(?:src|href)="([^"]+)"', text) if urlsplit(url).netloc] == []


def test_desk_listens_on_loopback_only(browser: Browser) -> None:
    """The desk is at 127.0.0.1 and at no other address of this machine."""
    host, port = browser.desk.guard.host.split(":")
    assert host == "127.0.0.1"
    with pytest.raises(OSError):  # noqa: PT011 (refused, or unreachable)
        socket.create_connection(("127.0.0.2", int(port)), timeout=2).close()
