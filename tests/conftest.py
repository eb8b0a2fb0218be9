"""What every test shares: no test reaches AWS, and generated examples take the time they take."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "unshrunk", settings.get_profile("here"), max_examples=50, phases=[Phase.explicit, Phase.generate]
)
settings.register_profile("fast", settings.get_profile("here"), max_examples=10)
settings.load_profile("here")

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_NAMESPACE="PartnerOrders",
    POWERTOOLS_SERVICE_NAME="tests",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests that run side by side, those of a folder with a costly start share one worker.

    Before pytest-xdist's own hook, which reads the groups.
    """
    for item in items:
        folder = item.path.parent.name
        if folder in {"e2e", "bench"}:
            item.add_marker(pytest.mark.xdist_group(folder))
