"""Clients of AWS's services. By botocore, which boto3 is made on: boto3 itself would only add to a cold start."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config


@cache
def _session() -> botocore.session.Session:
    # One for all clients: it keeps what it has read of files.
    return botocore.session.get_session()


def client(service: str, config: Config) -> Any:
    """A client with the function's own region and credentials."""
    return _session().create_client(service, config=config)
