"""Which secrets the platform uses, and how many events were refused for theirs."""

from collections.abc import Iterator
from datetime import datetime

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.secrets_status import last_use_of_credentials, stored_at_of
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_requests import LOOKED_BACK, PERIOD, UNKNOWN, webhook_requests
from partner_orders_console.operations.webhook_secret import has_older_secret
from partner_orders_console.operations.words import ago, at, counted

_FEW = 5  # refused events an hour that may be a stranger's


def secret_use(stack: DeployedStack) -> Iterator[Finding]:
    """Say when each secret was last used."""
    requests = webhook_requests(stack)
    current = requests.current_secret_used_at if requests else None
    yield Finding("last use of the webhook secret", note=_when(current) if requests else UNKNOWN)
    if has_older_secret(stack):
        used_at = requests.previous_secret_used_at if requests else None
        note = _when(used_at) if requests else UNKNOWN
        yield Finding("last use of the older webhook secret", note=f"{note}; it is still valid")
    used_at = last_use_of_credentials(stack, stored_at_of(stack, "PartnerApiSecretArn"))
    note = f"{at(used_at)} ({ago(used_at, now())})" if used_at else "not in the last 2 hours since they were stored"
    yield Finding("last use of the Partner API credentials", note=note)


def refused_requests(stack: DeployedStack) -> Iterator[Finding]:
    """Count the events of the last hour whose secret was not valid."""
    part, requests = "refused requests", webhook_requests(stack)
    if requests is None:
        yield Finding(part, note=UNKNOWN)
        return
    if not requests.refused or requests.last_refused_at is None:
        yield Finding(part, note="no event refused in the last hour")
        return
    what = f"{counted(requests.refused, 'event')} refused in the last hour, the last at {at(requests.last_refused_at)}"
    stored_at = stored_at_of(stack, "WebhookSecretArn")
    if stored_at is not None and requests.last_refused_at + PERIOD <= stored_at:
        yield Finding(part, note=f"{what}: before the current secret was stored at {at(stored_at)}")
    elif requests.refused < _FEW:
        yield Finding(part, note=f"{what}; `partner-orders refused` lists them")
    else:
        advice = (
            "`partner-orders refused` lists them, with the network that each came from. Does the platform send a secret"
            " that was retired? Paste the current one there (partner-orders secrets show-webhook), or store the one"
            " that it sends (partner-orders secrets set-webhook)."
            " docs/runbooks/refused-burst.md"
        )
        yield Finding(part, f"{what}: their secret is not valid", advice)


def _when(used_at: datetime | None) -> str:
    return f"{at(used_at)} ({ago(used_at, now())})" if used_at else f"not in the last {LOOKED_BACK.days} days"
