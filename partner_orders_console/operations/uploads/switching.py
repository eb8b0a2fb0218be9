"""Which stores are sent by files. A store is sent by the API or by files, never by both."""

from dataclasses import replace
from datetime import datetime
from itertools import batched

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.desired import NOTHING, Desired, PriceInForce
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue.access import settings_of, write_settings
from partner_orders_console.operations.catalogue.switching import reason_given
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.uploads.places import Wanted, place_for
from partner_orders_console.operations.uploads.server import server_of
from partner_orders_console.operations.words import counted

_TOGETHER = 1_000  # products that are noted as changed at once


def planned_on(catalogue: CatalogueStack, store_id: str, wanted: Wanted) -> CatalogueSettings:
    """The settings of a store that is sent by files. Raises OperatorError where that may not be."""
    server_of(catalogue)
    before = settings_of(catalogue, store_id)
    if before.sends_by_api:
        raise OperatorError(
            f"the store {store_id} is sent by API, and the API and the files would overwrite each other",
            f'Pause it first: `partner-orders catalogue pause {store_id} --reason "to files"`.',
        )
    if before.channel is Channel.API and (unfinished := catalogue.tables.states.get(store_id).unfinished):
        raise OperatorError(
            f"{counted(len(unfinished), 'job')} of the API may still take effect in the store {store_id}",
            "Wait until it is settled, at most half an hour: `partner-orders catalogue show` shows it.",
        )
    place = place_for(catalogue, store_id, before.place, wanted)
    return replace(before, is_sending=True, channel=Channel.FILES, place=place)


def switch_on(
    catalogue: CatalogueStack, settings: CatalogueSettings, reason: str, progress: Progress = silent
) -> CatalogueSettings:
    """Send a store by files from now on. What the API had confirmed is confirmed no more, since files say other things
    from now on. Raises botocore's errors, and OperatorError without a reason."""
    reason_given(reason)
    before = settings_of(catalogue, settings.store_id)
    if before.channel is Channel.API:
        _note_all(catalogue, settings.store_id, progress)
    return _written(catalogue, settings, reason)


def planned_off(catalogue: CatalogueStack, store_id: str) -> CatalogueSettings:
    """The settings of a store that is no longer sent. Raises OperatorError for one that is not sent by files."""
    before = settings_of(catalogue, store_id)
    if before.channel is not Channel.FILES:
        raise OperatorError(
            f"the store {store_id} is not sent by files", "`partner-orders files status` shows which are."
        )
    return replace(before, is_sending=False, channel=Channel.API)


def switch_off(
    catalogue: CatalogueStack, settings: CatalogueSettings, reason: str, progress: Progress = silent
) -> CatalogueSettings:
    """Stop sending a store's files. Every product is noted as changed, so that the API sends everything once it is
    resumed. Raises botocore's errors, and OperatorError without a reason."""
    # First no more files: they would forget what is noted. A crash leaves the store as one of files that is paused.
    paused = replace(settings, channel=Channel.FILES, is_sending=False)
    if settings_of(catalogue, settings.store_id).is_sending:
        paused = _written(catalogue, paused, reason)
    _note_all(catalogue, settings.store_id, progress)
    return _written(catalogue, replace(settings, writes=paused.writes), reason)


def _note_all(catalogue: CatalogueStack, store_id: str, progress: Progress) -> None:
    """Take every product for one of which nobody knows what the platform shows, and note that it changed."""
    for number, some in enumerate(batched(catalogue.tables.products.all_of(store_id), _TOGETHER, strict=False)):
        progress(f"{number * _TOGETHER:,} products")
        for row in some:
            if row.confirmed.are_said or row.refused.are_said:
                catalogue.tables.products.change(store_id, row.sku, lambda found: _forget(found, now()), row)
        catalogue.tables.changes.add(store_id, [row.sku for row in some], now())


def _forget(row: Desired, at: datetime) -> Desired:
    """The price that was in force is remembered, for the guards."""
    past = row.past_prices
    if row.confirmed.price is not None:
        past = (*past, PriceInForce(row.confirmed.price, at))
    return replace(row, confirmed=NOTHING, refused=NOTHING, refusal="", past_prices=past)


def _written(catalogue: CatalogueStack, settings: CatalogueSettings, reason: str) -> CatalogueSettings:
    why, by = reason_given(reason), caller(catalogue.orders)
    written = replace(settings, changed_at=now(), changed_by=by, reason=why)
    write_settings(catalogue, written)
    return replace(written, writes=settings.writes + 1)
