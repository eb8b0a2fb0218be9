"""The rows of the catalogue's table, by kind."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partner_orders.catalogue.changes import ChangesTable
from partner_orders.catalogue.decided import DecisionsTable
from partner_orders.catalogue.files import FilesTable
from partner_orders.catalogue.held import HeldTable
from partner_orders.catalogue.jobs import JobsTable
from partner_orders.catalogue.loading_lease import LoadingLeases
from partner_orders.catalogue.store_settings import SettingsTable
from partner_orders.catalogue.store_state import StoreStates
from partner_orders.catalogue.table import ProductsTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Tables:
    products: ProductsTable
    changes: ChangesTable
    jobs: JobsTable
    states: StoreStates
    held: HeldTable
    settings: SettingsTable
    files: FilesTable
    leases: LoadingLeases
    decisions: DecisionsTable

    @classmethod
    def named(cls, client: "DynamoDBClient", table_name: str) -> "Tables":
        """All kinds of rows in one table."""
        return cls(
            ProductsTable(client, table_name),
            ChangesTable(client, table_name),
            JobsTable(client, table_name),
            StoreStates(client, table_name),
            HeldTable(client, table_name),
            SettingsTable(client, table_name),
            FilesTable(client, table_name),
            LoadingLeases(client, table_name),
            DecisionsTable(client, table_name),
        )
