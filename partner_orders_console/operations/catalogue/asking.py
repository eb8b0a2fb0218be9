"""What the platform shows of a product now: one request, within the chain's request budget."""

import time
from typing import Any

from partner_orders.clock import PassedSeconds, now
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.catalogue import ListedProduct, PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.words import words

_PERMIT_SECONDS = 20.0  # how long to wait for a permit, and for the response
_PRODUCTS = 50  # of a search: a SKU may be found within others, and within names


def shown_now(catalogue: CatalogueStack, store_id: str, sku: str) -> ListedProduct | None:
    """A product as the platform shows it now; None if a search for its SKU does not find it. Raises OperatorError."""
    stack = catalogue.orders
    limit = _limit(catalogue)
    base_url = stack.parameters["PartnerApiBaseUrl"].rstrip("/")
    secrets, session = stack.client("secretsmanager"), platform_session()
    credentials = PartnerApiCredentials(secrets, stack.output("PartnerApiSecretArn"), base_url, session, limit)
    client = PartnerApiClient(base_url, credentials, session, limit, now, time.sleep)
    seconds = PassedSeconds()
    client.begin(RunLimits(remaining_seconds=lambda: _PERMIT_SECONDS - seconds()), Handover())
    try:
        page = PlatformCatalogue(client, stack.parameters["ChainId"]).catalogue_page(store_id, 1, _PRODUCTS, sku)
    except OutOfTimeError:
        raise OperatorError("the chain's request budget has nothing left", "Try again in a minute.") from None
    except PartnerApiError as error:
        raise OperatorError(*_explained(error, store_id)) from None
    finally:
        client.end()
    return next((product for product in page.products if product.sku == sku), None)


def _limit(catalogue: CatalogueStack) -> BudgetedRequests:
    """The operator's share of the chain's request budget. Raises OperatorError where there is none."""
    stack = catalogue.orders
    if (table_name := stack.outputs.get("RequestBudgetTableName")) is None:
        raise OperatorError(
            f"the stack {stack.name} has no request budget", "Deploy it with Catalogue=ENABLED: docs/catalogue.md."
        )
    per_minute = int(stack.parameters["RateLimitPerMinute"])
    budget = RequestBudgetTable(stack.client("dynamodb"), table_name, per_minute)
    return BudgetedRequests(budget, Share.RECONCILIATION, 1, PassedSeconds(), time.sleep)


def _explained(error: PartnerApiError, store_id: str) -> tuple[str, str]:
    what = f"the platform did not show the product: {words(error.failure)}"
    match error.failure:
        case Failure.NOT_FOUND:
            return what, f"Does the platform know the store {store_id}, and is it set up for its catalogue?"
        case Failure.UNAUTHORIZED | Failure.FORBIDDEN | Failure.CREDENTIALS:
            return what, "`partner-orders doctor` checks the credentials."
        case _:
            return what, "Try again in a minute. `partner-orders doctor` asks the platform, too."


def to_json(shown: ListedProduct | None) -> dict[str, Any] | None:
    """What the platform shows of a product, for programs; None if it shows none."""
    if shown is None:
        return None
    return {"price": shown.price, "active": shown.active, "barcodes": list(shown.barcodes)}
