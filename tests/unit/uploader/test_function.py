"""How the uploader's function is put together."""

from dataclasses import fields
from types import SimpleNamespace

import pytest

from partner_orders.aws import clients
from partner_orders.uploader.handler import UploaderSettings
from partner_orders.uploader.run import is_wanted
from tools.fresh_handler import fresh_handler


def test_uploader_asks_whether_a_file_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it begins a file and before it sends it, the uploader asks the settings of its stores anew."""
    monkeypatch.setattr(clients, "client", lambda *_: SimpleNamespace())
    for setting in fields(UploaderSettings):
        monkeypatch.setenv(setting.name.upper(), "22" if setting.type is int else "active")
    run = fresh_handler("uploader").worker()
    asks = run._uploader._is_wanted
    assert (asks.func, asks.args) == (is_wanted, (run._settings, run._folders, run._promotions))
