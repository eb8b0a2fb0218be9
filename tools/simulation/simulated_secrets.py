"""Secrets Manager, as the functions see it."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tools.simulation.world import World

TOKEN = "a-token-of-the-platform"  # noqa: S105 (of the simulated one)


class SimulatedSecrets:
    """Secrets Manager with the webhook secret in its two stages, and the Partner API's."""

    class exceptions:  # noqa: N801 (boto3's name)
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self, world: "World") -> None:
        self._world = world
        self.webhook = {"AWSCURRENT": "first secret"}

    def rotate(self, secret: str) -> None:
        self.webhook = {"AWSCURRENT": secret, "AWSPREVIOUS": self.webhook["AWSCURRENT"]}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "AWSCURRENT") -> dict[str, str]:  # noqa: N803
        world = self._world
        world.kernel.sleep(world.chance.uniform(0.005, 0.05))
        world.dies_or_hangs("GetSecretValue")
        if world.faults.strikes("secret_unavailable", SecretId):
            raise ClientError({"Error": {"Code": "InternalServiceError", "Message": ""}}, "GetSecretValue")
        if SecretId == "partner-api-secret":
            return {"SecretString": json.dumps({"token": TOKEN})}
        if VersionStage not in self.webhook:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.webhook[VersionStage]}
