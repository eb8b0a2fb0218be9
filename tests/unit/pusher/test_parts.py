"""What the functions that send are made of, by their settings."""

from dataclasses import fields, replace
from typing import Any

import pytest

from partner_orders.aws import clients
from partner_orders.platform.request_budget import Share
from partner_orders.pusher import parts
from partner_orders.pusher.parts import SenderSettings


@pytest.fixture
def settings() -> SenderSettings:
    texts = {one.name: one.name for one in fields(SenderSettings) if one.name != "event_bus_name"}
    return SenderSettings(**texts | {"rate_limit_per_minute": 60})  # type: ignore[arg-type]


def test_calls_are_short() -> None:
    """AWS is given a second to connect and a few tries; there is a connection for each writer."""
    tables: Any = parts.AWS_CALLS
    bus: Any = parts.BUS_CALLS
    assert (tables.connect_timeout, tables.read_timeout, tables.max_pool_connections) == (1, 3, 16)
    assert tables.retries == {"total_max_attempts": 3, "mode": "standard"}
    assert tables.parameter_validation is False
    assert (bus.connect_timeout, bus.read_timeout) == (1, 2)
    assert bus.retries == {"total_max_attempts": 2, "mode": "standard"}
    assert parts.WRITERS == 16


def test_stack_may_have_no_bus(settings: SenderSettings) -> None:
    """Without the name of a bus there is none to tell anything."""
    assert settings.event_bus_name == ""
    assert parts._bus(settings) is None


def test_slash_at_the_end_counts_for_nothing(settings: SenderSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the platform may end in a slash."""
    monkeypatch.setattr(clients, "client", lambda *_: None)
    with_a_slash = replace(settings, partner_api_base_url="https://foodpanda.example.com/")
    client: Any = parts._client(with_a_slash, None, Share.CATALOGUE)
    assert client._credentials._base_url == "https://foodpanda.example.com"
