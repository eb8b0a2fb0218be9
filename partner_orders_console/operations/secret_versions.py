"""The versions of a secret by their labels, which Secrets Manager calls stages."""

from partner_orders_console.operations.stack import DeployedStack


class SecretVersions:
    """The versions of the secret whose ARN is an output of the stack. Every method raises botocore's errors."""

    def __init__(self, stack: DeployedStack, output: str) -> None:
        self.client = stack.client("secretsmanager")
        self.arn = stack.output(output)

    def labels(self) -> dict[str, str]:
        """The version of each label."""
        versions = self.client.describe_secret(SecretId=self.arn).get("VersionIdsToStages", {})
        return {label: version for version, labels in versions.items() for label in labels}

    def labelled(self, label: str) -> str:
        """The version of a label; empty without one."""
        return self.labels().get(label, "")

    def label(self, label: str, version_id: str) -> None:
        """Move a label to a version. AWS moves AWSPREVIOUS by itself."""
        holder = self.labelled(label)
        if holder != version_id:
            self._move(label, MoveToVersionId=version_id, **({"RemoveFromVersionId": holder} if holder else {}))

    def unlabel(self, label: str) -> None:
        """Take a label away. A version without any is deleted by AWS some time later."""
        if holder := self.labelled(label):
            self._move(label, RemoveFromVersionId=holder)

    def _move(self, label: str, **versions: str) -> None:
        self.client.update_secret_version_stage(SecretId=self.arn, VersionStage=label, **versions)
