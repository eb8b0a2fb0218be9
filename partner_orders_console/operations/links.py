"""Where a stack's parts are shown in the browser."""

from urllib.parse import quote

from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.logs import FUNCTIONS, log_group
from partner_orders_console.operations.stack import DeployedStack

PLACES = ("dashboard", "log", "table", "queue", "stack", "secrets", "traces")


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
        case "traces":
            if not is_traced(stack):
                raise OperatorError("this stack sends no traces", "Deploy it with Tracing=XRAY.")
            return f"{base}/cloudwatch/home?region={region}#xray:traces/query"
    raise OperatorError(f"there is no {place!r} to open", f"Name one of {', '.join(PLACES)}.")


def is_traced(stack: DeployedStack) -> bool:
    """Whether X-Ray traces the functions of a stack."""
    return stack.parameters.get("Tracing") == "XRAY" and not stack.endpoint_url


def trace_link(stack: DeployedStack, trace_id: str) -> str:
    """The address of one trace, such as ``1-5f84c7a1-0123456789abcdef01234567``, in the AWS console."""
    return f"{_console(stack.region)}/cloudwatch/home?region={stack.region}#xray:traces/{quote(trace_id)}"


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
