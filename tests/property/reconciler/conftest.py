"""The table that the tests of this folder share."""

from tests.support.quick_table import dynamodb

__all__ = ["dynamodb"]
