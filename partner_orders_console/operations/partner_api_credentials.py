"""The Partner API credentials of a stack: stored, tried by the reconciler, then used; and back to the ones before.

New credentials are a version of the secret under a label of our own, while the functions read AWSCURRENT. The label
moves once the platform has accepted them (docs/decisions/0018-pending-credentials.md).
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from partner_orders.clock import now
from partner_orders.platform.credentials import SECRET_MAX_AGE_SECONDS, CredentialsError, check_secret
from partner_orders.platform.failures import Failure
from partner_orders.platform.webhook_secret import SecretVersion
from partner_orders.reconciler.credentials_trial import NO_STORE, REQUEST, Outcome, Verdict
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.secret_versions import SecretVersions
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_secret import wrapping

CURRENT, PREVIOUS = SecretVersion.CURRENT, SecretVersion.PREVIOUS
# Labels of ours: being tried; stored without a trial, while current; and the last current ones that were not that.
PENDING, UNTRIED, EARLIER = "PARTNER_ORDERS_PENDING", "PARTNER_ORDERS_UNTRIED", "PARTNER_ORDERS_EARLIER"
TAKES_EFFECT = f"The reconciler may use the replaced ones for up to {SECRET_MAX_AGE_SECONDS / 60:.0f} minutes more."
_FORCE = "Try again later; or add --force, which stores them untried."
# A run takes 15 minutes at most, and then the trial has its turn.
_LONGEST_WAIT = timedelta(minutes=16)
_PAUSE_SECONDS = 10.0
_NOT_TRIED: Mapping[str, str] = {
    NO_STORE: "every store is paused, or none is registered, so there is nothing to ask the platform for",
    StopReason.LEASE_HELD: "the reconciler was busy all the time",
    StopReason.LEASE_LOST: "the reconciler was busy all the time",
    StopReason.REQUESTED_LATER: "the platform has asked for no request before some later time",
    StopReason.OUT_OF_TIME: "the platform's limit left no room for a request",
    Failure.BLOCKED: "the platform blocks the reconciler's address",
    Failure.RATE_LIMITED: "the platform says that it got too many requests",
    Failure.NO_RESPONSE: "the platform does not respond; is PartnerApiBaseUrl the brand's host?",
    Failure.SERVER_ERROR: "the platform has a fault of its own",
    Failure.CREDENTIALS: "no access token came of them",
}


@dataclass(frozen=True)
class StoredCredentials:
    """What became current. ``was_tried`` says whether the platform has accepted them, for ``store_id``."""

    was_tried: bool
    store_id: str = ""


def store_token(
    stack: DeployedStack, token: str, is_forced: bool = False, progress: Progress = silent
) -> StoredCredentials:
    """Store a bearer token; see ``store``."""
    if fault := wrapping(token):
        raise OperatorError(f"not stored: the token {fault}", "Give the token alone.")
    return store(stack, {"token": token}, is_forced, progress)


def store(
    stack: DeployedStack, content: Mapping[str, str], is_forced: bool = False, progress: Progress = silent
) -> StoredCredentials:
    """Have the reconciler try credentials, and use them from then on; ``is_forced`` leaves out the trial. Where nothing
    is stored that could be used, and no store is there to ask for, they are stored untried as well.

    Raises OperatorError if they are malformed or refused, or could not be tried: then those in use stay.
    """
    text = json.dumps(content)
    try:
        check_secret(text)
    except CredentialsError as error:
        raise OperatorError(f"not stored: {error}") from None
    versions = _Versions(stack)
    version_id = versions.add(text)
    if is_forced:
        _use(versions, version_id, is_tried=False)
        return StoredCredentials(was_tried=False)
    try:
        outcome = _tried(stack, version_id, progress)
        is_harmless = outcome.why == NO_STORE and not versions.is_usable(versions.labelled(CURRENT))
        if outcome.verdict is Verdict.REFUSED:
            raise OperatorError(f"not stored: {_refusal(outcome)}", "The credentials in use stay.")
        if outcome.verdict is Verdict.UNKNOWN and not is_harmless:
            raise OperatorError(f"not stored, since they could not be tried: {_why(outcome)}", _FORCE)
        _use(versions, version_id, is_tried=outcome.verdict is Verdict.ACCEPTED)
    finally:
        versions.unlabel(PENDING)
    return StoredCredentials(outcome.verdict is Verdict.ACCEPTED, outcome.store_id)


def undo(stack: DeployedStack, is_forced: bool = False, progress: Progress = silent) -> StoredCredentials:
    """Go back to the credentials before, if the platform still accepts them; ``is_forced`` also if it does not say.

    Raises OperatorError if there are none, or the platform refuses them, or they could not be tried.
    """
    versions = _Versions(stack)
    earlier = list(_earlier(versions))
    if not earlier:
        raise OperatorError(
            "there are no earlier credentials to go back to",
            "Store new ones: `partner-orders secrets set-token` or `partner-orders secrets set-client`",
        )
    for version_id in earlier:
        outcome = _tried(stack, version_id, progress)
        if outcome.verdict is Verdict.REFUSED:
            continue
        is_accepted = outcome.verdict is Verdict.ACCEPTED
        if not is_accepted and not is_forced:
            advice = "Try again later; or add --force, which goes back to them untried."
            raise OperatorError(f"the earlier credentials could not be tried: {_why(outcome)}", advice)
        _use(versions, version_id, is_tried=is_accepted)
        return StoredCredentials(is_accepted, outcome.store_id)
    raise OperatorError(
        "the platform refuses the earlier credentials; those in use stay",
        "If the platform refuses those in use, too (`partner-orders doctor`), make a new token in the Shop Integrations"
        " plug-in, and store it: `partner-orders secrets set-token`",
    )


def has_earlier(stack: DeployedStack) -> bool:
    """Whether there are credentials that ``undo`` could try."""
    return any(_earlier(_Versions(stack)))


def _earlier(versions: "_Versions") -> Iterator[str]:
    """The versions before the current one, the last good one first."""
    labels = versions.labels()
    candidates = dict.fromkeys(filter(None, (labels.get(EARLIER), labels.get(PREVIOUS))))
    return (version for version in candidates if version != labels.get(CURRENT) and versions.is_usable(version))


def _use(versions: "_Versions", version_id: str, is_tried: bool) -> None:
    """Make a version the current one. Two that are forced one after the other do not push out the last good one."""
    labels = versions.labels()
    before = labels.get(CURRENT, "")
    if before and before != labels.get(UNTRIED) and versions.is_usable(before):
        versions.label(EARLIER, before)
    versions.label(CURRENT, version_id)
    if is_tried:
        versions.unlabel(UNTRIED)
    else:
        versions.label(UNTRIED, version_id)
    versions.unlabel(PENDING)


class _Versions(SecretVersions):
    """The versions of the Partner API secret."""

    def __init__(self, stack: DeployedStack) -> None:
        super().__init__(stack, "PartnerApiSecretArn")

    def add(self, text: str) -> str:
        """A new version, under PENDING alone."""
        self.unlabel(PENDING)
        added = self.client.put_secret_value(SecretId=self.arn, SecretString=text, VersionStages=[PENDING])
        return str(added["VersionId"])

    def is_usable(self, version_id: str) -> bool:
        """Whether a version holds credentials, whatever the platform says of them."""
        if not version_id:
            return False
        try:
            check_secret(self.client.get_secret_value(SecretId=self.arn, VersionId=version_id)["SecretString"])
        except (CredentialsError, KeyError):
            return False
        return True


def _tried(stack: DeployedStack, version_id: str, progress: Progress) -> Outcome:
    """What the platform says to the reconciler of a version. Waits for the reconciler's turn. Raises OperatorError."""
    client, name = stack.client("lambda", is_slow=True), stack.output("ReconcilerFunctionName")
    deadline = now() + _LONGEST_WAIT
    progress("the reconciler tries the credentials")
    while True:
        outcome = _answer(client.invoke(FunctionName=name, Payload=json.dumps({REQUEST: version_id}).encode()))
        if outcome.why not in {StopReason.LEASE_HELD, StopReason.LEASE_LOST} or now() >= deadline:
            return outcome
        progress("waiting for the end of the reconciler's run, at most 15 minutes")
        time.sleep(_PAUSE_SECONDS)


def _answer(response: Mapping[str, Any]) -> Outcome:
    content = json.load(response["Payload"])
    if "FunctionError" in response:
        raise OperatorError(
            f"the credentials could not be tried: the reconciler failed with {content.get('errorType', 'an error')}",
            "Its log says why: `partner-orders logs reconciler --errors`; --force stores them untried.",
        )
    try:
        return Outcome.from_json(content)
    except (KeyError, ValueError, TypeError):
        raise OperatorError(
            "the deployed reconciler is of an earlier version, which tries no credentials",
            "Deploy the stack again, or add --force, which stores them untried.",
        ) from None


def _refusal(outcome: Outcome) -> str:
    if outcome.why == Failure.FORBIDDEN:
        return f"the platform says that these credentials do not cover store {outcome.store_id} (403)"
    return "the platform refuses these credentials (401)"


def _why(outcome: Outcome) -> str:
    return _NOT_TRIED.get(outcome.why, f"the platform's response was unexpected ({outcome.why.replace('_', ' ')})")
