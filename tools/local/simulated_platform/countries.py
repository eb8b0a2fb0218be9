"""The countries of the orders: names of shops, customers and goods, and prices."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    code: str
    numeric_ids: bool
    shop: str
    places: tuple[str, ...]
    city: str
    names: tuple[tuple[str, str], ...]
    phone: str
    products: tuple[tuple[str, float, bool], ...]  # name, price, weighed
    vat: float


COUNTRIES = (
    Country(
        "pk", False, "Greenbasket", ("Clifton", "Saddar", "Gulshan", "Korangi", "Defence"), "Karachi",
        (("Amna", "Raza"), ("Bilal", "Sheikh"), ("Zoya", "M."), ("Hassan", "")), "+9230012345",
        (("Full cream milk 1 L", 345, False), ("Basmati rice 5 kg", 1290, False), ("Bananas (by weight)", 420, True),
         ("Tea bags 100 pcs ☕", 615.5, False), ("Chicken breast (by weight)", 980, True),
         ("Jabón 3x90 g", 233.34, False)),
        18,
    ),
    Country(
        "sa", True, "Waha Market", ("Al Olaya", "An Nakheel", "Al Malqa", "Al Yasmin"), "Riyadh",
        (("Faisal", "Al-Harbi"), ("نورة", "العتيبي"), ("Sara", "K.")), "+9665000001",
        (("Labneh 500 g", 12, False), ("Sparkling water 330 ml", 6.5, False),
         ("Dates Sukkari (by weight)", 38.95, True),
         ("خبز عربي", 2.25, False), ("Lamb shoulder (by weight)", 64.9, True)),
        15,
    ),
    Country(
        "ar", True, "Mercado del Sur", ("Centro", "Pichincha", "Echesortu", "Fisherton"), "Rosario",
        (("Julieta", ""), ("Íñigo", "Muñoz"), ("Sofía", "Peña")), "+5493410001",
        (("Yerba mate 500 g", 1850, False), ("Sunflower oil 1.5 L", 3200, False),
         ("Beef roast (by weight)", 7400, True),
         ("Dulce de leche 400 g 🍮", 2190.9, False), ("Tomatoes (by weight)", 1310.55, True)),
        21,
    ),
)  # fmt: skip
# Of brands that no seed chooses by itself (profiles.py).
TURKEY = Country(
    "tr", False, "Mavi Market", ("Moda", "Bornova", "Cihangir", "Etimesgut"), "Istanbul",
    (("Ayşe", "Güneş"), ("Mert", "K."), ("Elif", ""), ("Şule", "Öztürk")), "+9053200001",
    (("Süt 1 L", 42.5, False), ("Ekmek", 15, False), ("Domates (by weight)", 39.9, True), ("Çay 500 g", 120, False)),
    10,
)  # fmt: skip
MOROCCO = Country(
    "ma", True, "Souk Express", ("Maarif", "Agdal", "Gueliz"), "Casablanca",
    (("Salma", "B."), ("Youssef", "El Amrani"), ("نادية", "")), "+2126000001",
    (("Lait 1 L", 8.5, False), ("Msemen", 3, False), ("Oranges (by weight)", 6.95, True), ("Thé vert", 22, False)),
    20,
)  # fmt: skip
