"""The request budget finds the service's time, and its row, in the simulated DynamoDB, moto and DynamoDB Local."""

from typing import Any

import pytest

from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.request_budget import Share
from tests.support.contracts import FAKE, LOCAL, MOTO
from tests.support.orders_table import TABLE
from tests.support.platform import VirtualTime

pytestmark = pytest.mark.parametrize("dynamodb", [FAKE, MOTO, LOCAL], indirect=True)


def test_budget_is_shared(dynamodb: Any, time: VirtualTime) -> None:
    """Two workers get together what there is, and handed-back permits are there again."""
    budget = RequestBudgetTable(dynamodb, TABLE, 60)
    first, second = (BudgetedRequests(budget, Share.CATALOGUE, 20, time.monotonic, time.sleep) for _ in range(2))
    assert first.wait(0.0)
    assert not second.wait(0.0)
    first.hand_back()
    assert second.wait(0.0)
