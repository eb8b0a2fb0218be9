"""What the commands for a second terminal share: they need the stack that `make up` runs in the first one."""

import sys
from collections.abc import Callable

import requests
from botocore.exceptions import BotoCoreError

from tools.local.stack import Stack, is_up


def with_stack(command: Callable[[Stack], int]) -> int:
    """The exit status of a command that works on the stack of `make up`: 1 without the stack, 130 after Ctrl-C."""
    if not is_up():
        return refuse("no stack is up; start one with: make up")
    try:
        return command(Stack.load())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (BotoCoreError, requests.RequestException) as error:
        return refuse(f"the stack stopped responding ({type(error).__name__}); look at the terminal of `make up`")


def refuse(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 1
