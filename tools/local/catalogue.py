"""`make catalogue`: a store with 500 products on the simulated platform of `make up`, a till's lists of them, and a
promotion."""

import random
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from partner_orders.clock import now
from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, body_of
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.store_settings import set_store
from tools.local.chain import PIECES, UNKNOWN_SKU, WRONG_FACTOR
from tools.local.emulator import ROOT
from tools.local.orders import connect, platform
from tools.local.second_terminal import with_stack
from tools.local.simulated_platform.catalogue_records import plain
from tools.local.stack import Stack

PRODUCTS = 500
FIRST_STORE = 150_001  # above the ids of stores that have orders
SETTINGS = StoreSettings(currency="PKR", time_zone="Asia/Karachi")
LIST, CHANGES = ROOT / ".local" / "prices.csv", ROOT / ".local" / "prices-2.csv"
PROMOTION = ROOT / ".local" / "promotion.json"
PROMOTED = 3
HEADER = "sku,barcode,price,active,quantity"
# Of the whole list, each tenth price is new to the platform.
NEW_PRICE_EACH = 10
CHANGED = 5


class Product(NamedTuple):
    """A line of a till's list. ``price`` is in major units; an empty ``barcode`` says nothing."""

    sku: str
    barcode: str
    price: Decimal
    active: bool
    quantity: int

    @property
    def line(self) -> str:
        return f"{self.sku},{self.barcode},{plain(self.price)},{str(self.active).lower()},{self.quantity}"


class Changes(NamedTuple):
    """What the second list says: prices and stock that changed, and one price whose decimal sign slipped."""

    changed: list[Product]
    wrong: Product


def main() -> int:
    return with_stack(_open_store)


def _open_store(stack: Stack) -> int:
    # Callbacks have the secret of now.
    connect(stack)
    store_id = _next_store(stack)
    response = platform(stack, "POST", "catalogue-fill", {"vendor": store_id, "products": PRODUCTS})
    response.raise_for_status()
    set_store(stack.deployed(), store_id, SETTINGS)
    listed = whole_list(store_id, response.json()["products"])
    changes = changes_of(store_id, listed)
    write(LIST, listed)
    write(CHANGES, sorted([*changes.changed, changes.wrong]))
    promotion = promotion_of(store_id, listed, changes, now())
    PROMOTION.write_bytes(body_of(promotion))
    print(tour(store_id, listed, changes, promotion))
    return 0


def _next_store(stack: Stack) -> str:
    """A store that has no catalogue yet, so that nothing of it is confirmed."""
    response = platform(stack, "GET", "catalogue")
    response.raise_for_status()
    there = response.json()["shown"]
    return next(str(number) for number in count(FIRST_STORE) if str(number) not in there)


# -- the till's lists --------------------------------------------------------------------------------------------------


def whole_list(store_id: str, products: Iterable[dict[str, Any]]) -> list[Product]:
    """Every product of the platform as the till knows it, and one that the platform does not have."""
    chance = random.Random(f"till/{store_id}")
    listed = []
    for number, product in enumerate(products, start=1):
        price = Decimal(product["price"])
        listed.append(
            Product(
                sku=product["sku"],
                barcode=product["barcodes"][0],
                price=_raised(price) if number % NEW_PRICE_EACH == 0 else price,
                active=product["active"],
                quantity=chance.randint(*PIECES) if product["active"] else 0,
            )
        )
    return [*listed, Product(UNKNOWN_SKU, "", Decimal("1.95"), True, 6)]


def changes_of(store_id: str, listed: Sequence[Product]) -> Changes:
    """Some products that changed, the last one sold out, and one with a wrong price."""
    chance = random.Random(f"changes/{store_id}")
    for_sale = [product for product in listed if product.active and product.sku != UNKNOWN_SKU]
    *changed, wrong = chance.sample(for_sale, CHANGED + 1)
    dearer = [product._replace(price=_raised(product.price), quantity=chance.randint(*PIECES)) for product in changed]
    dearer[-1] = changed[-1]._replace(active=False, quantity=0)
    slipped = wrong._replace(price=wrong.price * WRONG_FACTOR, quantity=wrong.quantity + 1)
    return Changes(dearer, slipped)


