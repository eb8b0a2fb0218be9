"""Where a stack's parts are shown in the browser."""

from urllib.parse import quote

from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.logs import FUNCTIONS, log_group
from partner_orders_console.operations.stack import DeployedStack

PLACES = ("dashboard", "log", "table", "queue", "stack", "secrets")


def link(stack: DeployedStack, place: str, function: str = "") -> str:
    """The address of a part of the stack in the AWS console. ``function`` is whose log.

    Raises OperatorError for a stack on this machine, and for a place that there is not.
    """
    if stack.endpoint_url:
        raise OperatorError(
            "the stack on this machine has no console",
            "`partner-orders logs`, `orders list` and `doctor` show the same in the terminal.",
        )
    base, region = _console(stack.region), stack.region
    match place:
        case "dashboard":
            return f"{base}/cloudwatch/home?region={region}#dashboards/dashboard/{quote(f'{stack.name}-{region}')}"
        case "log":
            return f"{base}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{_group(stack, function)}"
        case "table":
            return f"{base}/dynamodbv2/home?region={region}#item-explorer?table={quote(stack.table_name)}"
        case "queue":
            queue = quote(stack.output("OrderEventsQueueUrl"), safe="")
            return f"{base}/sqs/v3/home?region={region}#/queues/{queue}"
        case "stack":
            return f"{base}/cloudformation/home?region={region}#/stacks/stackinfo?stackId={quote(stack.name)}"
        case "secrets":
            return f"{base}/secretsmanager/listsecrets?region={region}&search={quote(stack.name)}"
    raise OperatorError(f"there is no {place!r} to open", f"Name one of {', '.join(PLACES)}.")


def _group(stack: DeployedStack, function: str) -> str:
    if function not in FUNCTIONS:
        raise OperatorError("which function's log?", f"Name one of {', '.join(FUNCTIONS)}.")
    # The console reads the address twice, with $ in place of %.
    return quote(quote(log_group(stack, function), safe=""), safe="").replace("%", "$")


def _console(region: str) -> str:
    if region.startswith("cn-"):
        return "https://console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return "https://console.amazonaws-us-gov.com"
    return f"https://{region}.console.aws.amazon.com"
