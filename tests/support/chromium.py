"""What tests ask of a page in a real browser: whether it is in shape, and a barrier to nobody."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tools.local.chromium import EXECUTABLE, chromium, entered

__all__ = ["chromium", "entered", "needs_chromium", "overflow", "violations"]

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
needs_chromium = pytest.mark.skipif(EXECUTABLE is None, reason="needs Chromium")


def violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a page. It is put there by the driver, past the page's policy."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{it['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for it in found["violations"]
        if it["impact"] in {"serious", "critical"}
        for node in it["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """The elements that stick out of the page's width, although nothing around them scrolls."""
    found: list[str] = page.evaluate(
        """() => {
            const wide = document.documentElement.clientWidth;
            const scrolls = (element) => element.closest(".wide, .json, .plot, svg, .skip, .hidden, textarea");
            return [...document.body.querySelectorAll("*")]
                .filter((element) => element.getBoundingClientRect().right > wide + 1 && !scrolls(element))
                .map((element) => element.outerHTML.slice(0, 150));
        }"""
    )
    return found
