"""What is told of the stores of a promotion that take none now."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.store_settings import CatalogueSettings

_NAMED = 5  # stores in a warning


def store_warnings(store_ids: Collection[str], settings: Mapping[str, CatalogueSettings]) -> Iterator[str]:
    """A sentence about each kind of store that a promotion names and that is not switched on."""
    off = sorted(name for name in store_ids if name in settings and not settings[name].is_promoting)
    by_files = {name for name in store_ids if name in settings and settings[name].channel is Channel.FILES}
    yield from _told(
        sorted({*store_ids} - settings.keys()),
        "not in the catalogue: nothing is sent before `partner-orders catalogue set {store}` and `partner-orders"
        " promotions resume {store}`.",
    )
    yield from _told(
        [name for name in off if name not in by_files],
        "switched off for promotions: nothing is sent before `partner-orders promotions resume {store}`.",
    )
    yield from _told(
        [name for name in off if name in by_files],
        "left out of the files until `partner-orders promotions resume {store}`.",
    )
    yield from _told(
        sorted(name for name in by_files if not settings[name].is_sending),
        "paused, and left out of the files until `partner-orders files on {store}`.",
    )


def _told(store_ids: Sequence[str], what: str) -> Iterator[str]:
    """``what`` may name the store; of several it names none."""
    if store_ids:
        more = f" and {len(store_ids) - _NAMED:,} more" if len(store_ids) > _NAMED else ""
        is_one = len(store_ids) == 1
        named = f"{'Store' if is_one else 'Stores'} {', '.join(store_ids[:_NAMED])}{more}"
        yield f"{named} {'is' if is_one else 'are'} {what.format(store=store_ids[0] if is_one else 'STORE')}"
