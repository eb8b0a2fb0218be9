"""The findings of a check, of which one that fails is one, too."""

from collections.abc import Callable, Iterator

import requests
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders_console.operations.doctor.finding import NOT_FOUND_OR_DENIED, Finding
from partner_orders_console.operations.errors import OperatorError, name_and_place, no_answer


def findings(part: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What ``look`` finds; if it fails, that is a finding of ``part``. Raises nothing."""
    try:
        yield from look()
    except OperatorError as error:
        yield Finding(part, error.what, error.advice)
    except ClientError as error:
        fault = f"AWS refused {error.operation_name}: {error.response['Error']['Code']}"
        yield Finding(part, fault, NOT_FOUND_OR_DENIED)
    except BotoCoreError as error:
        yield Finding(part, f"AWS did not respond: {type(error).__name__}", "Check the network and --region.")
    except requests.RequestException as error:
        yield Finding(part, no_answer(error), "Check the network, and the host's name.")
    except Exception as error:
        yield Finding(part, f"it could not be checked: {name_and_place(error)}", "Report it, with the command.")
