"""A real browser on this machine: Chromium, headless, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# It looks for nothing on the internet, and may run as root.
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the context ends. Raises playwright's error if there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def entered(browser: Browser, address: str, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page that has entered a desk, and the errors that it and its console told."""
    context = browser.new_context(**options)
    page, errors = context.new_page(), list[str]()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    try:
        yield page, errors
    finally:
        context.close()
