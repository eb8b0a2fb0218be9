"""The simulated bus does what moto's EventBridge does, under the calls that the publisher makes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from partner_orders.aws.event_bus import EventBus, Fate
from partner_orders.publisher.change_event import ChangeEvent
from tests.support.aws import simulated_aws
from tests.support.contracts import FAKE, MOTO
from tests.support.protocols import BusCalls
from tools.simulation.simulated_bus import BusError, SimulatedBus

NAME = "order-changes"
ENTRY = {"EventBusName": NAME, "Source": "partner-orders", "DetailType": "order.received", "Detail": "{}"}
REFUSED = (ClientError, BusError)


@pytest.fixture(params=[FAKE, MOTO])
def bus(request: pytest.FixtureRequest) -> Iterator[BusCalls]:
    if request.param == FAKE:
        yield SimulatedBus(NAME, lambda _, effect: effect({}))
        return
    with simulated_aws():
        client = boto3.client("events")
        client.create_event_bus(Name=NAME)
        yield client


def ours(bus: BusCalls) -> EventBus:
    client: Any = bus
    return EventBus(client, NAME)


def test_accepted(bus: BusCalls) -> None:
    """More events than a request holds are all accepted."""
    events = [ChangeEvent("order.received", {"number": number}) for number in range(23)]
    assert ours(bus).put(events) == [(Fate.PUT, "")] * 23


def test_answer(bus: BusCalls) -> None:
    """The answer has an id for each entry that was accepted, in their order, and a code for each that was not."""
    answer = bus.put_events(Entries=[ENTRY, ENTRY | {"Detail": "not JSON"}, ENTRY])
    assert answer["FailedEntryCount"] == 1
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [None, "MalformedDetail", None]
    assert [bool(entry.get("EventId")) for entry in answer["Entries"]] == [True, False, True]


def test_too_many(bus: BusCalls) -> None:
    """A request of more entries than the bus takes is an error."""
    with pytest.raises(REFUSED):
        bus.put_events(Entries=[ENTRY] * 11)


def test_missing_bus_drops_events() -> None:
    """The fake accepts and drops an entry for a bus that does not exist, as AWS does; moto refuses it."""
    bus = SimulatedBus("deleted", lambda _, effect: effect({}))
    assert ours(bus).put([ChangeEvent("order.received", {})]) == [(Fate.PUT, "")]
    assert bus.entries == []


def test_too_large() -> None:
    """The fake holds to a limit that moto does not have: 256 KB a request."""
    detail = json.dumps({"text": "t" * 200_000})
    bus = SimulatedBus(NAME, lambda _, effect: effect({}))
    with pytest.raises(BusError):
        bus.put_events(Entries=[ENTRY | {"Detail": detail}] * 2)


@pytest.mark.parametrize(("code", "fate"), [("InternalFailure", Fate.TRANSIENT), ("MalformedDetail", Fate.PERMANENT)])
def test_failed(code: str, fate: Fate) -> None:
    """Faults that only the fake can show: those of single entries."""
    bus = SimulatedBus(NAME, lambda _, effect: effect({1: code}))
    events = [ChangeEvent("order.received", {})] * 3
    assert ours(bus).put(events) == [(Fate.PUT, ""), (fate, code), (Fate.PUT, "")]
    assert len(bus.entries) == 2
