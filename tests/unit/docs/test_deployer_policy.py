"""The deployer's rights in docs/examples: all that the template's resources need, and nothing beside the stack."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support.template import CATALOGUE, TEMPLATE, Template, expanded

EXAMPLES = TEMPLATE.parent / "docs" / "examples"
STATEMENTS: list[dict[str, Any]] = json.loads((EXAMPLES / "deployer-policy.json").read_text(encoding="utf-8"))[
    "Statement"
]
# What the catalogue needs beside it, as a policy of its own: a role's inline policies would be too long.
OF_CATALOGUE: list[dict[str, Any]] = json.loads(
    (EXAMPLES / "deployer-policy-catalogue.json").read_text(encoding="utf-8")
)["Statement"]
MANAGED_POLICY_MAX = 6_144  # characters of a managed policy, without white space
ROLE_POLICIES_MAX = 10_240  # characters of a role's inline policies, without white space
REGION, ACCOUNT = "eu-central-1", "111122223333"

# What CloudFormation asks for a property that the template does not use, by type and property.
NOT_USED: dict[str, dict[str, set[str]]] = {
    "AWS::ApiGatewayV2::Api": {"BodyS3Location": {"s3:getObject"}},
    "AWS::ApiGatewayV2::DomainName": {"MutualTlsAuthentication": {"s3:GetObject", "s3:GetObjectVersion"}},
    "AWS::CodeDeploy::DeploymentGroup": {"OnPremisesInstanceTagFilters": {"codedeploy:RegisterOnPremisesInstance"}},
    "AWS::DynamoDB::Table": {
        "ImportSourceSpecification": {
            *("dynamodb:DescribeImport", "dynamodb:ImportTable", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem"),
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"),
            *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams"),
            *("logs:PutLogEvents", "logs:PutRetentionPolicy"),
            *("s3:GetObject", "s3:GetObjectMetadata", "s3:ListBucket"),
        },
        "ContributorInsightsSpecification": {"dynamodb:UpdateContributorInsights", "iam:CreateServiceLinkedRole"},
        "KinesisStreamSpecification": {
            *("dynamodb:DisableKinesisStreamingDestination", "dynamodb:EnableKinesisStreamingDestination"),
            *("dynamodb:UpdateKinesisStreamingDestination", "kinesis:DescribeStream", "kinesis:PutRecords"),
        },
        "Replicas": {"dynamodb:AssociateTableReplica", "dynamodb:CreateTableReplica"},
        "ResourcePolicy": {"dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"},
        # By its ARN, no alias has to be looked up; DynamoDB itself retires its grants.
        "KeyAlias": {"kms:ListAliases", "kms:RevokeGrant"},
    },
    "AWS::Events::EventBus": {
        "Policy": {"events:PutPermission", "events:RemovePermission"},
        "KmsKeyIdentifier": {
            *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncrypt"),
            *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
        },
    },
    "AWS::IAM::Role": {
        "ManagedPolicyArns": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},
        "PermissionsBoundary": {"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"},
    },
    "AWS::Lambda::Alias": {
        "ProvisionedConcurrencyConfig": {
            *("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
        }
    },
    "AWS::Lambda::EventSourceMapping": {"KmsKeyArn": {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}},
    "AWS::Lambda::Function": {
        "VpcConfig": {
            *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
            "ec2:DescribeNetworkInterfaces",
        },
        "FileSystemConfigs": {"elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"},
        "KmsKeyArn": {
            *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
        },
        "CodeSigningConfigArn": {
            *("lambda:DeleteFunctionCodeSigningConfig", "lambda:GetCodeSigningConfig"),
            "lambda:PutFunctionCodeSigningConfig",
        },
        "ReservedConcurrentExecutions": {"lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"},
        "RecursiveLoop": {"lambda:PutFunctionRecursionConfig"},
        "RuntimeManagementConfig": {"lambda:PutRuntimeManagementConfig", "lambda:AssociateRuntimeAlias"},
        "CapacityProviderConfig": {"lambda:PassCapacityProvider", "lambda:PutFunctionScalingConfig"},
    },
    "AWS::Lambda::Version": {
        "ProvisionedConcurrencyConfig": {"lambda:PutProvisionedConcurrencyConfig"},
        "RuntimePolicy": {"lambda:PutRuntimeManagementConfig"},
        "FunctionScalingConfig": {"lambda:PutFunctionScalingConfig"},
    },
    "AWS::Logs::LogGroup": {
        "DataProtectionPolicy": {
            *("logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "firehose:TagDeliveryStream"),
            "s3:REST.PUT.OBJECT",
        },
        "FieldIndexPolicies": {"logs:PutIndexPolicy", "logs:DeleteIndexPolicy"},
        "ResourcePolicyDocument": {"logs:DeleteResourcePolicy"},
        "DeletionProtectionEnabled": {"logs:PutLogGroupDeletionProtection"},
        "BearerTokenAuthenticationEnabled": {"logs:PutBearerTokenAuthentication"},
    },
    "AWS::S3::Bucket": {
        "AccelerateConfiguration": {"s3:PutAccelerateConfiguration"},
        "AccessControl": {"s3:PutBucketAcl", "s3:PutObjectAcl"},
        "AnalyticsConfigurations": {"s3:PutAnalyticsConfiguration", "s3:DeleteBucketAnalyticsConfiguration"},
        "CorsConfiguration": {"s3:PutBucketCORS", "s3:DeleteBucketCors"},
        "IntelligentTieringConfigurations": {"s3:PutIntelligentTieringConfiguration"},
        "InventoryConfigurations": {"s3:PutInventoryConfiguration"},
        "LoggingConfiguration": {"s3:PutBucketLogging"},
        "MetricsConfigurations": {"s3:PutMetricsConfiguration", "s3:DeleteBucketMetricsConfiguration"},
        "ObjectLockConfiguration": {
            *("s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration", "s3:DeleteObject"),
        },
        "ReplicationConfiguration": {
            *("s3:PutBucketReplication", "s3:PutReplicationConfiguration", "s3:DeleteBucketReplication"),
            "iam:PassRole",
        },
        "AbacStatus": {"s3:PutBucketAbac"},
        "WebsiteConfiguration": {"s3:PutBucketWebsite", "s3:DeleteBucketWebsite"},
        "MetadataTableConfiguration": {
            *("s3:CreateBucketMetadataTableConfiguration", "s3:DeleteBucketMetadataTableConfiguration"),
            *(f"s3:UpdateBucketMetadata{kind}TableConfiguration" for kind in ("Annotation", "Inventory", "Journal")),
            *("s3tables:CreateNamespace", "s3tables:CreateTable", "s3tables:CreateTableBucket", "s3tables:GetTable"),
            *("s3tables:GetTableMetadataLocation", "s3tables:PutTableBucketPolicy", "s3tables:PutTableEncryption"),
            *("s3tables:PutTablePolicy", "s3tables:UpdateTableMetadataLocation"),
        },
    },
    "AWS::SNS::Topic": {
        "DataProtectionPolicy": {"sns:PutDataProtectionPolicy"},
        "DeliveryStatusLogging": {"iam:GetRole", "iam:PassRole"},
    },
    "AWS::SecretsManager::Secret": {
        "ReplicaRegions": {
            *("secretsmanager:ReplicateSecretToRegions", "secretsmanager:RemoveRegionsFromReplication"),
        }
    },
}
# Actions for which AWS knows no resource, or none with a name of the stack's (service authorization reference).
ANY_RESOURCE = {
    *("cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate", "cloudwatch:DescribeAlarms"),
    *("lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"),
    *("lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "secretsmanager:GetRandomPassword"),
    *("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries"),
    *("logs:UpdateLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
}
# Where a resource of each type is, for a stack called {stack}. The ids of APIs and event source mappings are random.
PLACES = {
    "AWS::ApiGatewayV2::Api": "arn:aws:apigateway:{region}::/apis/a1b2",
    "AWS::ApiGatewayV2::ApiMapping": "arn:aws:apigateway:{region}::/domainnames/orders.example.com/apimappings",
    "AWS::ApiGatewayV2::DomainName": "arn:aws:apigateway:{region}::/domainnames/orders.example.com",
    "AWS::ApiGatewayV2::Stage": "arn:aws:apigateway:{region}::/apis/a1b2/stages",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{stack}-RejectedAlarm-1A2B",
    "AWS::CloudWatch::Dashboard": "arn:aws:cloudwatch::{account}:dashboard/{stack}-{region}",
    "AWS::CodeDeploy::Application": "arn:aws:codedeploy:{region}:{account}:application:{stack}-GradualDeployments-1A",
    "AWS::CodeDeploy::DeploymentGroup": "arn:aws:codedeploy:{region}:{account}:deploymentgroup:{stack}-G-1/{stack}-W-1",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{stack}-OrdersTable-1A2B",
    "AWS::Events::EventBus": "arn:aws:events:{region}:{account}:event-bus/{stack}-order-changes",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{stack}-WebhookRole-1A2B",
    "AWS::Lambda::Alias": "arn:aws:lambda:{region}:{account}:function:{stack}-WebhookFunction-1A2B:live",
    "AWS::Lambda::EventInvokeConfig": "arn:aws:lambda:{region}:{account}:function:{stack}-ReconcilerFunction-1A2B",
    "AWS::Lambda::EventSourceMapping": "arn:aws:lambda:{region}:{account}:event-source-mapping:1a2b",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{stack}-WebhookFunction-1A2B",
    "AWS::Lambda::LayerVersion": "arn:aws:lambda:{region}:{account}:layer:{stack}-partner-orders:3",
    "AWS::Lambda::Permission": "arn:aws:lambda:{region}:{account}:function:{stack}-WebhookFunction-1A2B",
    "AWS::Lambda::Version": "arn:aws:lambda:{region}:{account}:function:{stack}-WebhookFunction-1A2B:7",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{stack}-WebhookLogGroup-1A2B",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{stack}-AlarmTopic-1A2B",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{stack}-OrderEventsQueue-1A2B",
    "AWS::Scheduler::Schedule": "arn:aws:scheduler:{region}:{account}:schedule/default/{stack}-reconciliation",
    # CloudFormation gives a secret the name of its logical id.
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:WebhookSecret-1A2B",
}
# Of the catalogue's template, beside those of types that both have.
PLACES_OF_CATALOGUE = {
    "AWS::S3::Bucket": "arn:aws:s3:::{stack}-catalogue-filesbucket-1a2b",
    "AWS::S3::BucketPolicy": "arn:aws:s3:::{stack}-catalogue-filesbucket-1a2b",
    "AWS::SQS::QueuePolicy": "arn:aws:sqs:{region}:{account}:{stack}-catalogue-FilesQueue-1A2B",
}
# What a type's handler asks of another type's resources.
ELSEWHERE = {
    "iam:PassRole": PLACES["AWS::IAM::Role"],
    "lambda:GetLayerVersion": PLACES["AWS::Lambda::LayerVersion"],
    "codedeploy:GetDeploymentConfig": (
        "arn:aws:codedeploy:{region}:{account}:deploymentconfig:CodeDeployDefault.LambdaCanary10Percent15Minutes"
    ),
    "s3:GetObject": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/1a2b",
    "s3:GetObjectVersion": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/1a2b",
    "codedeploy:CreateDeployment": PLACES["AWS::CodeDeploy::DeploymentGroup"],
    "codedeploy:GetDeployment": PLACES["AWS::CodeDeploy::DeploymentGroup"],
    "codedeploy:GetDeploymentGroup": PLACES["AWS::CodeDeploy::DeploymentGroup"],
    "codedeploy:StopDeployment": PLACES["AWS::CodeDeploy::DeploymentGroup"],
    **dict.fromkeys(
        ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"],
        "arn:aws:kms:{region}:{account}:key/PASTE-THE-KEY-ID-HERE",
    ),
}
# What sam and `partner-orders doctor` call beside CloudFormation's handlers, and what the access log's delivery needs.
BESIDE = {
    *("cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DeleteStack"),
    *("cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
    *("cloudformation:DescribeStackResources", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate"),
    *("cloudformation:GetTemplateSummary", "cloudformation:ListStackResources", "cloudformation:ValidateTemplate"),
    *("s3:CreateBucket", "s3:DeleteObject", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"),
    *("s3:GetEncryptionConfiguration", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging"),
    *("s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutObject"),
    *("logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:UpdateLogDelivery"),
    *("lambda:GetFunctionConcurrency", "lambda:GetAccountSettings", "lambda:ListEventSourceMappings"),
    *("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"),
    # API Gateway has its own role in an account; the first API of the account makes it.
    "iam:CreateServiceLinkedRole",
    # Secrets Manager encrypts a secret under the chain's own key with the caller's right to it.
    "kms:GenerateDataKey",
}
UNNAMED = ("AWS::ApiGatewayV2::", "AWS::Lambda::EventSourceMapping", "AWS::SecretsManager::")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_allowed(action: str, resource: str, statements: list[dict[str, Any]] = STATEMENTS) -> bool:
    """Whether a statement allows the action on the resource, its conditions met."""
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )


def needed(template: Template, kind: str) -> set[str]:
    """The actions that CloudFormation's handlers of a type call for the properties that the template uses."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema["handlers"]
    actions = {action for name in handlers if name != "list" for action in handlers[name].get("permissions", [])}
    used = {name for properties in template.of_type(kind).values() for name in properties}
    return actions.difference(*(asked for name, asked in NOT_USED.get(kind, {}).items() if name not in used))


