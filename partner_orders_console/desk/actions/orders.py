"""Orders: publish one again."""

from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import segment
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.stack import DeployedStack


def _page(form: Form) -> str:
    return f"/orders/{segment(form.get('order_id', ''))}"


def _ask_publish(stack: DeployedStack, form: Form) -> Question:
    if "PublisherDeadLettersUrl" not in stack.outputs:
        raise OperatorError("this stack publishes nothing", "Deploy it with ChangeEvents=ENABLED.")
    details = ("Its subscribers get its present state with the next sequence number.",)
    return Question(f"publish order {form.get('order_id', '')} again", _page(form), details)


def _publish(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    order_id = form.get("order_id", "")
    if not order_id or not stack.orders.publish_again(order_id):
        raise OperatorError(f"no order {order_id}", "It may have expired.")
    return Done(
        (f"Order {order_id} is published again. It reaches the bus within seconds.",), _page(form), "See the order"
    )


PUBLISH = Action("Publish", _ask_publish, _publish)
