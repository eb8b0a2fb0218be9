"""The stack that puts CloudFront and a firewall before the webhook: what passes, what does not, and how it travels."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode import cfn_yaml

from partner_orders.order_events.message import MAX_BODY_BYTES
from tests.support.template import TEMPLATE, Template

EXAMPLE = TEMPLATE.parent / "docs" / "examples" / "cloudfront-waf" / "template.yaml"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_HEADERS_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


class Request(NamedTuple):
    """What the firewall looks at. ``length`` is the text of Content-Length."""

    method: str = "POST"
    path: str = "/order-events"
    length: str = "512"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    found: dict[str, Any] = cfn_yaml.load(str(EXAMPLE))
    return found


@pytest.fixture(scope="module")
def rules(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The firewall's rules, in the order in which they are tried."""
    [firewall] = Template(content).of_type("AWS::WAFv2::WebACL").values()
    return sorted(firewall["Rules"], key=lambda rule: int(rule["Priority"]))


@pytest.fixture(scope="module")
def distribution(content: dict[str, Any]) -> dict[str, Any]:
    [found] = Template(content).of_type("AWS::CloudFront::Distribution").values()
    config: dict[str, Any] = found["DistributionConfig"]
    return config


def response(rules: list[dict[str, Any]], request: Request) -> int | None:
    """The status with which the firewall refuses a request whatever its address, or None for one that passes."""
    for rule in rules:
        if "Block" in rule.get("Action", {}) and matches(rule["Statement"], request):
            return int(rule["Action"]["Block"]["CustomResponse"]["ResponseCode"])
    return None


def matches(statement: dict[str, Any], request: Request) -> bool:
    [(kind, parts)] = statement.items()
    match kind:
        case "NotStatement":
            return not matches(parts["Statement"], request)
        case "AndStatement":
            return all(matches(part, request) for part in parts["Statements"])
        case "ByteMatchStatement":
            assert parts["PositionalConstraint"] == "EXACTLY"
            return bool(looked_at(parts, request) == parts["SearchString"])
        case "RegexMatchStatement":
            return re.search(parts["RegexString"], looked_at(parts, request)) is not None
        case _:
            raise AssertionError(kind)


def looked_at(parts: dict[str, Any], request: Request) -> str:
    assert [it["Type"] for it in parts["TextTransformations"]] == ["NONE"]
    [(field, of)] = parts["FieldToMatch"].items()
    if field == "SingleHeader":
        assert of["Name"] == "content-length"
        return request.length
    return {"Method": request.method, "UriPath": request.path}[field]


def values_of(name: str, node: Any) -> Iterator[Any]:
    """Every value that stands under a name, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from values_of(name, value)
    elif isinstance(node, list):
        for part in node:
            yield from values_of(name, part)


@pytest.mark.slow
def test_firewall_example_is_valid() -> None:
    """cfn-lint finds nothing wrong with the example."""
    assert lint(EXAMPLE.read_text(encoding="utf-8"), config=ManualArgs(regions=["us-east-1"])) == []


def test_firewall_is_cloudfronts(content: dict[str, Any], distribution: dict[str, Any]) -> None:
    """The distribution has the firewall, which can be made in us-east-1 alone; any other region is refused before."""
    [name] = Template(content).of_type("AWS::WAFv2::WebACL")
    assert Template(content).properties(name)["Scope"] == "CLOUDFRONT"
    assert distribution["WebACLId"] == {"Fn::GetAtt": [name, "Arn"]}
    [region] = content["Rules"]["RegionOfCloudFront"]["Assertions"]
    assert region["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert ":us-east-1:" in content["Parameters"]["CertificateArn"]["AllowedPattern"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request(), None),
        (Request(method="GET"), 404),
        (Request(method="post"), 404),
        (Request(method="OPTIONS"), 404),
        (Request(path="/"), 404),
        (Request(path="/order-events/"), 404),
        (Request(path="/Order-Events"), 404),
        (Request(path="/../order-events"), 404),
        (Request(method="PUT", path="/answers"), 404),
    ],
)
def test_only_the_webhooks_route_passes(rules: list[dict[str, Any]], request_: Request, status: int | None) -> None:
    """Everything but a POST to the webhook's path gets 404, as from the API itself."""
    assert response(rules, request_) == status


