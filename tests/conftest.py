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

import pytest
from hypothesis import HealthCheck, Phase, settings

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
# Folders with a costly start: their tests share a worker. Those of the bench start DynamoDB Local, as contracts do.
GROUPS = {"e2e": "e2e", "bench": "dynamodb-local"}

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "unshrunk", settings.get_profile("here"), max_examples=50, phases=[Phase.explicit, Phase.generate]
)
# Others each time; `make mutants` and `make verify` have more.
settings.register_profile("test", settings.get_profile("here"), max_examples=25)
settings.register_profile("fast", settings.get_profile("here"), max_examples=10)
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


# Before pytest-xdist's own hook, which reads the groups; and before pytest deselects by markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, and keep those with a costly start on one worker."""
    for item in items:
        item.add_marker(LEVELS[item.path.relative_to(ROOT).parts[0]])
        if group := GROUPS.get(item.path.parent.name):
            item.add_marker(pytest.mark.xdist_group(group))


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
