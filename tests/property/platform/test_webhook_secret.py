"""The webhook secret: whatever reads fail and whenever, the platform is never taken for a stranger, nor one for it."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.platform.webhook_secret import (
    REFRESH_EVERY_SECONDS,
    RETRY_SECONDS,
    SecretUnavailableError,
    WebhookSecret,
    secret_text,
)
from tools.simulation.simulated_secrets import SimulatedSecrets

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.5, 4.0, 6.0, 59.0, 61.0, 299.0, 301.0]),
        st.booleans(),
        st.sampled_from(["old", "new", "Bearer new", "a stranger"]),
    ),
    min_size=1,
    max_size=30,
)


class SecretsManager(SimulatedSecrets):
    """``asked`` are the seconds at which it was asked for the current secret, and whether it answered."""

    def __init__(self) -> None:
        super().__init__("old", self._answer, {})
        self.now = 0.0
        self.is_down = False
        self.asked: list[tuple[float, bool]] = []

    def _answer(self, _: str, stage: str, effect: Callable[[], dict[str, str]]) -> dict[str, str]:
        if stage == "AWSCURRENT":
            self.asked.append((self.now, not self.is_down))
        if self.is_down:
            raise TimeoutError
        return effect()


@given(STEPS)
def test_failed_reads_reject_no_valid_secret(steps: list[tuple[float, bool, str]]) -> None:
    """After a rotation both secrets are valid, and a failed read rejects neither of them."""
    manager = SecretsManager()
    client: Any = manager
    secret = WebhookSecret(client, "arn", lambda: manager.now)
    assert secret.admits("old")
    manager.rotate("new")
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


@given(
    st.text(st.characters(max_codepoint=0xFF), min_size=1).filter(lambda text: text == text.strip()),
    st.sampled_from(["", "\ufeff", " \ufeff", "\ufeff\t", "\n"]),
    st.text(" \t\r\n"),
)
def test_what_editors_add_is_no_secret(secret: str, before: str, after: str) -> None:
    """A stored secret is the same with a byte order mark and white space around it as without."""
    assert secret_text(before + secret + after) == secret
    assert secret_text(before + after) == ""