def test_webhooks_route_is_the_stacks(rules: list[dict[str, Any]]) -> None:
    """The path that passes is the one that the stack has."""
    stack: Any = cfn_yaml.load(str(TEMPLATE))
    paths = stack["Resources"]["OrderEventsApi"]["Properties"]["DefinitionBody"]["paths"]
    assert [(path, list(methods)) for path, methods in paths.items()] == [("/order-events", ["post"])]
    assert response(rules, Request(path=next(iter(paths)))) is None


def test_firewall_has_the_webhooks_limit(rules: list[dict[str, Any]]) -> None:
    """A stated length is refused with 413 from the webhook's limit on, and not a byte earlier."""
    tens = {10**power + step for power in range(1, 13) for step in (-1, 0, 1)}
    steps = {first + step for first in (262_200, 263_000, 270_000, 300_000) for step in (-1, 0)}
    for length in {0, *range(MAX_BODY_BYTES - 60, MAX_BODY_BYTES + 60), *tens, *steps}:
        expected = 413 if length > MAX_BODY_BYTES else None
        assert response(rules, Request(length=str(length))) == expected
        assert response(rules, Request(length=f"00{length}")) == expected


def test_no_rule_looks_into_bodies(rules: list[dict[str, Any]]) -> None:
    """No rule inspects bodies, of which WAF sees only the beginning; AWS's groups for them are not there."""
    assert [*values_of("Body", rules), *values_of("JsonBody", rules)] == []
    groups = [group["Name"] for group in values_of("ManagedRuleGroupStatement", rules)]
    assert groups == ["AWSManagedRulesAmazonIpReputationList"]


def test_flood_of_one_address_is_stopped(content: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    """The first rule counts every request by address, and stops one before it can use up the API's throttle."""
    rate = rules[0]["Statement"]["RateBasedStatement"]
    assert rate["AggregateKeyType"] == "IP"
    assert "ScopeDownStatement" not in rate
    assert rate["Limit"] == {"Ref": "RequestsInFiveMinutes"}
    stack: Any = cfn_yaml.load(str(TEMPLATE))
    throttle = stack["Resources"]["OrderEventsApi"]["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"]
    assert content["Parameters"]["RequestsInFiveMinutes"]["MaxValue"] < throttle * rate["EvaluationWindowSec"]


def test_addresses_are_counted_before_blocked(content: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    """The rules on addresses only count until somebody says BLOCK."""
    assert content["Parameters"]["FloodRules"]["Default"] == "COUNT"
    assert content["Conditions"]["Blocks"] == {"Fn::Equals": [{"Ref": "FloodRules"}, "BLOCK"]}
    rate, reputation, *others = rules
    assert rate["Action"]["Fn::If"] == ["Blocks", {"Block": {"CustomResponse": {"ResponseCode": 429}}}, {"Count": {}}]
    assert reputation["OverrideAction"]["Fn::If"] == ["Blocks", {"None": {}}, {"Count": {}}]
    assert all("Block" in rule["Action"] for rule in others)


def test_nothing_is_cached(distribution: dict[str, Any]) -> None:
    """Every request goes on to the webhook with its Authorization, and no response is cached."""
    behaviour = distribution["DefaultCacheBehavior"]
    assert "CacheBehaviors" not in distribution
    assert behaviour["CachePolicyId"] == CACHING_DISABLED
    assert behaviour["OriginRequestPolicyId"] == ALL_HEADERS_BUT_HOST
    assert "POST" in behaviour["AllowedMethods"]


def test_both_ways_are_tls_1_2(distribution: dict[str, Any]) -> None:
    """The platform reaches CloudFront, and CloudFront the API, by TLS 1.2 at least, and by nothing else."""
    assert distribution["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    # CloudFront's own certificate would admit TLS 1.0, whatever else is said.
    assert "CloudFrontDefaultCertificate" not in distribution["ViewerCertificate"]
    [origin] = distribution["Origins"]
    assert origin["DomainName"] == {"Ref": "OriginDomainName"}
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert origin["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]


def test_firewall_keeps_no_secret(content: dict[str, Any], distribution: dict[str, Any]) -> None:
    """No request is sampled or logged: either would show the webhook secret, or a caller's whole address."""
    samples = [*values_of("SampledRequestsEnabled", content["Resources"])]
    assert samples
    assert not any(samples)
    assert "Logging" not in distribution
    assert not Template(content).of_type("AWS::WAFv2::LoggingConfiguration")
