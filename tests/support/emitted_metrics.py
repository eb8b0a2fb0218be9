"""The metrics that functions print, as CloudWatch reads them, and the alarms that they make fire."""

import json
from collections import Counter
from typing import TYPE_CHECKING

from tests.support.alarms import Samples, State, metrics, states

if TYPE_CHECKING:
    # Importing what expands the template takes seconds.
    from tests.support.template import Template

type Emitted = dict[str, list[float]]

NAMESPACE = "PartnerOrders"
# The units of all others are counts.
UNITS = dict.fromkeys(("Lag", "Age", "AnswerSeconds", "UrgentSeconds"), "Seconds")
HOURS = 8
MINUTES = range(HOURS * 60)


def emitted(text: str) -> Emitted:
    """The values by metric, of the printed lines in CloudWatch's embedded metric format. Asserts that each has the
    namespace and the dimension that alarms look under, and the unit that their thresholds are in."""
    found: Emitted = {}
    for line in filter(lambda line: line.startswith("{"), text.splitlines()):
        content = json.loads(line)
        for directive in content.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == NAMESPACE
            assert directive["Dimensions"] == [["service"]]
            assert content["service"]
            for metric in directive["Metrics"]:
                name = metric["Name"]
                assert metric["Unit"] == UNITS.get(name, "Count"), name
                found.setdefault(name, []).extend(map(float, content[name]))
    return found


def sums(text: str) -> Counter[str]:
    """What the printed metrics add up to, by name."""
    return Counter({name: int(sum(values)) for name, values in emitted(text).items()})


def repeated(found: Emitted, every: int = 5) -> Samples:
    """The same values in every so many minutes, for hours."""
    return {name: dict.fromkeys(MINUTES[::every], values) for name, values in found.items()}


def fired(template: "Template", samples: Samples) -> set[str]:
    """The alarms on metrics of ours that are active at the end of these hours."""
    ours = {name: alarm for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items() if services(alarm)}
    return {name for name, alarm in ours.items() if states(alarm, samples, MINUTES[-30:])[-1] is State.ALARM}


def alarms_of(template: "Template", *functions: str) -> set[str]:
    """The alarms on a metric that one of the functions emits."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    return {name for name, alarm in alarms.items() if services(alarm) & {*functions}}


def services(alarm: dict[str, object]) -> set[str]:
    """The functions whose metrics an alarm watches."""
    ours = [metric for metric in metrics(alarm).values() if metric.namespace == NAMESPACE]
    return {metric.dimensions["service"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for metric in ours}
