"""The products of one store, and what a line of a PUT makes of them (docs/platform.md 6)."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tools.local.simulated_platform.catalogue_call import Line
from tools.local.simulated_platform.catalogue_records import Change, Habits, Job, Product


class Store:
    """A store whose catalogue is set up. ``queue`` holds its unfinished jobs, ``changes`` its history by SKU."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.code = vendor
        self.products: dict[str, Product] = {}
        self.queue: deque[Job] = deque()
        self.changes: dict[str, list[Change]] = {}
        self._skus: dict[str, str] = {}

    def stock(self, products: Iterable[Product], code: str) -> None:
        """Replace the products; ``code`` is the chain's name of the store."""
        self.code = code
        self.products = {product.sku: product for product in products}
        self._skus = {barcode: product.sku for product in self.products.values() for barcode in product.barcodes}

    def product(self, line: Line) -> Product | None:
        """The product that a line names; a barcode counts with every digit of it, and only without a SKU."""
        return self.products.get(line.sku or self._skus.get(line.barcode or "", ""))

    def take_single(self, product: Product, line: Line, habits: Habits, now: datetime) -> None:
        """Put the line of a call for one product into effect: its quantity has none."""
        self._change(product, line.price, _for_sale(line, product, habits, is_single=True), line.cap)
        self._note(product, now, now, None, line)

    def take(self, product: Product, line: Line, job: Job, habits: Habits, now: datetime) -> None:
        """Put the line of a job into effect."""
        self._change(product, line.price, _for_sale(line, product, habits, is_single=job.is_single), line.cap)
        self._note(product, now, job.accepted_at, job.job_id, line)

    def edit(self, sku: str, now: datetime, price: Decimal | None, active: bool | None, cap: int | None) -> None:
        """Change values as the platform's own people do. Raises KeyError for an unknown SKU."""
        self._change(self.products[sku], price, active, cap)
        self._note(self.products[sku], now, now, None, None)

    def _change(self, product: Product, price: Decimal | None, active: bool | None, cap: int | None) -> None:
        product.price = product.price if price is None else price
        product.active = product.active if active is None else active
        product.cap = product.cap if cap is None else cap

    def _note(
        self, product: Product, now: datetime, accepted_at: datetime, job_id: str | None, line: Line | None
    ) -> None:
        self.changes.setdefault(product.sku, []).append(Change(now, accepted_at, job_id, line, product.shown))


def _for_sale(line: Line, product: Product, habits: Habits, is_single: bool) -> bool:
    """Whether a product is for sale after a line."""
    quantity = None if is_single else line.quantity
    if line.active is False:
        return False
    if quantity is not None:
        return quantity >= product.buffer if habits.buffer_is_sold else quantity > product.buffer
    if line.active and (is_single or habits.true_alone_is_sold):
        return True
    return product.active
