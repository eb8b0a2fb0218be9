"""The rules that locks are held to, and the bill of materials that is written from one."""

import json
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tools.supply_chain.lock import LAYER, LAYERS, ROOT, Locked, LockError, read
from tools.supply_chain.rules import DENIED, Denied, beside_the_lock, denied_by, differing, installed, on_the_list
from tools.supply_chain.sbom import bill, in_layers

HASH = "0" * 64
ONE = Locked("one", "1.0", "", (HASH,), ())


def lock(folder: Path, text: str) -> Path:
    path = folder / "lock.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_lock_is_parsed(tmp_path: Path) -> None:
    """A lock is parsed with hashes, markers and dependents."""
    text = (
        f"one==1.0 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\n"
        "    # via\n    #   -r dev.in\n    #   two\n"
        f"two==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{HASH}\n    # via three\n"
    )
    assert read(lock(tmp_path, text)) == [
        Locked("one", "1.0", "", (HASH, HASH), ("two",)),
        Locked("two", "2.0", "sys_platform == 'win32'", (HASH,), ("three",)),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "one==1.0",
        f"one>=1.0 \\\n    --hash=sha256:{HASH}",
        f"one \\\n    --hash=sha256:{HASH}",
        f"one @ https://example.com/one.whl \\\n    --hash=sha256:{HASH}",
        "one==1.0 \\\n    --hash=md5:00",
        "-e .",
        "--index-url https://example.com",
    ],
)
def test_unpinned_package_is_rejected(tmp_path: Path, line: str) -> None:
    """A package that is not pinned to one version with hashes is rejected."""
    with pytest.raises(LockError):
        read(lock(tmp_path, line + "\n"))


def test_denied_version_is_named() -> None:
    """A version on the deny list is named with the reason."""
    assert [*on_the_list([ONE], [Denied("one", SpecifierSet("<1.1"), "leaks")])] == ["one 1.0 is denied: leaks"]
    assert [*on_the_list([ONE], [Denied("one", SpecifierSet("<1.0"), "leaks")])] == []


def test_denied_rules_have_reasons() -> None:
    """Every rule of the deny list has a reason."""
    assert denied_by(DENIED.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="reason"):
        denied_by("one <1.0")


def test_untested_layer_version_is_noticed() -> None:
    """A layer with another version than the tested one is noticed."""
    assert [*differing([ONE], [ONE])] == []
    assert [*differing([ONE], [])] == ["the layer holds one 1.0, not None"]


def test_environment_beside_lock_is_noticed() -> None:
    """A package or version that the lock does not list is noticed."""
    elsewhere = Locked("windows-only", "1.0", "sys_platform == 'win32'", (HASH,), ())
    assert [*beside_the_lock({"one": "1.0"}, [ONE, elsewhere])] == []
    assert [*beside_the_lock({"one": "1.1", "two": "2.0"}, [ONE])] == [
        "one: 1.1 is installed, 1.0 is locked",
        "two: 2.0 is installed, None is locked",
    ]


def install(site_packages: Path, name: str, source: object = None) -> None:
    folder = site_packages / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    if source:
        (folder / "direct_url.json").write_text(json.dumps(source), encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ({"url": ROOT.as_uri(), "dir_info": {"editable": True}}, {}),
        ({"url": ROOT.as_uri(), "dir_info": {}}, {"partner-orders": ""}),
        ({"url": "file:///elsewhere", "dir_info": {"editable": True}}, {"partner-orders": ""}),
        (None, {"partner-orders": "1.0"}),
    ],
)
def test_only_this_project_may_stand_beside_the_lock(tmp_path: Path, source: object, found: dict[str, str]) -> None:
    """It does so where it is installed editable from here; a package of its name from an index does not pass."""
    site_packages = tmp_path / "lib" / "python3.13" / "site-packages"
    install(site_packages, "one")
    install(site_packages, "partner_orders", source)
    assert installed(tmp_path, set()) == {"one": "1.0", **found}


def test_sbom_lists_the_layers_lock() -> None:
    """The bill of materials lists what the layer is locked to, and is reproducible."""
    packages = read(LAYER)
    document = bill(packages, "partner-orders", "0.1.0")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [(it["name"], it["version"]) for it in document["components"]] == [(it.name, it.version) for it in packages]
    assert document == bill(read(LAYER), "partner-orders", "0.1.0")
    assert document["serialNumber"] != bill(packages[1:], "partner-orders", "0.1.0")["serialNumber"]


def test_sbom_lists_dependencies() -> None:
    """The bill of materials lists what each package depends on."""
    needs = {it["ref"]: it["dependsOn"] for it in bill(read(LAYER), "partner-orders", "0.1.0")["dependencies"]}
    [botocore] = [needs[ref] for ref in needs if ref.startswith("pkg:pypi/botocore@")]
    names = ("jmespath", "python-dateutil", "urllib3")
    assert {ref.split("@")[0] for ref in botocore} == {f"pkg:pypi/{name}" for name in names}
    assert set().union(*needs.values()) < set(needs)


def test_bill_is_of_both_layers() -> None:
    """The bill of materials has each package of both layers once, and no package may be in two versions."""
    merged = in_layers([read(path) for path in LAYERS])
    names = [package.name for package in merged]
    assert len(names) == len(set(names))
    assert {"asyncssh", "botocore", "cryptography"} < set(names)
    assert bill(merged, "partner-orders", "0.1.0")["components"]
    one, two = (Locked("one", version, "", (HASH,), ()) for version in ("1.0", "2.0"))
    with pytest.raises(LockError, match=r"one is locked to 1\.0 and to 2\.0"):
        in_layers([[one], [two]])


def test_layer_rejects_platform_packages() -> None:
    """A package for only some machines is rejected in a layer."""
    with pytest.raises(LockError, match="one"):
        bill([Locked("one", "1.0", "sys_platform == 'win32'", (HASH,), ())], "x", "1")
