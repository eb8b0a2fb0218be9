"""AWS in this process: moto's, empty at each start."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import boto3
from moto import mock_aws


@contextmanager
def simulated_aws() -> Iterator[boto3.Session]:
    """Simulate AWS until the context ends; gives the session that ``boto3.client`` uses, too."""
    with mock_aws():
        boto3.DEFAULT_SESSION = _session()
        yield _session()


@cache
def _session() -> boto3.Session:
    # One for all tests: it reads AWS's descriptions of its services once. That is most of the time a client takes.
    return boto3.Session()
