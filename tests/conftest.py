"""What every test shares, and how to select tests.

By path, which mirrors the package: ``tests/unit/orders``, ``tests/integration/reconciler``. By level, a marker that
each test gets from its folder (``-m unit``):

- ``unit``: a part by itself; the template, the documents
- ``property``: laws over generated input
- ``integration``: parts together, on moto and the simulated platform
- ``contract``: a fake does what the part does that it stands for
- ``console``: the command line
- ``tools``: what we test, measure and develop with
- ``e2e``: the stack on the local AWS, over HTTP

By theme, a marker of the whole file: ``privacy``, ``limits``, ``crash``. ``slow`` tests run in `make verify` only. The
markers combine: ``make test ARGS='-m "contract and not slow"'``.

No test reaches AWS, and generated examples take the time they take. How many there are is Hypothesis's profile:
``fast`` in `make test-fast`, ``test`` in `make test`, and all of them in `make verify`.
"""

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from tools.simulation import dynamodb_local

ROOT = Path(__file__).parent
LEVELS = {
    "unit": "unit",
    "property": "property",
    "integration": "integration",
    "contracts": "contract",
    "console": "console",
    "tools": "tools",
    "e2e": "e2e",
}
# Tests with a costly start, by a part of their ids: a stack in the local AWS, DynamoDB Local, a browser.
GROUPS = {
    "tests/e2e/": "e2e",
    "tests/tools/bench/": "dynamodb-local",
    "[DynamoDB Local": "dynamodb-local",
    "[dynamodb-local": "dynamodb-local",
    "tests/console/desk/test_in_the_browser.py": "browser",
}
# The units of work that take longest, by the beginnings of their ids. They begin first, so that no worker is left with
# one at the end.
LONGEST = ("tests/e2e/", "tests/tools/simulation/", "tests/console/desk/test_in_the_browser.py", "tests/tools/")

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "unshrunk", settings.get_profile("here"), max_examples=50, phases=[Phase.explicit, Phase.generate]
)
# Others each time; `make mutants` and `make verify` have more.
settings.register_profile("test", settings.get_profile("here"), max_examples=10)
settings.register_profile("fast", settings.get_profile("here"), max_examples=5)
# The same ones each time, and no search for a second or simpler one: `make mutation`.
settings.register_profile(
    "mutation",
    settings.get_profile("here"),
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    report_multiple_bugs=False,
    print_blob=False,
)
settings.load_profile("here")

# Nobody's chosen target is read, and none is written.
CHOICES = tempfile.mkdtemp(prefix="partner-orders-tests-")
atexit.register(shutil.rmtree, CHOICES, ignore_errors=True)

os.environ.update(
    XDG_CONFIG_HOME=CHOICES,
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_NAMESPACE="PartnerOrders",
    POWERTOOLS_SERVICE_NAME="tests",
)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep tests with a costly start on one worker.

    pytest-xdist 3.8 ignores its own groups under pytest 9.2: https://github.com/pytest-dev/pytest-xdist/issues/1386.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    # By default it begins with the units of most tests.
    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = unit_of_work
    return scheduler


def unit_of_work(nodeid: str) -> str:
    """Return what a test shares a worker with: its group, its file of unit tests, or its other parameters.

    Fewer units are better: the scheduler's own work grows with the square of their number.
    """
    for part, group in GROUPS.items():
        if part in nodeid:
            return group
    return nodeid.partition("::" if nodeid.startswith("tests/unit/") else "[")[0]


# Before pytest deselects by markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, and put the longest first."""
    for item in items:
        item.add_marker(LEVELS[item.path.relative_to(ROOT).parts[0]])
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((place for place, begin in enumerate(LONGEST) if item.nodeid.startswith(begin)), len(LONGEST))


def pytest_collection_finish() -> None:
    """Look less often for garbage: AWS's descriptions of its services are large, and stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """A DynamoDB Local that the tests of a worker share."""
    with dynamodb_local.started() as url:
        yield url
