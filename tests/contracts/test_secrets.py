"""The simulated secrets do what moto's Secrets Manager does, under the calls that the functions make."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from partner_orders.platform.webhook_secret import REFRESH_EVERY_SECONDS, WebhookSecret
from tests.support.aws import simulated_aws
from tests.support.contracts import FAKE, MOTO
from tests.support.platform import VirtualTime
from tests.support.protocols import SecretsCalls
from tools.simulation.simulated_secrets import SimulatedSecrets

NAME = "webhook-secret"

type Secrets = tuple[SecretsCalls, Callable[[str], object]]


@pytest.fixture(params=[FAKE, MOTO])
def secrets(request: pytest.FixtureRequest) -> Iterator[Secrets]:
    """The client, and how the secret is rotated."""
    if request.param == FAKE:
        simulated = SimulatedSecrets("first", lambda _id, _stage, effect: effect(), {})
        yield simulated, simulated.rotate
        return
    with simulated_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name=NAME, SecretString="first")
        yield client, lambda text: client.put_secret_value(SecretId=NAME, SecretString=text)


def read(client: SecretsCalls, **stage: str) -> str:
    return str(client.get_secret_value(SecretId=NAME, **stage)["SecretString"])


def test_stages(secrets: Secrets) -> None:
    """There is no previous version before the first rotation, and one after it."""
    client, rotate = secrets
    assert read(client) == read(client, VersionStage="AWSCURRENT") == "first"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        read(client, VersionStage="AWSPREVIOUS")
    rotate("second")
    assert (read(client), read(client, VersionStage="AWSPREVIOUS")) == ("second", "first")
    rotate("third")
    assert (read(client), read(client, VersionStage="AWSPREVIOUS")) == ("third", "second")


def test_webhook_secret(secrets: Secrets, time: VirtualTime) -> None:
    """The webhook admits both versions after a rotation, and no other."""
    client, rotate = secrets
    boto: Any = client
    secret = WebhookSecret(boto, NAME, time.monotonic)
    assert secret.admits("first")
    rotate("second")
    time.sleep(REFRESH_EVERY_SECONDS + 1)
    assert [secret.admits(text) for text in ("first", "second", "third")] == [True, True, False]