@pytest.fixture(scope="module")
def template() -> Template:
    return expanded()


def test_every_type_has_its_place(template: Template) -> None:
    """Each resource type of the template is one that this test knows, and there is none besides."""
    assert {resource["Type"] for resource in template.resources.values()} == PLACES.keys()


@pytest.mark.parametrize("stack", ["partner-orders", "partner-orders-staging"])
@pytest.mark.parametrize("kind", PLACES)
def test_deployer_may_do_what_is_needed(template: Template, kind: str, stack: str) -> None:
    """The policy allows whatever CloudFormation does to create, read, update and delete each resource."""
    names = {"region": REGION, "account": ACCOUNT, "stack": stack}
    missing = {
        action
        for action in needed(template, kind)
        if not is_allowed(action, ELSEWHERE.get(action, PLACES[kind]).format(**names))
    }
    assert missing == set()


@pytest.fixture(scope="module")
def catalogue() -> Template:
    return expanded(CATALOGUE)


@pytest.mark.parametrize("stack", ["partner-orders", "partner-orders-staging"])
def test_deployer_may_deploy_the_catalogue(catalogue: Template, stack: str) -> None:
    """Both policies together allow whatever CloudFormation does with each resource of the catalogue."""
    names = {"region": REGION, "account": ACCOUNT, "stack": stack}
    places = PLACES | PLACES_OF_CATALOGUE
    kinds = {resource["Type"] for resource in catalogue.resources.values()}
    assert kinds - PLACES.keys() == PLACES_OF_CATALOGUE.keys()
    missing = {
        (kind, action)
        for kind in kinds
        for action in needed(catalogue, kind)
        if not is_allowed(action, ELSEWHERE.get(action, places[kind]).format(**names), [*STATEMENTS, *OF_CATALOGUE])
    }
    assert missing == set()


