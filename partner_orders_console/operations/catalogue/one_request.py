"""One request of an operator to the platform, within the chain's request budget."""

import time
from collections.abc import Callable

from partner_orders.clock import PassedSeconds, now
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.words import words

_PERMIT_SECONDS = 20.0  # how long to wait for a permit, and for the response


def requested[T](
    catalogue: CatalogueStack, request: Callable[[PartnerApiClient, str], T], what: str, unknown: str
) -> T:
    """What a request gives, which is made with a client and the chain's id. ``what`` the platform is asked to show, and
    the advice where it knows nothing by the id. Raises OperatorError."""
    stack = catalogue.orders
    limit = _limit(catalogue)
    base_url = stack.parameters["PartnerApiBaseUrl"].rstrip("/")
    secrets, session = stack.client("secretsmanager"), platform_session()
    credentials = PartnerApiCredentials(secrets, stack.output("PartnerApiSecretArn"), base_url, session, limit)
    client = PartnerApiClient(base_url, credentials, session, limit, now, time.sleep)
    seconds = PassedSeconds()
    client.begin(RunLimits(remaining_seconds=lambda: _PERMIT_SECONDS - seconds()), Handover())
    try:
        return request(client, stack.parameters["ChainId"])
    except OutOfTimeError:
        raise OperatorError("the chain's request budget has nothing left", "Try again in a minute.") from None
    except PartnerApiError as error:
        raise OperatorError(
            f"the platform did not show {what}: {words(error.failure)}", _advice(error, unknown)
        ) from None
    finally:
        client.end()


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


def _advice(error: PartnerApiError, unknown: str) -> str:
    match error.failure:
        case Failure.NOT_FOUND:
            return unknown
        case Failure.UNAUTHORIZED | Failure.FORBIDDEN | Failure.CREDENTIALS:
            return "`partner-orders doctor` checks the credentials."
        case _:
            return "Try again in a minute. `partner-orders doctor` asks the platform, too."
