"""What holds of each upload by SFTP, on a server of the library's own: the trusted key alone, and no half files."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.platform.sftp import SftpSession, Uploaded
from partner_orders.platform.sftp_failures import HostKeyChangedError
from tests.support.sftp_server import PasswordServer, password_server
from tools.local.sftp_server import CATALOGUE, key_pair

NAME = "chain_q7zk.csv"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PasswordServer]:
    with password_server(tmp_path) as running:
        yield running


def test_only_the_trusted_key_gets_a_file(server: PasswordServer) -> None:
    """A server with another key than the trusted one gets nothing."""
    _, other = key_pair()
    with pytest.raises(HostKeyChangedError), SftpSession(server.login(host_key=other), 20) as session:
        session.upload(CATALOGUE, NAME, io.BytesIO(b"sku,price\n"))
    assert not (server.home / CATALOGUE / NAME).exists()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=100_000), min_size=1, max_size=3))
def test_newest_content_replaces_in_one_step(server: PasswordServer, contents: list[bytes]) -> None:
    """Whatever a file holds, the newest one is there byte for byte, in one step, and nothing else is left."""
    with SftpSession(server.login(), 30) as session:
        for content in contents:
            assert session.upload(CATALOGUE, NAME, io.BytesIO(content)) == Uploaded(len(content), is_atomic=True)
            assert (server.home / CATALOGUE / NAME).read_bytes() == content
    assert [path.name for path in server.home.iterdir() if path.is_file()] == []


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.binary(min_size=1, max_size=60), max_size=3), is_folder=st.booleans())
def test_names_of_other_programs(server: PasswordServer, names: list[bytes], is_folder: bool) -> None:
    """Whatever bytes the names in the home have, folders are listed, old temporary files go, and a file is replaced."""
    left = server.home / ".partner-orders-0123456789abcdef.part"
    left.touch()
    for name in (b"cat\xe1logo", *(name.translate(None, b"/\0") for name in names)):
        path = os.fsencode(server.home) + b"/others-" + name
        with contextlib.suppress(FileExistsError):
            (os.mkdir if is_folder else os.mknod)(path)
    with SftpSession(server.login(), 30) as session:
        assert {"catalog", "promotions"} <= {*session.folders()}
        assert session.upload(CATALOGUE, NAME, io.BytesIO(b"sku,price\n")).is_atomic
    assert not left.exists()
    for entry in os.scandir(os.fsencode(server.home)):
        if entry.name.startswith(b"others-"):
            (os.rmdir if entry.is_dir() else os.remove)(entry.path)
