"""The platform changes products by itself, and its exports tell of it sooner than once a day."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from partner_orders.catalogue import keys
from tools.simulation.catalogue.chain import PLAIN, PRICES, STORES
from tools.simulation.catalogue.environment import chance_of

if TYPE_CHECKING:
    from tools.simulation.catalogue.world import CatalogueWorld

EDITED_EVERY = 90.0
# A price near the usual one, and one that no guard lets through.
NEAR, FAR = (Decimal("0.96"), Decimal("1.03"), Decimal("1.08")), (Decimal(7), Decimal("0.2"))


@dataclass(frozen=True)
class Edit:
    """What somebody at the platform changed. ``is_far``: a price that is far from every other."""

    store_id: str
    sku: str
    field: str
    value: Decimal | bool | int
    is_far: bool = False


def edit(world: "CatalogueWorld", chance: Random) -> Edit:
    """Change a value of a product, as the platform's own people do."""
    store_id, sku = chance.choice(STORES), chance.choice(PLAIN)
    name = chance.choice(["price", "price", "active", "cap"])
    is_far = name == "price" and chance.random() < 0.25
    values: dict[str, Decimal | bool | int] = {
        "price": round(PRICES[sku] * chance.choice(FAR if is_far else NEAR), 2),
        "active": not world.catalogue.shown(store_id)[sku].active,
        "cap": chance.choice([2, 5, 30]),
    }
    made = Edit(store_id, sku, name, values[name], is_far)
    world.catalogue.edit(store_id, sku, world.kernel.now(), **{name: values[name]})  # type: ignore[arg-type]
    world.edits.append(made)
    world.faults.story.append(f"the platform edits {store_id} {sku}: {name} {values[name]}")
    return made


def edit_for_as_long_as_there_is_trouble(world: "CatalogueWorld") -> None:
    """Now and then a product is edited, and now and then a store's export is due again."""
    chance = chance_of(world.seed, "edits")
    while not world.faults.over:
        world.kernel.sleep(EDITED_EVERY)
        if world.faults.strikes("platform_edits"):
            edit(world, chance)
        if world.faults.strikes("export_due"):
            forget_export(world, chance.choice(STORES))


def forget_export(world: "CatalogueWorld", store_id: str) -> None:
    """Let a day pass for a store's export: it is due at once, and all else goes on."""
    world.dynamodb.partitions(world.table).get(keys.STORES, {}).pop(keys.export(store_id).sk, None)