def test_catalogues_policy_is_exact(catalogue: Template) -> None:
    """The catalogue's policy allows nothing that only other resources need, on nothing of another stack's, and fits."""
    wanted = set[str]().union(*(needed(catalogue, kind) for kind in ("AWS::Lambda::Function", *PLACES_OF_CATALOGUE)))
    actions = {action for statement in OF_CATALOGUE for action in listed(statement["Action"])}
    assert actions <= wanted
    assert not any(is_allowed(action, "arn:aws:s3:::payroll-files", OF_CATALOGUE) for action in actions)
    for statement in OF_CATALOGUE:
        assert all(":partner-orders-*" in resource for resource in listed(statement["Resource"]))
    assert len(json.dumps(OF_CATALOGUE, separators=(",", ":"))) < MANAGED_POLICY_MAX


@pytest.mark.parametrize("kind", [kind for kind in PLACES if not kind.startswith(UNNAMED)])
def test_deployer_leaves_other_stacks_alone(template: Template, kind: str) -> None:
    """The policy allows nothing on a resource of another stack's, but what has no resource at all."""
    for action in needed(template, kind) - ANY_RESOURCE:
        for names in ({"stack": "payroll", "account": ACCOUNT}, {"stack": "partner-orders", "account": "999999999999"}):
            place = PLACES[kind].format(region=REGION, **names)
            assert not is_allowed(action, place), (action, place)


