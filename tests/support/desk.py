"""A desk as a browser sees it, over HTTP."""

import re
from html import unescape
from typing import Any

import requests

from partner_orders_console.desk.desk import Desk

_FORM = re.compile(r'<form[^>]*action="(/changes/[^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Browser:
    """Has entered a desk; sends what a browser sends with a request from one of the desk's pages."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.origin = f"http://{desk.guard.host}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.get(desk.guard.address, timeout=10, allow_redirects=False).raise_for_status()

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.origin + path, headers=headers, timeout=20)

    def text(self, path: str) -> str:
        """What a page says, without its markup."""
        return shown(self.get(path).text)

    def post(self, path: str, **fields: str) -> requests.Response:
        headers = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        form = {"form_token": self.desk.guard.form_token, **fields}
        return self.session.post(self.origin + path, data=form, headers=headers, timeout=30)

    def change(self, action: str, **fields: str) -> str:
        """Ask for a change, say yes, and give what it did; or why it was not asked about."""
        asked = self.post(f"/changes/{action}", step="ask", **fields)
        if asked.status_code != requests.codes.ok:
            return shown(asked.text)
        [(path, form)] = [found for found in _FORM.findall(asked.text) if found[0] == f"/changes/{action}"]
        wanted = {name: unescape(value) for name, value in _FIELD.findall(form)}
        done = self.post(path, **{name: value for name, value in wanted.items() if name != "form_token"})
        return shown(asked.text) + shown(done.text)


def shown(html: str) -> str:
    """The text of a page in one line."""
    body = re.sub(r"<head>.*?</head>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def facts(html: str) -> dict[str, Any]:
    """The definitions of a page, by term."""
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    return {shown(term).strip(): shown(value).strip() for term, value in pairs}
