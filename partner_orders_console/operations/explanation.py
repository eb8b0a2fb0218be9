"""What went wrong, and what to do about it, for each error that can reach the operator."""

import re
from urllib.parse import urlsplit

import requests
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from partner_orders_console.operations.doctor.clock import CLOCK_TOLERANCE, clock_is_off, seconds_behind
from partner_orders_console.operations.errors import OperatorError, name_and_place, no_answer
from partner_orders_console.operations.stack import NOT_SIGNED_IN

# Refusals of a signature: made with another key, or at another time.
_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}
# Credentials that are over, or known no more.
EXPIRED = {"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException"}
# How AWS names the right that was missing. The rest of its message names people and accounts.
_RIGHT = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
# What is not there any more, such as the table of a stack that was deleted in part.
_GONE = {"ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


def explained(error: Exception) -> tuple[str, str]:
    """What went wrong, and what to do about it."""
    if isinstance(error, OperatorError):
        return error.what, error.advice
    if isinstance(error, NoCredentialsError):
        return "no AWS credentials were found", "Sign in with the AWS CLI, or choose a --profile."
    if isinstance(error, NOT_SIGNED_IN):
        what = f"the AWS credentials cannot be used: {type(error).__name__}"
        return what, "Sign in with the AWS CLI, or choose another --profile."
    if isinstance(error, ClientError):
        code, operation = error.response["Error"]["Code"], error.operation_name
        return f"AWS refused {operation}: {code}", _advice(error, seconds_behind(error.response))
    if isinstance(error, BotoCoreError) and _is_local(error):
        return "the stack of `make up` is not running", "Start it anew with `make up`."
    if isinstance(error, BotoCoreError):
        what = f"AWS did not answer: {type(error).__name__}"
        return what, "Check the network, --region, and whether the stack is up."
    if isinstance(error, requests.RequestException):  # An OSError, too.
        return no_answer(error), "Check the network; `partner-orders doctor` tries each part by itself."
    if isinstance(error, OSError):
        what = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"
        return what, "Is it there, and may you read and write it?"
    return f"a fault in partner-orders itself: {name_and_place(error)}", "Report it, with the command."


def _is_local(error: BotoCoreError) -> bool:
    """Whether the endpoint that did not answer is on this machine."""
    url = str(getattr(error, "kwargs", {}).get("endpoint_url") or "")
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _advice(error: ClientError, behind: float) -> str:
    """Of a refusal; ``behind`` are the seconds that this machine's clock is."""
    code = error.response["Error"]["Code"]
    if code in _SIGNATURE:
        if abs(behind) > CLOCK_TOLERANCE:
            return f"Set the time: {clock_is_off(behind)}, so AWS rejects its signatures."
        return "The credentials' secret key is wrong: sign in again, or choose another --profile."
    if code in EXPIRED:
        return "Sign in again with the AWS CLI, or choose another --profile."
    if "Denied" in code or "Unauthorized" in code or code == "AuthorizationError":
        right = _RIGHT.search(error.response["Error"].get("Message", ""))
        lacks = f"Your AWS user lacks the right {right[1]}" if right else "Your AWS user may not do this"
        return f"{lacks}. docs/command-line.md lists the rights that each command needs."
    if code in _GONE:
        return "A part of the stack was deleted: `partner-orders doctor` says which. Deploy the stack again."
    if "Throttl" in code or "Throughput" in code:
        return "Try again in a minute."
    if code == "InvalidRequestException":
        return "Is the secret about to be deleted? `partner-orders doctor` says how it is restored."
    if code == "ValidationException":
        return "A value in this command is empty, too long or out of range."
    return "Try again; if the error persists, look at the stack in the AWS console."
