"""The pictures of the desk in docs/images/: pages over a played hour, as a browser shows them."""

from pathlib import Path

from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.serving import serving
from tools.local.chromium import chromium, entered
from tools.local.metrics import Metrics
from tools.local.stack import Stack

WIDTH, HEIGHT = 1400, 880


def draw_desk(stack: Stack, metrics: Metrics, order_id: str, images: Path) -> None:
    """Write a picture of the flow, and one of an order. ``metrics`` were collected while the hour was played."""
    metrics.collect()
    size = {"width": WIDTH, "height": HEIGHT}
    with (
        serving(stack.deployed, Options()) as desk,
        chromium() as browser,
        entered(browser, desk.guard.address, viewport=size, color_scheme="light") as (page, _),
    ):
        host = page.url.rstrip("/")
        for name, path in (("desk-now", "/"), ("desk-order", f"/orders/{order_id}")):
            page.goto(host + path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=images / f"{name}.png")
