"""A till that answers orders: it hears of new ones on the event bus, and says that they are ready (docs/answers.md).

    pip install boto3 requests
    python till.py <AnswersApiUrl> <TillQueueUrl>

AnswersApiUrl is an output of the partner-orders stack, TillQueueUrl one of the stack that template.yaml makes. The till
uses the AWS credentials and the region of the environment. Copy it, and put your own picking in place of ``pick``.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

TIMEOUT_SECONDS = 20
TRIES = 8


class Till:
    """``api_url`` is the stack's output AnswersApiUrl. ``host`` replaces its host name in the signed request: only
    needed on a laptop."""

    def __init__(self, api_url: str, session: boto3.Session, host: str | None = None) -> None:
        self._api_url = api_url.rstrip("/")
        self._session = session
        self._http = requests.Session()
        self._host = {"Host": host} if host else {}

    def answer(self, store_id: str, order_id: str, said: dict[str, Any]) -> dict[str, Any]:
        """Answer an order; what the API returns. Raises requests.HTTPError for an answer that is not taken.

        As long as nobody knows whether it arrived, the same answer is sent again: its ``answer_id`` makes that safe.
        """
        path, fault = _path(store_id, order_id), ""
        for attempt in range(TRIES):
            try:
                response = self._send("POST", path, json.dumps(said).encode())
            except (requests.ConnectionError, requests.Timeout) as error:
                fault = f"no response: {error}"
            else:
                if response.status_code not in {429, 500, 502, 503, 504}:
                    response.raise_for_status()
                    taken: dict[str, Any] = response.json()
                    return taken
                fault = f"{response.status_code} {response.text}"
            time.sleep(min(30, 2**attempt))
        raise TimeoutError(f"the answer to order {order_id} could not be sent: {fault}")

    def look(self, store_id: str, order_id: str, answer_id: str) -> dict[str, Any]:
        """What has become of an answer: its ``status`` is ``waiting``, or its outcome."""
        response = self._send("GET", f"{_path(store_id, order_id)}/{quote(answer_id, safe='')}", b"")
        response.raise_for_status()
        shown: dict[str, Any] = response.json()
        return shown

    def _send(self, method: str, path: str, body: bytes) -> requests.Response:
        request = AWSRequest(method, self._api_url + path, data=body, headers={**self._host})
        if body:
            request.headers["Content-Type"] = "application/json"
        SigV4Auth(self._session.get_credentials(), "execute-api", self._session.region_name).add_auth(request)
        return self._http.request(
            method, self._api_url + path, data=body, headers=dict(request.headers), timeout=TIMEOUT_SECONDS
        )


def _path(store_id: str, order_id: str) -> str:
    return f"/stores/{quote(store_id, safe='')}/orders/{quote(order_id, safe='')}/answers"


def orders(queue: Any, url: str) -> Iterator[tuple[dict[str, Any], Callable[[], None]]]:
    """The changes of orders that a queue receives, for ever; each with what to call once it is dealt with."""
    while True:
        received = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        for message in received.get("Messages", []):
            handle = message["ReceiptHandle"]
            event = json.loads(message["Body"])
            yield event["detail"], lambda handle=handle: queue.delete_message(QueueUrl=url, ReceiptHandle=handle)


def pick(change: dict[str, Any]) -> dict[str, Any]:
    """What to say of an order: here, that everything was found. Weighed lines need their weight.

    An event that is delivered twice gets the same answer again, under the same ``answer_id``. Where a person picks,
    store the answer before you send it.
    """
    items = (change["order"] or {}).get("items") or []  # A very large order is left out of its event.
    lines = [
        {"id": line["_id"], "weight": line["pricing"]["weight"]}
        for line in items
        if line["pricing"]["pricing_type"] == "KG"
    ]
    return {"answer_id": f"till-{change['sequence']}", "sequence": change["sequence"], "kind": "ready", "lines": lines}


def handle(till: Till, change: dict[str, Any], done: Callable[[], None]) -> None:
    """Answer an order that is new or has changed, and tell of outcomes and cancellations.

    An order whose answer could not be sent comes back from the queue.
    Raises requests.HTTPError for a 403, since every order would get it.
    """
    order_id = change["order_id"]
    if "outcome" in change:
        tell(f"{order_id}  {change['answer_id']} is {change['outcome']} {change['reason'] or ''}")
    elif change["status"] == "RECEIVED":
        try:
            taken = till.answer(change["store_id"], order_id, pick(change))
            tell(f"{order_id}  {taken['answer_id']} is {taken['status']}")
        except TimeoutError as error:
            tell(str(error))
            return
        except requests.HTTPError as error:
            if error.response.status_code == requests.codes.forbidden:
                raise
            # Nothing was stored, and another try would get the same response.
            tell(f"{order_id}  {error.response.status_code} {error.response.text}")
    elif change["status"] == "CANCELLED":
        tell(f"{order_id}  is CANCELLED")  # Where a person picks, they stop.
    done()


def tell(what: str) -> None:
    """Where a person of the store would see it."""
    print(what.rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Answer the orders of a store: everything was found.")
    parser.add_argument("api_url", help="the output AnswersApiUrl of the partner-orders stack")
    parser.add_argument("queue_url", help="the output TillQueueUrl of the till's stack")
    parser.add_argument("--host", help="the API's own host name, if api_url has another (on a laptop)")
    given = parser.parse_args()
    session = boto3.Session()
    if not session.region_name or not session.get_credentials():
        parser.error("AWS credentials or the region are missing; set them as for the AWS CLI, e.g. AWS_DEFAULT_REGION")
    till = Till(given.api_url, session, given.host)
    tell("waiting for orders; Ctrl-C ends it")
    try:
        for change, done in orders(session.client("sqs"), given.queue_url):
            handle(till, change, done)
    except requests.HTTPError as error:
        sys.exit(f"403 {error.response.text}: check the role, the region and the URL")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
