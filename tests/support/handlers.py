"""A function's handler, loaded anew, whose clients of AWS are noted instead of made."""

from collections.abc import Mapping
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config

from partner_orders.settings import Settings
from tools.fresh_handler import fresh_handler

type Clients = list[tuple[str, Config]]


def with_noted_clients(
    function: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, Clients]:
    """A handler in an environment, and the clients that its parts ask for: the service and the settings of each."""
    made: Clients = []
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app: Any = fresh_handler(function)

    def client(service: str, config: Config) -> Any:
        made.append((service, config))
        return SimpleNamespace(service=service)

    app.clients = SimpleNamespace(client=client)
    return app, made


def settings_named(settings: type[Settings], **others: str) -> dict[str, str]:
    """An environment with a value for each of a function's settings, which tells its name, or is 60 for a number."""
    usual = {one.name: "60" if one.type is int else f"the-{one.name}" for one in fields(settings)}
    return {name.upper(): value for name, value in (usual | others).items()}
