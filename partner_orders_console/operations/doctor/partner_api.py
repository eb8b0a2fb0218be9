"""The platform's Partner API: whether it answers to our credentials."""

import time
from collections.abc import Iterator
from datetime import timedelta

import requests
from botocore.exceptions import ClientError

from partner_orders.clock import PassedSeconds, now
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials, check_secret
from partner_orders.platform.failures import OutOfTimeError
from partner_orders.platform.orders import orders_path
from partner_orders.platform.rate_limit import RateLimit, RequestLimit
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders_console.operations.doctor.finding import TIMEOUT, Finding, unreadable_secret
from partner_orders_console.operations.stack import DeployedStack

# How long to wait for a permit of the chain's request budget.
PERMIT_SECONDS = 5.0


def partner_api(stack: DeployedStack) -> Iterator[Finding]:
    """Ask the Partner API for the orders of a store, with our credentials."""
    part = "Partner API"
    arn = stack.output("PartnerApiSecretArn")
    try:
        text = stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except ClientError as error:
        yield unreadable_secret(f"{part} credentials", arn, error)
        return
    try:
        check_secret(text)
    except CredentialsError as error:
        yield Finding(f"{part} credentials", str(error), "partner-orders secrets set-token")
        return
    yield Finding(f"{part} credentials")
    limit = _limit(stack)
    try:
        yield _asked(part, stack, limit)
    except OutOfTimeError:
        yield Finding(part, note="not asked: the chain's request budget has nothing left; try again in a minute")
    finally:
        limit.hand_back()


def _limit(stack: DeployedStack) -> RequestLimit:
    """The operator's share of the chain's request budget; two requests where there is none."""
    if (table_name := stack.outputs.get("RequestBudgetTableName")) is None:
        return RateLimit(2, time.monotonic, time.sleep)
    per_minute = int(stack.parameters["RateLimitPerMinute"])
    budget = RequestBudgetTable(stack.client("dynamodb"), table_name, per_minute)
    return BudgetedRequests(budget, Share.RECONCILIATION, 1, PassedSeconds(), time.sleep)


def _asked(part: str, stack: DeployedStack, limit: RequestLimit) -> Finding:
    """What the platform says of our credentials. Raises OutOfTimeError, and botocore's errors."""
    arn = stack.output("PartnerApiSecretArn")
    base_url, chain_id = stack.parameters["PartnerApiBaseUrl"].rstrip("/"), stack.parameters["ChainId"]
    client, session = stack.client("secretsmanager"), platform_session()
    _make_room(limit)  # also for the request that a token may take
    try:
        token = PartnerApiCredentials(client, arn, base_url, session, limit).token()
    except CredentialsError as error:
        return Finding(part, str(error), "partner-orders secrets set-client; is PartnerApiBaseUrl the brand's host?")
    except requests.RequestException as error:
        return _silent(part, base_url, error)
    stores = stack.stores.all()
    # A paused store may be closed for good, and the platform may refuse to tell of it.
    asked = [store.store_id for store in stores if not store.is_paused]
    if stores and not asked:
        return Finding(part, note=f"{base_url}; not asked for orders: every store is paused")
    vendor_id = asked[0] if asked else "none"
    times = {"start_time": now() - timedelta(minutes=10), "end_time": now()}
    _make_room(limit)
    try:
        answer = session.get(
            base_url + orders_path(chain_id, vendor_id),
            params={name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()} | {"page_size": "1"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,  # The status says it all.
        )
        answer.close()
    except requests.RequestException as error:
        return _silent(part, base_url, error)
    finally:
        limit.record()
    return _judged(part, base_url, vendor_id, answer)


def _make_room(limit: RequestLimit) -> None:
    if not limit.wait(PERMIT_SECONDS):
        raise OutOfTimeError


def _judged(part: str, base_url: str, vendor_id: str, answer: requests.Response) -> Finding:
    """What a response says of the credentials, which were asked for one store's orders."""
    match answer.status_code:
        case 200 | 204 | 404:  # 204: no orders; 404: the token is taken, and the store is not known
            return Finding(part, note=base_url)
        case 401:
            return Finding(
                part, "it refuses the token", "partner-orders secrets set-token; docs/runbooks/partner-api-refused.md"
            )
        case 403 if "html" in answer.headers.get("Content-Type", ""):
            # The edge's page. The reconciler calls from another address.
            return Finding(part, note="it refuses this machine's address; see the last run for the reconciler's")
        case 403:
            return Finding(part, f"the token does not cover store {vendor_id}", "Ask the platform.")
        case 429:
            return Finding(part, "it is blocked: too many requests", "docs/runbooks/partner-api-blocked.md")
        case status:
            return Finding(part, f"it responded with {status}", "Try again later; if it persists, ask the platform.")


def _silent(part: str, base_url: str, error: requests.RequestException) -> Finding:
    advice = "Is PartnerApiBaseUrl the brand's host? If it is: check the network, and ask the platform."
    return Finding(part, f"{base_url} does not respond: {type(error).__name__}", advice)
