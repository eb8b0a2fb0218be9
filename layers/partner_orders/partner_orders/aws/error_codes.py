"""How a failure is named where failures are counted."""

from botocore.exceptions import ClientError


def code_of(error: BaseException) -> str:
    """AWS's code of an error, such as ThrottlingException; the name of its class for any other."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
