"""Who makes a call, for what is recorded of it."""

from partner_orders_console.operations.stack import DeployedStack


def caller(stack: DeployedStack) -> str:
    """The ARN of the signed-in user or role. Raises botocore's errors."""
    return str(stack.client("sts").get_caller_identity()["Arn"])
