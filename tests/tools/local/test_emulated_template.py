"""The template that the local AWS gets: as built, but for what MiniStack refuses."""

import string
from pathlib import Path

import yaml

from tests.support.template import expanded
from tools.local.emulated_template import NOT_EVALUATED, emulated


def test_emulated_alarms_watch_one_metric(tmp_path: Path) -> None:
    """An alarm on an expression watches a metric that is never there; every other resource is as it was."""
    built = tmp_path / "template.yaml"
    resources = expanded().resources
    built.write_text(yaml.safe_dump({"Resources": resources}))
    copied = yaml.safe_load(emulated(built).read_text())["Resources"]
    gone = {name for name, resource in resources.items() if resource["Type"].startswith("AWS::CodeDeploy::")}
    assert gone
    assert copied.keys() == resources.keys() - gone
    aliases = {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Alias"}
    assert not [name for name in aliases if "UpdatePolicy" in copied[name]]
    generated = {name for name, resource in resources.items() if "GenerateSecretString" in resource["Properties"]}
    changed = {name for name, resource in copied.items() if resource != resources[name]} - aliases - generated
    assert changed == {name for name, resource in resources.items() if "Metrics" in resource["Properties"]} != set()
    for name in changed:
        properties = copied[name]["Properties"]
        assert {"Namespace", "MetricName", "Dimensions", "Statistic", "Period"} <= properties.keys()
        assert properties["Namespace"] == NOT_EVALUATED
        assert properties["Threshold"] == resources[name]["Properties"]["Threshold"]
    assert [path.name for path in tmp_path.glob("*.yaml") if path != built] == ["emulated.yaml"]


def test_emulated_secret_has_no_punctuation(tmp_path: Path) -> None:
    """A secret that MiniStack makes has letters and digits alone, as on AWS; nothing else of it is changed."""
    built = tmp_path / "template.yaml"
    webhook_secret = {"WebhookSecret": expanded().resources["WebhookSecret"]}
    built.write_text(yaml.safe_dump({"Resources": webhook_secret}))
    copied = yaml.safe_load(emulated(built).read_text())["Resources"]["WebhookSecret"]["Properties"]
    asked = webhook_secret["WebhookSecret"]["Properties"]
    assert asked["GenerateSecretString"]["ExcludePunctuation"]
    excluded = copied["GenerateSecretString"].pop("ExcludeCharacters")
    assert not {*excluded} & {*string.ascii_letters, *string.digits}
    assert {*'{}[]"`'} < {*excluded}
    assert copied == asked
