"""The catalogue beside a stack, and the stores that it knows."""

from collections.abc import Callable

from partner_orders.catalogue.store_settings import CatalogueSettings, InvalidSettingsError, SettingsChangedError
from partner_orders.catalogue.to_send import NO_MARGINS, Margins
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.orders import store_named
from partner_orders_console.operations.stack import DeployedStack

MAX_NAME = 200  # characters of a store or a product as it is named in a call


def catalogue_of(stack: DeployedStack) -> CatalogueStack:
    """The catalogue beside a stack. Raises OperatorError where it is not deployed."""
    found = CatalogueStack.of(stack)
    if found is None:
        raise OperatorError(
            f"there is no catalogue beside the stack {stack.name}",
            "Deploy it with `make deploy-catalogue ENV=...`: docs/catalogue.md says how a chain starts.",
        )
    return found


def store_id_named(stack: DeployedStack, name: str) -> str:
    """The id of a registered store by either of its ids. Raises OperatorError."""
    if not 0 < len(name) <= MAX_NAME:
        raise NotFoundError(
            f"a store's name has 1 to {MAX_NAME} characters", "`partner-orders stores list` shows them."
        )
    try:
        return store_named(stack, name).store_id
    except NotFoundError as error:
        raise NotFoundError(
            error.what,
            f"{error.advice} A store is registered by its first order, or by `partner-orders stores set STORE_ID"
            " --currency PKR`.",
        ) from None


def settings_of(catalogue: CatalogueStack, store_id: str) -> CatalogueSettings:
    """The settings of a store of the catalogue. Raises OperatorError for a store that is not in it."""
    found = catalogue.tables.settings.get(store_id)
    if found is None:
        raise OperatorError(
            f"the store {store_id} is not in the catalogue",
            f"`partner-orders catalogue set {store_id}` puts it in. Nothing is sent before `partner-orders catalogue"
            f" resume {store_id}`.",
        )
    return found


def margins_of(catalogue: CatalogueStack, store_id: str) -> Margins:
    """What is kept back in a store; nothing in one that is not in the catalogue."""
    found = catalogue.tables.settings.get(store_id)
    return NO_MARGINS if found is None else found.margins


def store_ids(catalogue: CatalogueStack) -> list[str]:
    """The stores of the catalogue."""
    return sorted(catalogue.tables.settings.all())


def write_settings(catalogue: CatalogueStack, settings: CatalogueSettings) -> None:
    """Write the settings of a store over those that were read. Raises OperatorError where they are not taken, or were
    changed meanwhile."""
    try:
        catalogue.tables.settings.write(settings)
    except InvalidSettingsError as error:
        raise OperatorError(f"{settings.store_id}: {error}", "Nothing was changed.") from None
    except SettingsChangedError:
        raise changed_meanwhile(settings.store_id) from None


def change_settings(
    catalogue: CatalogueStack, store_id: str, change: Callable[[CatalogueSettings], CatalogueSettings]
) -> CatalogueSettings:
    """Change the settings of a store, and leave whatever else somebody changes meanwhile. Raises OperatorError."""
    try:
        return catalogue.tables.settings.change(store_id, change)
    except (LookupError, SettingsChangedError):
        raise changed_meanwhile(store_id) from None


def changed_meanwhile(store_id: str) -> OperatorError:
    return OperatorError(
        f"somebody else changed the settings of the store {store_id} meanwhile", "Nothing was changed. Try again."
    )
