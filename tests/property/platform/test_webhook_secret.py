"""The webhook secret: whatever reads fail and whenever, the platform is never taken for a stranger, nor one for it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.platform.webhook_secret import (
    REFRESH_EVERY_SECONDS,
    RETRY_SECONDS,
    SecretUnavailableError,
    WebhookSecret,
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.5, 4.0, 6.0, 59.0, 61.0, 299.0, 301.0]),
        st.booleans(),
        st.sampled_from(["old", "new", "Bearer new", "a stranger"]),
    ),
    min_size=1,
    max_size=30,
)


class SecretsManager:
    """Holds a secret and the one before it; ``at`` are the seconds at which it was asked for the current one, and
    whether it answered."""

    class exceptions:  # noqa: N801 (as botocore has it)
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.now = 0.0
        self.is_down = False
        self.versions = {"AWSCURRENT": "old"}
        self.asked: list[tuple[float, bool]] = []

    def get_secret_value(self, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803, ARG002
        if VersionStage == "AWSCURRENT":
            self.asked.append((self.now, not self.is_down))
        if self.is_down:
            raise TimeoutError
        if VersionStage not in self.versions:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.versions[VersionStage]}


@given(STEPS)
def test_after_a_rotation_both_secrets_are_good_and_a_read_that_fails_refuses_nobody(
    steps: list[tuple[float, bool, str]],
) -> None:
    manager = SecretsManager()
    client: Any = manager
    secret = WebhookSecret(client, "arn", lambda: manager.now)
    assert secret.admits("old")
    manager.versions = {"AWSCURRENT": "new", "AWSPREVIOUS": "old"}
    manager.asked.clear()
    for pause, is_down, presented in steps:
        manager.now += pause
        manager.is_down = is_down
        try:
            admitted = secret.admits(presented)
        except SecretUnavailableError:
            assert presented != "old"
            assert not manager.asked[-1][1]
            continue
        if presented == "old":
            assert admitted
        elif presented == "a stranger":
            assert not admitted
        else:
            # Before the first read nobody can know of it; after one that failed, a refusal would be our own fault.
            assert admitted or not manager.asked
    for (earlier, answered), (later, _) in zip(manager.asked, manager.asked[1:], strict=False):
        assert later - earlier >= (REFRESH_EVERY_SECONDS if answered else RETRY_SECONDS)
