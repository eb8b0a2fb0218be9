"""The table, for the laws that hold in it too."""

from tests.integration.conftest import aws, dynamodb  # noqa: F401 (fixtures)