def promotion_of(store_id: str, listed: Sequence[Product], changes: Changes, at: datetime) -> Promotion:
    """A week of some products for 80 % of their price. It begins when whoever follows the tour is there."""
    others = {product.sku for product in changes.changed} | {changes.wrong.sku, UNKNOWN_SKU, urgent_of(listed, changes)}
    chosen = [product for product in listed if product.active and product.sku not in others and product.price > 1]
    discounts = tuple(
        Discount((product.sku,), Subtype.FINAL_PRICE, round(product.price * Decimal("0.8"), 2))
        for product in chosen[:PROMOTED]
    )
    starts = at.replace(second=0, microsecond=0) + timedelta(hours=1)
    ends = starts + timedelta(days=7)
    return Promotion((store_id,), Kind.STRIKETHROUGH, "TRADING", {"en_PK": "Week of savings"}, starts, ends, discounts)


def urgent_of(listed: Sequence[Product], changes: Changes) -> str:
    """The product that goes off sale at once."""
    changed = {product.sku for product in changes.changed} | {changes.wrong.sku}
    return next(product.sku for product in listed if product.active and product.sku not in changed)


def _raised(price: Decimal) -> Decimal:
    """A price that is 5 % higher, too near to be held."""
    return max(round(price * Decimal("1.05"), 2), price + Decimal("0.01"))


def write(path: Path, products: Iterable[Product]) -> None:
    """Write a list as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *(product.line for product in products), ""]), encoding="utf-8")


# -- what to type ------------------------------------------------------------------------------------------------------


def tour(store_id: str, listed: Sequence[Product], changes: Changes, promotion: Promotion) -> str:
    """What is there now, and the commands to type, in their order."""
    first, second, third = (path.relative_to(ROOT) for path in (LIST, CHANGES, PROMOTION))
    wrong, changed = changes.wrong, {product.sku for product in changes.changed} | {changes.wrong.sku}
    right = next(product.price for product in listed if product.sku == wrong.sku)
    urgent = urgent_of(listed, changes)
    command, promotions = ".venv/bin/partner-orders catalogue", ".venv/bin/partner-orders promotions"
    slip = f"{plain(wrong.price)} there: the decimal sign of {plain(right)} slipped"
    return f"""\
Store {store_id} has {PRODUCTS} products on the simulated platform, and is registered with the stack. Its till wrote:

  {first}    every product, and {UNKNOWN_SKU}, which the platform does not know
  {second}  {len(changed)} products. {wrong.sku} costs {slip}
  {third}  {PROMOTED} products for 80 % of their price, for a week

You may edit these files. Type this, in this order:

  # Put the store into the catalogue, and keep 2 pieces of each product back. Nothing is sent yet
  {command} set {store_id} --safety-stock 2
  # See what the whole list would change, then load it. The loader begins each minute
  {command} load {first} --store {store_id} --whole --dry-run
  {command} load {first} --store {store_id} --whole
  # The guards had nothing to compare these prices with. Look at them, then have them sent
  {command} resume {store_id} --reason "first list checked"
  # Repeat this until no product is waiting, for up to 3 minutes. The platform refuses one product
  {command} show {store_id}
  {command} refused --store {store_id}
  # The prices are confirmed now: a guard holds the wrong one, and the rest of the second file is taken
  {command} load {second} --store {store_id} --changes --dry-run
  {command} load {second} --store {store_id} --changes
  {command} held --store {store_id}
  {command} drop {wrong.sku} --store {store_id} --reason "typing error"
  # Take a product off sale ahead of everything else, and ask the platform what it shows
  {command} urgent {store_id} {urgent} --off
  {command} show {store_id} {urgent} --ask
  # Put a promotion, and repeat the last command until it is done, for up to 3 minutes
  {promotions} resume {store_id} --why "first promotion"
  {promotions} put {third} --why "week of savings" --dry-run
  {promotions} put {third} --why "week of savings"
  {promotions} show {promotion.promotion_id}
  # End it for one product, then as a whole
  {promotions} end {promotion.promotion_id} {promotion.active_skus[0]} --why "sold out"
  {promotions} end {promotion.promotion_id} --why "enough saved"

The next `make catalogue` opens another store and overwrites these files. docs/catalogue.md and docs/promotions.md have
the details."""


if __name__ == "__main__":
    sys.exit(main())
