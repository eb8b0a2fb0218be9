"""The uploader's connection: which key of the server it is made with."""

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.aws import clients
from partner_orders.uploader.upload_state import ServerState
from tools.fresh_handler import fresh_handler


def test_each_connection_asks_which_key_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection takes the key that a person trusts by then, and no other."""
    app: Any = fresh_handler("uploader")
    for setting in fields(app.UploaderSettings):
        monkeypatch.setenv(setting.name.upper(), "22" if setting.type is int else "active")
    states = [ServerState("the first key"), ServerState("the second key")]
    logins: list[Any] = []
    monkeypatch.setattr(clients, "client", lambda *_: SimpleNamespace())
    monkeypatch.setattr(app, "UploadsTable", lambda *_: SimpleNamespace(server=lambda: states.pop(0)))
    monkeypatch.setattr(app, "sftp_secret", lambda *_: ("private key", "password"))
    monkeypatch.setattr(app, "SftpSession", lambda login, _: logins.append(login))
    for _ in range(2):
        app.worker()._uploader._connect()
    assert [login.host_key for login in logins] == ["the first key", "the second key"]
