"""The products of every store as the chain wants them, in the catalogue's own table."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.update import Update, absent, equals
from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import attributes_of, desired_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_TRIED = 4  # rows of a shard
# Attributes that a write sets, or removes where the product has none of them.
_ATTRIBUTES = (
    *("price", "active", "quantity", "cap", "version", "versions"),
    *("confirmed", "refused", "refusal", "past_prices", "settled_at"),
)
# Rows of a page: a whole one of 1 MB takes some 40 MB of memory.
_READ_TOGETHER = 1_000


class ProductsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def all_of(self, store_id: str) -> Iterator[Desired]:
        """The products of a store, in no order, a shard after the other. Eventually consistent: half a read unit for
        4 KB of rows."""
        for number in range(keys.SHARDS):
            yield from self.of_shard(store_id, number)

    def of_shard(self, store_id: str, number: int, consistent: bool = False) -> Iterator[Desired]:
        """The products of a shard of a store, in the order of the bytes of their SKUs."""
        place, skus = keys.shard(store_id, number), Range(prefix=keys.SKU)
        rows = self._table.query(place, skus, consistent=consistent, page_size=_READ_TOGETHER)
        yield from map(desired_of, rows)

    def many(self, store_id: str, skus: Iterable[str]) -> dict[str, Desired]:
        """The products that are there, by SKU; consistent. One request for each hundred."""
        wanted = (keys.product(store_id, sku) for sku in dict.fromkeys(skus))
        return {row.sku: row for row in map(desired_of, self._table.get_many(wanted, consistent=True))}

    def another(self, store_id: str, sku: str, suits: Callable[[Desired], bool] = lambda _: True) -> Desired | None:
        """Some other product of the store that suits; None if none of the first ones does. Reads a few rows of a shard,
        of each until it finds one."""
        for number in range(keys.SHARDS):
            rows = self._table.query(keys.shard(store_id, number), Range(prefix=keys.SKU), limit=_MOST_TRIED)
            for product in map(desired_of, rows):
                if product.sku != sku and suits(product):
                    return product
        return None

    def change(
        self, store_id: str, sku: str, change: Callable[[Desired], Desired], known: Desired | None = None
    ) -> tuple[Desired, Desired]:
        """Change a product, and make it where there is none: the product before and after. ``change`` is asked again
        with the newest row where another writer was faster, and writes nothing where it gives back what it got.
        ``known`` spares a read: the product as it was read lately."""
        key = keys.product(store_id, sku)
        if known is None:
            known = _desired(self._table.get(key), sku)
        while True:
            result = change(known)
            if result == known:
                return known, result
            try:
                self._table.update(key, _write(known, result), row_on_failure=True)
            except ConditionFailedError as error:
                known = _desired(error.row, sku)
            else:
                return known, result


def _write(known: Desired, result: Desired) -> Update:
    """The write of a product that nobody wrote since it was read."""
    attributes = attributes_of(result)
    update = Update().set("writes", known.writes + 1)
    update.set_all({name: attributes.get(name) for name in _ATTRIBUTES})
    return update.only_if(equals("writes", known.writes) if known.writes else absent("pk"))


def _desired(row: Row | None, sku: str) -> Desired:
    return Desired(sku) if row is None else desired_of(row)