def test_deployer_policy_has_no_wildcards() -> None:
    """No action is a pattern, and only actions without resources of their own are allowed on every resource."""
    for statement in STATEMENTS:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), action
        if "*" in listed(statement["Resource"]):
            assert {*listed(statement["Action"])} <= ANY_RESOURCE, statement["Sid"]
        for resource in listed(statement["Resource"]):
            assert resource == "*" or not re.search(r"[:/]\*:", resource), resource


def test_deployer_policy_allows_only_what_is_needed(template: Template) -> None:
    """Every action that the policy allows is one that a resource, sam or doctor needs."""
    wanted = BESIDE.union(*(needed(template, kind) for kind in PLACES))
    assert {action for statement in STATEMENTS for action in listed(statement["Action"])} - wanted == set()


def test_deployer_passes_roles_to_its_services() -> None:
    """Only the stack's own roles can be passed, and only to the services that take one in the template."""
    template_roles = expanded().of_type("AWS::IAM::Role").values()
    services = {
        statement["Principal"]["Service"]
        for role in template_roles
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if "Service" in statement["Principal"]
    }
    [passing] = [statement for statement in STATEMENTS if "iam:PassRole" in listed(statement["Action"])]
    assert {*passing["Condition"]["StringEquals"]["iam:PassedToService"]} == services
    [sources] = [it for it in STATEMENTS if "lambda:CreateEventSourceMapping" in listed(it["Action"])]
    assert sources["Condition"]["ArnLike"]["lambda:FunctionArn"].endswith(":function:partner-orders-*")


