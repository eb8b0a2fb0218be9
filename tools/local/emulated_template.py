"""The built template as MiniStack accepts it: without CodeDeploy, without alarms on an expression over metrics, and
without the bucket policy that asks for TLS, which would lock out plain http.

MiniStack moves an alias at once. It ignores `ExcludePunctuation`, so the characters are named.
"""

import os
import string
import tempfile
from pathlib import Path
from typing import Any

import yaml

# On MiniStack an alarm on one metric of an expression would fire where the expression does not.
NOT_EVALUATED = "NotEvaluatedHere"


def emulated(template: Path) -> Path:
    """A copy beside the built template, in which each alarm on an expression never fires: it watches the expression's
    first metric under a namespace that nobody writes to. tests/unit/template judges the real ones."""
    content = yaml.safe_load(template.read_text(encoding="utf-8"))
    resources = content["Resources"]
    for name in [name for name, resource in resources.items() if _is_left_out(resource)]:
        del resources[name]
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Alias":
            resource.pop("UpdatePolicy", None)
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            resource["Properties"] = _on_a_metric(resource["Properties"])
        if resource.get("Properties", {}).get("GenerateSecretString", {}).get("ExcludePunctuation"):
            resource["Properties"]["GenerateSecretString"]["ExcludeCharacters"] = string.punctuation
    copy = template.with_name("emulated.yaml")
    # Several processes may deploy the same build at once.
    descriptor, name = tempfile.mkstemp(dir=template.parent, suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    Path(name).replace(copy)
    return copy


def _is_left_out(resource: dict[str, Any]) -> bool:
    if resource["Type"] == "AWS::S3::BucketPolicy":
        return "aws:SecureTransport" in str(resource["Properties"])
    return bool(resource["Type"].startswith("AWS::CodeDeploy::"))


def _on_a_metric(alarm: dict[str, Any]) -> dict[str, Any]:
    first = next(query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query)
    others = {name: value for name, value in alarm.items() if name != "Metrics"}
    metric = first["Metric"] | {"Namespace": NOT_EVALUATED}
    return {**others, **metric, "Statistic": first["Stat"], "Period": first["Period"]}
