"""All stacks of an operator, read side by side: each in a few figures, and what is wrong with it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

from partner_orders.clock import from_text, now
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders_console.operations.active_alarms import FIRST_RUN, active_alarms
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.dead_letter_queue import CATALOGUE_OUTPUTS
from partner_orders_console.operations.explanation import explained
from partner_orders_console.operations.orders import ids_of_days
from partner_orders_console.operations.queue_counts import messages_in, queue_counts
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.target import Target, environments, local_stack_file, resolved
from partner_orders_console.operations.webhook_requests import webhook_requests
from partner_orders_console.operations.words import counted, words

LONGEST_SECONDS = 30.0
_RUNS_LOOKED_AT = timedelta(hours=1)
_LOCAL = "local"


@dataclass(frozen=True)
class StackState:
    """A stack at a glance; times are in UTC. ``name`` is how the operator names it. ``alarms`` are those of the stack
    and of its catalogue that are active, ``orders_today`` the orders of each store's own day. ``troubles`` says what
    is wrong; ``fault`` says why it could not be read, if so, and then nothing else is known."""

    name: str
    stack_name: str = ""
    region: str = ""
    account: str = ""
    version: str = ""
    alarms: Sequence[str] = ()
    last_event_at: datetime | None = None
    orders_today: int | None = None
    rejected: int | None = None
    dead_letters: int | None = None
    last_run_at: datetime | None = None
    troubles: Sequence[str] = ()
    fault: str = ""

    @property
    def is_well(self) -> bool:
        return not self.troubles and not self.fault


def targets_of(asked: Target, names: Sequence[str]) -> dict[str, Target]:
    """The stacks that a call means, by how the operator names them.

    ``names`` are environments of samconfig.toml, or names of stacks in the region and with the profile of the call.
    Without any it is the stack that the call names; else every environment, and the stack on this machine if there is
    one. Raises OperatorError if none is left.
    """
    if names:
        known = environments()
        return {name: _named(asked, name, name in known) for name in dict.fromkeys(names)}
    if asked.names_a_stack:
        return {asked.config_env or asked.stack_name or _LOCAL: asked}
    found = {name: _named(asked, name, is_environment=True) for name in environments()}
    if local_stack_file().is_file():
        found[_LOCAL] = Target(is_local=True)
    if not found:
        chosen = resolved(asked)
        return {chosen.config_env or chosen.stack_name or _LOCAL: chosen}
    return found


def states(
    targets: dict[str, Target], find: Callable[[Target], DeployedStack], seconds: float = LONGEST_SECONDS
) -> list[StackState]:
    """The state of each stack, in their order. They are read side by side; one that has not answered after so many
    seconds is a state that says so. Raises nothing of a single stack's."""
    found = {name: StackState(name, fault=f"it did not answer within {seconds:.0f} s") for name in targets}

    def read(name: str, target: Target) -> None:
        try:
            state = state_of(name, find(target))
        except Exception as error:
            what, advice = explained(error)
            state = replace(_place(name, target, find), fault=f"{what}. {advice}")
        found[name] = state

    # Not a pool: at its end Python would wait for a thread that still waits for AWS.
    threads = [Thread(target=partial(read, *one), daemon=True) for one in targets.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [found[name] for name in targets]


def state_of(name: str, stack: DeployedStack) -> StackState:
    """The state of one stack. Raises OperatorError and botocore's errors."""
    beside = CatalogueStack.beside(stack)
    deployed = [stack, *([beside.deployed] if beside else [])]
    alarms = [alarm.name for one in deployed for alarm in active_alarms(one)]
    requests, last_run = webhook_requests(stack), _last_run(stack)
    state = StackState(
        name=name,
        stack_name=stack.name,
        region=stack.region,
        account="" if stack.endpoint_url else stack.account,
        version=stack.outputs.get("Version", ""),
        alarms=alarms,
        last_event_at=requests.last_event_at if requests else None,
        orders_today=len({order_id for store in stack.stores.all() for order_id in ids_of_days(stack, store, None)}),
        rejected=stack.rejected.count(),
        dead_letters=_dead_letters(stack, beside),
        last_run_at=from_text(last_run["started_at"]) if last_run else None,
    )
    return replace(state, troubles=[*_troubles(stack, state, last_run)])


def _named(asked: Target, name: str, is_environment: bool) -> Target:
    if is_environment:
        return Target(config_env=name, region=asked.region, profile=asked.profile)
    if name == _LOCAL:
        return Target(is_local=True)
    return Target(stack_name=name, region=asked.region, profile=asked.profile)


def _place(name: str, target: Target, find: Callable[[Target], DeployedStack]) -> StackState:
    """A stack of which no more is known than where it should be."""
    try:
        stack = find(target)
    except Exception:
        return StackState(name)
    return StackState(name, stack.name, stack.region)


def _dead_letters(stack: DeployedStack, beside: CatalogueStack | None) -> int:
    outputs = beside.outputs if beside else {}
    urls = [outputs[output] for output, _ in CATALOGUE_OUTPUTS.values() if output in outputs]
    here = sum(queue_counts(stack).dead_letters.values())
    return here + sum(sum(messages_in(stack.client("sqs"), url)) for url in urls)


def _last_run(stack: DeployedStack) -> dict[str, Any] | None:
    """The report of the reconciler's last regular run of this hour, if there is one; one that has just begun says
    nothing yet."""
    reports = [*filter(is_regular, stack.reconciliation.reports(now() - _RUNS_LOOKED_AT, now()))]
    ended = [report for report in reports if report["stopped"] != StopReason.UNDER_WAY]
    return next(reversed(ended or reports), None)


def _troubles(stack: DeployedStack, state: StackState, last_run: dict[str, Any] | None) -> Iterator[str]:
    """What is wrong, a few words each."""
    status = stack.status
    if not status.endswith("_COMPLETE") or "ROLLBACK" in status or "DELETE" in status:
        yield f"its status is {status}"
    if state.alarms:
        yield counted(len(state.alarms), "active alarm")
    if state.rejected:
        yield counted(state.rejected, "rejected event")
    if state.dead_letters:
        yield counted(state.dead_letters, "dead letter")
    if last_run is None:
        if now() - stack.deployed_at >= FIRST_RUN:
            yield "no run in the last hour"
        return
    reason = stop_reason(last_run["stopped"])
    if reason is StopReason.ERROR or isinstance(reason, Failure):
        yield f"the last run stopped: {words(last_run['stopped'])}"
    elif failed := last_run["failed_stores"]:
        yield f"the last run could not check {counted(len(failed), 'store')}"
