"""Docker is found, left out on demand, and reached without a gateway in its description."""

from pathlib import Path

import pytest

from tools.local import docker, invoke
from tools.local.docker import NoAddressError, bridge_address


@pytest.mark.parametrize(
    "config",
    [
        [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}],
        [{"Subnet": "172.17.0.0/16"}],
        [{"Subnet": "fd00::/64"}, {"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1/16"}],
    ],
)
def test_bridge_has_an_address(config: list[dict[str, str]]) -> None:
    """The address is the gateway, or the subnet's first one where a fresh Docker names no gateway."""
    assert bridge_address([{"IPAM": {"Config": config}}]) == "172.17.0.1"


@pytest.mark.parametrize("inspected", [None, [], [{}], [{"IPAM": {"Config": None}}], [{"IPAM": {"Config": [{}]}}]])
def test_bridge_without_address_is_a_sentence(inspected: object) -> None:
    """Without any address the error is a sentence, not a KeyError."""
    with pytest.raises(NoAddressError, match="has no address on this machine"):
        bridge_address(inspected)


def test_unusable_address_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that this machine does not have is named in a sentence."""
    monkeypatch.setattr(docker, "_inspected_bridge", lambda: [{"IPAM": {"Config": [{"Subnet": "192.0.2.0/24"}]}}])
    with (
        pytest.raises(NoAddressError, match=r"cannot reach this machine at 192\.0\.2\.1"),
        docker.reachable("http://a"),
    ):
        pytest.fail("never entered")


def test_docker_is_left_out_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER=0 leaves a running Docker out; anything else uses it."""
    monkeypatch.setattr(docker, "is_running", lambda: True)
    assert not docker.is_wanted({"DOCKER": "0"})
    assert docker.is_wanted({})
    assert docker.is_wanted({"DOCKER": "1"})


def test_layer_is_put_beside_the_code(tmp_path: Path) -> None:
    """The folder for Docker has code and layer together, and is made anew only after a build."""
    built = tmp_path / "local"
    (built / "PartnerOrdersLayer" / "python" / "partner_orders").mkdir(parents=True)
    (built / "PartnerOrdersLayer" / "python" / "partner_orders" / "a.py").touch()
    (built / "ConsumerFunction").mkdir()
    (built / "ConsumerFunction" / "app.py").touch()
    (built / ".built-from").write_text("one")
    folder = invoke.with_its_layers("ConsumerFunction", built, "PartnerOrdersLayer")
    assert (folder / "app.py").is_file()
    assert (folder / "partner_orders" / "a.py").is_file()
    (folder / "mark").touch()
    assert (invoke.with_its_layers("ConsumerFunction", built, "PartnerOrdersLayer") / "mark").is_file()
    (built / ".built-from").write_text("two")
    assert not (invoke.with_its_layers("ConsumerFunction", built, "PartnerOrdersLayer") / "mark").exists()
