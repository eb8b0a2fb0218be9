"""The catalogue's stack, deployed beside an orders stack under its name with ``-catalogue`` after it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from partner_orders.catalogue.tables import Tables
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.table import PromotionsTable
from partner_orders.store_status.table import StatusesTable
from partner_orders.uploader.uploads_table import UploadsTable
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

SUFFIX = "-catalogue"
# What the catalogue's parameters take from the orders stack: its outputs and its own parameters of the same names.
FROM_OUTPUTS = (
    *("PartnerApiSecretArn", "WebhookSecretArn", "RequestBudgetTableName", "RequestBudgetTableArn"),
    *("OrderChangesBusName", "OrderChangesBusArn"),
)
FROM_PARAMETERS = (
    *("ChainId", "PartnerApiBaseUrl", "RateLimitPerMinute", "KmsKeyArn", "Architecture", "LogRetentionDays"),
    *("LogLevel", "Tracing", "AlarmEmail", "AlarmTopicArn"),
)


def shared_parameters(outputs: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """The catalogue's parameters that follow from an orders stack's outputs and parameters. An output that the stack
    does not have is empty: with it, the part that it names is left out."""
    found = {name: outputs.get(name, "") for name in FROM_OUTPUTS}
    return found | {name: parameters[name] for name in FROM_PARAMETERS if name in parameters}


def has_catalogue(stack: DeployedStack) -> bool:
    """Whether an orders stack is deployed with a catalogue beside it."""
    return stack.parameters.get("Catalogue") == "ENABLED"


@dataclass(frozen=True)
class CatalogueStack:
    """``orders`` is the stack beside it; ``deployed`` is the catalogue's own."""

    orders: DeployedStack
    deployed: DeployedStack

    @classmethod
    def of(cls, stack: DeployedStack) -> Self | None:
        """The catalogue beside an orders stack; None if it is not deployed."""
        beside = replace(stack, name=stack.name + SUFFIX, local_webhook_url=None, headers={})
        try:
            beside.status  # noqa: B018 - asks AWS
        except OperatorError:
            return None
        return cls(stack, beside)

    @classmethod
    def beside(cls, stack: DeployedStack) -> Self | None:
        """The same, without a call of AWS where the orders stack says that it has none."""
        return cls.of(stack) if has_catalogue(stack) else None

    @property
    def name(self) -> str:
        return self.deployed.name

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, by name."""
        return self.deployed.outputs

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters it was deployed with, by name."""
        return self.deployed.parameters

    def output(self, name: str) -> str:
        """Raises OperatorError for an output that the stack does not have."""
        return self.deployed.output(name)

    def client(self, service: str, is_slow: bool = False) -> Any:
        """A client of an AWS service; ``is_slow`` for calls that take as long as a function may."""
        return self.deployed.client(service, is_slow)

    @property
    def tables(self) -> Tables:
        """The rows of the catalogue's table. Raises OperatorError if the stack's first deployment failed."""
        return Tables.named(self.client("dynamodb"), self.output("CatalogueTableName"))

    @property
    def statuses(self) -> StatusesTable:
        """The stores' status on the platform. Raises OperatorError as ``tables`` does."""
        return StatusesTable(self.client("dynamodb"), self.output("CatalogueTableName"))

    @property
    def promotions(self) -> PromotionsTable:
        """Promotions as they are wished and taken. Raises OperatorError as ``tables`` does."""
        return PromotionsTable(self.client("dynamodb"), self.output("CatalogueTableName"))

    @property
    def promotion_bodies(self) -> Bodies:
        """The bodies and documents of promotions. Raises OperatorError as ``tables`` does."""
        return Bodies(self.client("s3"), self.output("FilesBucketName"))

    @property
    def uploads(self) -> UploadsTable:
        """What is sent as files. Raises OperatorError as ``tables`` does."""
        return UploadsTable(self.client("dynamodb"), self.output("CatalogueTableName"))

    @property
    def webhook_url(self) -> str:
        """Where the platform sends callbacks of catalogue jobs."""
        if endpoint := self.deployed.endpoint_url:
            return f"{endpoint}/catalogue-callbacks"
        return self.output("CatalogueWebhookUrl")

    @property
    def webhook_headers(self) -> dict[str, str]:
        """The headers that a callback needs beside the secret: only on a laptop."""
        if self.deployed.endpoint_url is None:
            return {}
        return {"Host": f"{self.output('CatalogueApiId')}.execute-api.localhost"}
