"""Every file of events/ through `make invoke`'s own code: in the local AWS, and in AWS's image where Docker runs."""

from pathlib import Path
from typing import Any

import pytest

from tools.local import docker, invoke
from tools.local.events import EVENTS
from tools.local.stack import Stack

FILES = sorted(path.relative_to(EVENTS) for path in EVENTS.glob("*/*.json"))
REFUSED = {"too_large": 413, "no_secret": 401, "wrong_secret": 401}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_sample_event_gets_its_response(file: Path, stack: Stack) -> None:
    """Each sample event gets the response that its name promises."""
    holds(file, invoke.in_the_local_aws(stack, *invoke.read(EVENTS / file, stack)))


@pytest.mark.slow
@pytest.mark.skipif(not docker.has_image(invoke.IMAGE), reason=f"needs Docker and the image {invoke.IMAGE}")
@pytest.mark.parametrize("file", FILES, ids=str)
def test_sample_event_runs_in_aws_image(file: Path, stack: Stack) -> None:
    """Each sample event gets the same response in AWS's own image."""
    holds(file, invoke.in_docker(stack, *invoke.read(EVENTS / file, stack)))


def holds(file: Path, answer: Any) -> None:
    match file.parent.name:
        case "webhook":
            assert answer["statusCode"] == REFUSED.get(file.stem, 200)
        case "consumer" | "publisher":
            assert answer == {"batchItemFailures": []}
        case "reconciler" if file.stem in {"cancel", "invalid", "too_old"}:
            assert "error" in answer
        case "reconciler" if file.stem == "schedule":
            assert answer["stores_checked"] >= 0
        case "reconciler":
            assert answer["state"] in {"running", "done"}
            assert answer["preview"] == (file.stem == "preview")