def test_deployer_policy_fits_a_role() -> None:
    """The policy fits as an inline policy of one role."""
    assert len(json.dumps(STATEMENTS, separators=(",", ":"))) < ROLE_POLICIES_MAX


def test_trust_is_of_one_environment() -> None:
    """The role trusts one environment of one repository, by exact names."""
    [trust] = json.loads((EXAMPLES / "deployer-trust.json").read_text(encoding="utf-8"))["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"].keys() == {"StringEquals"}
    values = trust["Condition"]["StringEquals"]
    assert values["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert re.fullmatch(r"repo:[\w-]+/[\w-]+:environment:\w+", values["token.actions.githubusercontent.com:sub"])


def test_workflow_deploys_without_keys() -> None:
    """The workflow has no secret, asks for a token only where it deploys, and deploys a section of samconfig.toml."""
    text = (EXAMPLES / "deploy.yml").read_text(encoding="utf-8")
    workflow: dict[Any, Any] = yaml.safe_load(text)
    assert "secrets." not in text
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert job["environment"] == "${{ inputs.environment }}"
    assert not workflow["concurrency"]["cancel-in-progress"]
    [credentials] = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
    assert credentials["role-to-assume"] == "${{ vars.DEPLOYER_ROLE_ARN }}"
    assert not {"aws-access-key-id", "aws-secret-access-key"} & credentials.keys()
    # An expression in a command would run whatever its value says.
    assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]
    sections = (TEMPLATE.parent / "samconfig.toml").read_text(encoding="utf-8")
    for name in workflow[True]["workflow_dispatch"]["inputs"]["environment"]["options"]:
        assert f"[{name}.deploy.parameters]" in sections, name


def test_workflow_commands_exist() -> None:
    """Every make target that the workflow calls exists."""
    makefile = (TEMPLATE.parent / "Makefile").read_text(encoding="utf-8")
    [job] = yaml.safe_load((EXAMPLES / "deploy.yml").read_text(encoding="utf-8"))["jobs"].values()
    targets = re.findall(r"\bmake (\w+)", " ".join(step.get("run", "") for step in job["steps"]))
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
