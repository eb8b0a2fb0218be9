"""Where the stack's dashboard is."""

from collections.abc import Iterator

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack


def dashboard(stack: DeployedStack) -> Iterator[Finding]:
    """Name the dashboard's URL; a stack on a laptop has none to look at."""
    url = stack.outputs.get("DashboardUrl")
    if url and not stack.endpoint_url:
        yield Finding("dashboard", note=url)
