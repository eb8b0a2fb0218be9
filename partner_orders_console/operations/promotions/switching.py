"""Whether promotions are sent to a store: off until an operator switches them on."""

from collections.abc import Sequence
from dataclasses import replace

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.clock import now
from partner_orders_console.operations.catalogue.access import change_settings, settings_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.promotions.kept import who, why_given


def to_switch(catalogue: CatalogueStack, store_ids: Sequence[str], is_promoting: bool) -> list[CatalogueSettings]:
    """The settings of those of these stores for which it would be new. Raises OperatorError for a store that is not in
    the catalogue."""
    found = [settings_of(catalogue, store_id) for store_id in store_ids]
    return [one for one in found if one.is_promoting is not is_promoting]


def switch(
    catalogue: CatalogueStack, stores: Sequence[CatalogueSettings], is_promoting: bool, why: str
) -> list[CatalogueSettings]:
    """Have promotions of stores be sent, or not, and record who did it, when and why. Raises OperatorError and
    botocore's errors."""
    by, at, reason = who(catalogue), now(), why_given(why)

    def switched(one: CatalogueSettings) -> CatalogueSettings:
        return replace(one, is_promoting=is_promoting, changed_at=at, changed_by=by, reason=reason)

    return [change_settings(catalogue, one.store_id, switched) for one in stores]
