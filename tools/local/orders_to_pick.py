"""`make orders-to-pick`: the simulated platform of `make up` places orders that wait for the store's answers."""

import sys
import time

from tools.local.orders import connect, platform
from tools.local.second_terminal import with_stack
from tools.local.stack import Stack

ORDERS = 6
STORES_SEED = 1  # The store is the same at each call, so that a till can wait for more of its orders.


def main() -> int:
    return with_stack(_place)


def _place(stack: Stack) -> int:
    connect(stack)
    # The seed makes other orders each time.
    content = {"orders": ORDERS, "seed": time.time_ns(), "accepts": False, "stores_seed": STORES_SEED}
    response = platform(stack, "POST", "place", content)
    response.raise_for_status()
    placed = response.json()["orders"]
    store_id = placed[0]["client"]["store_id"]
    print(f"placed {len(placed)} orders in store {store_id}; they stay RECEIVED until they are answered:")
    for order in placed:
        lines = [f"{line['pricing']['quantity']} {line['pricing']['pricing_type']}" for line in order["items"]]
        print(f"  {order['order_id']}  {order['transport_type']}: {', '.join(lines)}")
    print(
        "Switch the store on for answers, once:\n"
        f"  .venv/bin/partner-orders stores set {store_id} --answers\n"
        "docs/local-stack.md shows how a till answers them."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
