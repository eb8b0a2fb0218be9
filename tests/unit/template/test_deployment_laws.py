"""What AWS would refuse, or bill, at a deployment; and what a plain `sam build` must not reach."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import TEMPLATE, Template
from tools.deploy.environment import LONGEST_STACK_NAME

ROOT = TEMPLATE.parent
LAYER = ROOT / "layers" / "partner_orders"
SAMCONFIG: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = [name for name, section in SAMCONFIG.items() if isinstance(section, dict) and "deploy" in section]
PLAIN_BUILDS = ".aws-sam/this-machine-only"
LONGEST_SCHEDULE_NAME = 64


def test_version_is_that_of_the_project(template: Template, catalogue: Template) -> None:
    """The output Version of both stacks is the version in pyproject.toml."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for stack in (template, catalogue):
        assert stack.outputs["Version"]["Value"] == version


def test_api_warnings_do_not_end_a_deployment(template: Template) -> None:
    """API Gateway's warning about the server without a URL, which SAM writes, does not end a deployment."""
    assert "FailOnWarnings" not in template.properties("OrderEventsApi")


def test_own_address_is_off_only_with_a_domain(template: Template) -> None:
    """The API's own address is switched off by a parameter, and only where there is a domain."""
    [server] = template.properties("OrderEventsApi")["Body"]["servers"]
    endpoint = server["x-amazon-apigateway-endpoint-configuration"]
    assert endpoint == {"disableExecuteApiEndpoint": {"Fn::If": ["HasDomainOnly", True, False]}}
    both = template.conditions["HasDomainOnly"]["Fn::And"]
    assert both == [{"Condition": "HasDomain"}, {"Fn::Equals": [{"Ref": "ExecuteApiEndpoint"}, "DISABLED"]}]
    assert template.parameters["ExecuteApiEndpoint"]["Default"] == "ENABLED"


def test_access_logs_are_vended_logs(template: Template) -> None:
    """The access log's name has the prefix that needs no room in the account's one resource policy."""
    assert template.properties("ApiLogGroup")["LogGroupName"] == {"Fn::Sub": "/aws/vendedlogs/${AWS::StackName}/api"}


def test_schedule_name_fits(template: Template) -> None:
    """With the longest stack name that `make deploy` accepts, the schedule's name is no longer than AWS allows."""
    names = [schedule["Name"]["Fn::Sub"] for schedule in template.of_type("AWS::Scheduler::Schedule").values()]
    longest = max(len(name.replace("${AWS::StackName}", "s" * LONGEST_STACK_NAME)) for name in names)
    assert longest == LONGEST_SCHEDULE_NAME


@pytest.mark.parametrize("name", ["WebhookSecret", "PartnerApiSecret"])
def test_failed_creation_leaves_no_secret(template: Template, name: str) -> None:
    """A first deployment that fails leaves no secret to pay for."""
    assert template.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_failed_creation_leaves_the_table(template: Template) -> None:
    """The table is kept even then: a rollback cannot delete what is protected from deletion."""
    assert template.properties("OrdersTable")["DeletionProtectionEnabled"] is True
    assert template.resources["OrdersTable"]["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_deploys_what_was_checked(name: str) -> None:
    """A plain `sam build` of each environment writes where no deployment reads, and each stack's uploads are apart."""
    assert SAMCONFIG[name]["build"]["parameters"]["build_dir"] == PLAIN_BUILDS
    deploy = SAMCONFIG[name]["deploy"]["parameters"]
    assert deploy["template_file"] == ".aws-sam/build/template.yaml"
    assert deploy["s3_prefix"] == deploy.get("stack_name", "partner-orders")


def test_local_invoke_reads_the_plain_build() -> None:
    """`sam local invoke` runs what a plain `sam build` left."""
    invoke = SAMCONFIG["default"]["local_invoke"]["parameters"]
    assert invoke["template_file"] == f"{PLAIN_BUILDS}/template.yaml"


@pytest.mark.parametrize("folder", [".aws-sam/build", ".aws-sam/deploy/staging", "elsewhere"])
def test_plain_build_elsewhere_is_refused(tmp_path: Path, folder: str) -> None:
    """A build that names no processor is refused anywhere but in the folder for this machine."""
    done = plain_build(tmp_path / folder / "PartnerOrdersLayer")
    assert done.returncode != 0
    assert "A plain sam build is for this machine and must not be deployed" in done.stderr
    assert "Stop" in done.stderr


def test_plain_build_for_this_machine_begins(tmp_path: Path) -> None:
    """A plain build into the folder for this machine is not refused."""
    done = plain_build(tmp_path / PLAIN_BUILDS / "PartnerOrdersLayer")
    assert done.returncode == 0, done.stderr
    assert re.search(r"--python-platform \w+-manylinux2014", done.stdout)


def plain_build(artifacts: Path) -> subprocess.CompletedProcess[str]:
    """What `make` would run for the layer, as `sam build` calls it; a refusal comes all the same."""
    return subprocess.run(
        ["/usr/bin/make", "--dry-run", "-C", LAYER, "build-PartnerOrdersLayer"],
        env={"PATH": "/usr/bin:/bin", "ARTIFACTS_DIR": str(artifacts)},
        capture_output=True,
        text=True,
        check=False,
    )
