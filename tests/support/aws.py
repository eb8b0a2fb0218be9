"""AWS in this process: moto's, empty at each start."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

import boto3
from moto import backend_index, mock_aws

# moto compares each request with the addresses of all services, in this order.
_SERVICES = ("dynamodb", "dynamodbstreams", "sqs", "secretsmanager")
_ADDRESSES = sorted(backend_index.backend_url_patterns, key=lambda address: address[0] not in _SERVICES)


@contextmanager
def simulated_aws() -> Iterator[boto3.Session]:
    """Simulate AWS until the context ends; gives the session that ``boto3.client`` uses, too."""
    with patch.object(backend_index, "backend_url_patterns", _ADDRESSES), mock_aws():
        boto3.DEFAULT_SESSION = _session()
        yield _session()


@cache
def _session() -> boto3.Session:
    # One for all tests: it reads AWS's descriptions of its services once. That is most of the time a client takes.
    return boto3.Session()
