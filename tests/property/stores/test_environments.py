"""Several environments of the consumer write stores at once: nothing that a later event said is lost."""

from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.orders.model import Client
from partner_orders.stores.table import FRESH, StoresTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("Clifton", "Gulshan", "Saddar")
NUMBERS = count()


class Interrupted:
    """DynamoDB, in which another environment writes right before the next write of this one."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.before_the_next_write: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._dynamodb, name)

        def interrupted(*names: Any, **arguments: Any) -> Any:
            if name in {"update_item", "put_item"}:
                self.interrupt()
            return call(*names, **arguments)

        return interrupted

    def interrupt(self) -> None:
        other, self.before_the_next_write = self.before_the_next_write, None
        if other:
            other()


# What one of two environments says; and whether the other one says something right before it is written.
SAYINGS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 9), st.sampled_from(NAMES), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAYINGS, st.booleans())
@example([(0, 1, "Clifton", False), (1, 5, "Gulshan", False), (0, 7, "Clifton", False)], True)
@example([(0, 1, "Clifton", False), (0, 2, "Gulshan", True), (1, 9, "Saddar", False)], True)
@example([(0, 8, "Clifton", False), (0, 2, "Gulshan", True), (1, 1, "Saddar", False)], False)
def test_latest_name_of_a_store_stays(
    dynamodb: Any, sayings: list[tuple[int, int, str, bool]], is_in_order: bool
) -> None:
    """The name that was said last by the platform's clock stays, whichever environment wrote when. A name is repeated
    only in order, and not by an environment that comes between: how lately an unchanged name was said is found in the
    newest orders, which there are none of here."""
    store_id, time = f"n{next(NUMBERS)}", NOW
    said: dict[datetime, str] = {}

    def clock() -> datetime:
        return time

    clients = (Interrupted(dynamodb), Interrupted(dynamodb))
    environments = [StoresTable(client, TABLE, CHAIN_ID, clock) for client in clients]  # type: ignore[arg-type]

    def say(environment: int, minute: int, name: str, seconds: int) -> None:
        at = NOW + timedelta(minutes=0 if is_in_order else minute, seconds=seconds)
        said[at] = name if is_in_order else f"{name} {seconds}"
        client = {"chain_id": CHAIN_ID, "store_id": store_id, "name": said[at]}
        environments[environment].register(Client.model_validate(client), at)

    for number, (environment, minute, name, is_interrupted) in enumerate(sayings):
        time = NOW + number * 2 * FRESH
        if is_interrupted:
            other = (1 - environment, minute, f"Other {number}", 2 * number + 1)
            clients[environment].before_the_next_write = lambda other=other: say(*other)
        say(environment, minute, name, 2 * number)
        clients[environment].interrupt()
    found = StoresTable(dynamodb, TABLE, CHAIN_ID, clock).find(store_id)
    assert found is not None
    assert found.name == said[max(said)]
