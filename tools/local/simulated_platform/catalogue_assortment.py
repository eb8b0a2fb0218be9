"""Believable assortments: the products of a store, the same ones for the same seed."""

import random
from decimal import Decimal

from tools.local.simulated_platform.catalogue_records import Product

_GOODS = {
    "drinks": ("Orange juice", "Sparkling water", "Iced tea", "Mango nectar"),
    "dairy": ("Yoghurt", "Fresh milk", "Feta", "Salted butter"),
    "pantry": ("Basmati rice", "Lentils", "Olive oil", "Honey"),
    "household": ("Dish soap", "Paper towels", "Candles", "Laundry powder"),
}
_SIZES = ("250 g", "500 g", "1 L", "pack of 6")
# Each leaf with the branch it belongs to.
CATEGORIES = {"food": None, "home": None, "drinks": "food", "dairy": "food", "pantry": "food", "household": "home"}


def assortment(seed: int, vendor: str, count: int, locale: str) -> list[Product]:
    """``count`` products of a store, their titles in one ``locale`` such as en_PK. SKUs begin with the store's id.
    Every third barcode has a leading zero, and every fifth product has two barcodes."""
    chance = random.Random(f"assortment/{seed}/{vendor}")
    return [_product(chance, vendor, number, locale) for number in range(1, count + 1)]


def _product(chance: random.Random, vendor: str, number: int, locale: str) -> Product:
    category = chance.choice([*_GOODS])
    barcodes = [f"{'0' if number % 3 == 0 else ''}50{chance.randrange(10**4):04d}{number:07d}"]
    if number % 5 == 0:
        barcodes.append(f"51{chance.randrange(10**4):04d}{number:07d}")
    return Product(
        sku=f"{vendor}-{number:05d}",
        barcodes=tuple(barcodes),
        title={locale: f"{chance.choice(_GOODS[category])} {chance.choice(_SIZES)}"},
        price=Decimal(chance.randrange(50, 50_000)).scaleb(-2),
        active=chance.random() < 0.9,
        cap=chance.choice([None, None, 6, 12]),
        buffer=chance.choice([0, 1, 1, 3]),
        category=category,
    )
