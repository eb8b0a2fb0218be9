"""Where the stack's dashboard is, and its traces if X-Ray makes some."""

from collections.abc import Iterator

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.links import is_traced, link
from partner_orders_console.operations.stack import DeployedStack


def dashboard(stack: DeployedStack) -> Iterator[Finding]:
    """Name the URL of the dashboard, and of the traces; a stack on a laptop has none to look at."""
    url = stack.outputs.get("DashboardUrl")
    if url and not stack.endpoint_url:
        yield Finding("dashboard", note=url)
    if is_traced(stack):
        yield Finding("traces", note=link(stack, "traces"))
