"""Two sequences of products in one order, so that those of the same SKU meet."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class HasSku(Protocol):
    """A product, whatever is known of it."""

    @property
    def sku(self) -> str: ...


def side_by_side[Left: HasSku, Right: HasSku](
    left: Iterable[Left], right: Iterable[Right]
) -> Iterator[tuple[Left | None, Right | None]]:
    """Both, together where they are of one product. Each is in the order of the bytes of its SKUs."""
    lefts, rights = iter(left), iter(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.sku.encode() < other.sku.encode()):
            yield one, None
            one = next(lefts, None)
        elif one is None or other.sku.encode() < one.sku.encode():
            yield None, other
            other = next(rights, None)
        else:
            yield one, other
            one, other = next(lefts, None), next(rights, None)
