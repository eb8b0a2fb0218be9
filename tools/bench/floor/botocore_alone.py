"""Stands in the place of boto3 for the lowest floor: clients by botocore alone, without the SDK's check of what is
sent, as ours make them on their hot paths."""

from typing import Any

import botocore.session
from botocore.config import Config

session = botocore.session.get_session()


def client(service: str) -> Any:
    return session.create_client(service, config=Config(parameter_validation=False))
