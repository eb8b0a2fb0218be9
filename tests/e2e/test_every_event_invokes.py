"""Every file of events/ through `make invoke`'s own code: in the local AWS, and in AWS's image where Docker runs."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from partner_orders_console.operations.changes import line_of
from partner_orders_console.operations.refused_requests import line_of_log
from tests.support.deployed import Answer, eventually
from tests.support.orders import as_bytes, order
from tests.support.sampling import every
from tools.local import docker, invoke
from tools.local.arrivals import WEBHOOK_LOGS, FunctionLog, TableChanges
from tools.local.events import EVENTS
from tools.local.stack import Stack

FILES = sorted(path.relative_to(EVENTS) for path in EVENTS.glob("*/*.json") if path.parent.name in invoke.FUNCTIONS)
# What the answers API says of a sample, whatever has become of its order before.
ANSWERED = {"malformed": 400, "too_large": 413, "unknown_fields": 422, "unknown_order": 404, "other_store": 404}
REFUSED = {"too_large": 413, "no_secret": 401, "wrong_secret": 401}


@pytest.fixture(autouse=True, scope="module")
def stores_known(stack: Stack) -> None:
    """The stores of the samples are known: one has sent an order."""
    assert invoke.in_the_local_aws(stack, *invoke.read(EVENTS / "consumer" / "received.json", stack))


@pytest.fixture(autouse=True, scope="module")
def no_letters_left(stack: Stack) -> Iterator[None]:
    """Nothing stays of the urgent changes that were refused: the doctor would tell of them."""
    yield
    stack.client("sqs").purge_queue(QueueUrl=stack.catalogue_outputs["UrgentDeadLettersUrl"])


def has_its_own_response(file: Path) -> bool:
    """Whether a sample's response is another than that of most samples of its function."""
    match file.parent.name:
        case "webhook":
            return file.stem in REFUSED
        case "answers":
            return file.stem in ANSWERED
        case "catalogue_webhook":
            return file.stem in REFUSED
        case "reconciler" | "sender" | "loader" | "pusher" | "uploader":
            return True
    return False


@pytest.mark.parametrize("file", every(4, FILES, always=has_its_own_response), ids=str)
def test_sample_event_gets_its_response(file: Path, stack: Stack) -> None:
    """Each sample event gets the response that its name promises."""
    holds(file, invoke.in_the_local_aws(stack, *invoke.read(EVENTS / file, stack)))


@pytest.mark.slow
@pytest.mark.skipif(not docker.has_image(invoke.IMAGE), reason=f"needs Docker and the image {invoke.IMAGE}")
@pytest.mark.parametrize("file", FILES, ids=str)
def test_sample_event_runs_in_aws_image(file: Path, stack: Stack) -> None:
    """Each sample event gets the same response in AWS's own image."""
    holds(file, invoke.in_docker(stack, *invoke.read(EVENTS / file, stack)))


@pytest.mark.slow
def test_invoke_says_what_became_of_the_event(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make invoke` prints the log lines, the response, and where to look for each event of the batch."""
    monkeypatch.setattr(Stack, "load", lambda: stack)
    monkeypatch.setattr(docker, "is_wanted", lambda: False)
    assert invoke.main(EVENTS / "consumer" / "malformed.json") == 0
    printed = capsys.readouterr()
    assert '"batchItemFailures": []' in printed.out
    assert re.search(r"^rejected: [0-9a-f]{32}, malformed_json\n .*rejected show", printed.out, re.MULTILINE)
    assert re.search(r"^stored: order [0-9a-f-]{36} is .*\n .*orders show", printed.out, re.MULTILINE)
    assert '"message":"rejected"' in printed.err


@pytest.mark.slow
def test_make_up_shows_what_arrives(stack: Stack, post: Callable[..., Answer], secret: bytes) -> None:
    """A stored order, a rejected event and a refused request are read from the deployed stack as lines."""
    changes, log = TableChanges(stack), FunctionLog(stack, WEBHOOK_LOGS)
    order_id = str(uuid4())
    assert post(as_bytes(order(order_id=order_id)), secret).status == 200
    assert post(b"<order/>", secret).status == 200
    assert post(b"{}", b"wrong").status == 401
    lines: list[str | None] = []

    def all_three() -> bool | None:
        lines.extend(line_of(*change) for change in changes.since_last_look())
        lines.extend(map(line_of_log, log.since_last_look()))
        shown = [line for line in lines if line]
        kinds = (f"stored      {order_id}  RECEIVED", "rejected ", "refused     a wrong secret (401)")
        return all(any(line.startswith(kind) for line in shown) for kind in kinds) or None

    eventually(all_three)


def holds(file: Path, answer: Any) -> None:
    match file.parent.name:
        case "webhook" | "catalogue_webhook":
            assert answer["statusCode"] == REFUSED.get(file.stem, 200)
        case "answers" if file.stem in ANSWERED:
            assert answer["statusCode"] == ANSWERED[file.stem]
        case "answers":
            assert answer["statusCode"] in {200, 202, 404, 409, 422}
        case "sender" if file.stem == "schedule":
            assert "errorType" not in (answer or {})
        case "loader" | "pusher":
            assert answer is None
        case "uploader":
            assert answer["files"] == []
        case "consumer" | "publisher" | "sender" | "urgent":
            assert answer == {"batchItemFailures": []}
        case "reconciler" if file.stem in {"cancel", "invalid", "too_old"}:
            assert "error" in answer
        case "reconciler" if file.stem == "schedule":
            assert answer["stores_checked"] + len(answer["failed_stores"]) > 0
        case "reconciler":
            assert answer["state"] in {"running", "done"}
            assert answer["preview"] == (file.stem == "preview")
