"""DynamoDB Local as this project starts it: locked, and closed to other machines."""

import json
import re
import socket

import pytest

from tools.simulation import dynamodb_local


def test_package_is_locked_with_integrity() -> None:
    """Each package that npm installs has an exact version and a hash, and no host of its own."""
    lock = json.loads(dynamodb_local.LOCK.read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((dynamodb_local.PACKAGE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert lock.pop("")["dependencies"] == wanted
    assert {name.rpartition("/")[2] for name in lock} >= wanted.keys()
    for name, package in lock.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"]), name
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


@pytest.mark.slow
@pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")
def test_listens_on_loopback_only() -> None:
    """It answers at the loopback address, and at no other address of this machine."""
    with dynamodb_local.started() as url:
        port = int(url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        # A server that listens on every address answers here, too.
        with pytest.raises(OSError, match=r"refused|unreachable|requested address|timed out"):
            socket.create_connection(("127.0.0.2", port), timeout=5)
