"""The workflow that a tag starts: its own steps, run here with a stand-in for ``make``, leave the release's files."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.local.emulator import ROOT

TAG = "v0.1.0"
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
[JOB] = WORKFLOW["jobs"].values()
STEPS = {step["name"]: step["run"] for step in JOB["steps"] if "run" in step}
# What `make build` and `make wheel` leave; the real ones have tests of their own.
MAKE = """#!/bin/bash
case $1 in
build)
    mkdir -p .aws-sam/build/WebhookFunction .aws-sam/build/PartnerOrdersLayer
    mkdir -p .aws-sam/catalogue/build
    echo "$2" > .aws-sam/build/template.yaml
    echo "$2" > .aws-sam/catalogue/build/template.yaml
    echo "{}" > .aws-sam/sbom.cdx.json;;
wheel) echo wheel > "${2#DIST=}/partner_orders-0.1.0-py3-none-any.whl";;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the steps read, and ``make`` on the path."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    changelog = (ROOT / "CHANGELOG.md").read_text()
    (tmp_path / "CHANGELOG.md").write_text(changelog.replace("(unreleased)", "(2026-12-01)"))
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "dev.txt", tmp_path / "requirements")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "make").write_text(MAKE)
    (tmp_path / "bin" / "make").chmod(0o755)
    return tmp_path


def step(clone: Path, name: str, tag: str = TAG) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, by its name."""
    path = os.pathsep.join([str(clone / "bin"), str(Path(sys.executable).parent), os.defpath])
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]],
        cwd=clone,
        env={"PATH": path, "GITHUB_REF_NAME": tag},
        capture_output=True,
        text=True,
        check=False,
    )


CHECK = "Check the version and read the changelog"


@pytest.mark.skipif(shutil.which("zip") is None, reason="the workflow packs with zip, which GitHub's machines have")
def test_release_has_every_file(clone: Path) -> None:
    """The release has a package for each architecture, a bill of materials, the wheel, its versions and checksums."""
    for name in (CHECK, "Build for both architectures", "Build the command line", "Checksums"):
        done = step(clone, name)
        assert done.returncode == 0, done.stdout + done.stderr
    files = clone / "release" / "files"
    assert {path.name for path in files.iterdir()} == {
        f"partner-orders-{TAG}-arm64.zip",
        f"partner-orders-{TAG}-x86_64.zip",
        f"partner-orders-catalogue-{TAG}-arm64.zip",
        f"partner-orders-catalogue-{TAG}-x86_64.zip",
        f"partner-orders-{TAG}.cdx.json",
        f"partner-orders-{TAG}-constraints.txt",
        "partner_orders-0.1.0-py3-none-any.whl",
        "SHA256SUMS",
    }
    sums = dict(line.split("  ")[::-1] for line in (files / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files.iterdir()
        if path.name != "SHA256SUMS"
    }
    assert (clone / "release" / "notes.md").read_text().count("\n## ") == 0
    assert "### Receiving orders" in (clone / "release" / "notes.md").read_text()


@pytest.mark.parametrize(
    ("tag", "changelog", "sentence"),
    [
        ("v0.2.0", "## 0.1.0 (2026-12-01)\n\n- The first.\n", "pyproject.toml says 0.1.0"),
        (TAG, "## 0.1.1 (2026-12-01)\n\n- The first.\n", "CHANGELOG.md has no section 0.1.0"),
        (TAG, "## 0.1.0 (unreleased)\n\n- The first.\n", "CHANGELOG.md still says unreleased"),
    ],
)
def test_release_of_another_version_is_refused(clone: Path, tag: str, changelog: str, sentence: str) -> None:
    """A tag that version or changelog do not agree with ends the release with a sentence."""
    (clone / "CHANGELOG.md").write_text(changelog)
    done = step(clone, CHECK, tag)
    assert done.returncode == 1
    assert sentence in done.stdout


def test_release_waits_for_every_check() -> None:
    """Checks come before builds, the installation before the draft, and the release is only a draft of that tag."""
    named = [*STEPS]
    assert named == [
        CHECK,
        "make lint, make test",
        "Build for both architectures",
        "Build the command line",
        "Install the command line without the clone",
        "Checksums",
        "Draft the release",
    ]
    assert 'uv" tool install' in STEPS["Install the command line without the clone"]
    draft = STEPS["Draft the release"]
    assert {"--draft", "--verify-tag", "release/files/*"} <= {*draft.split()}
    assert WORKFLOW["permissions"] == {"contents": "read"}
