"""``secrets``: what is stored, tried, gone back to and revoked; and that no secret is printed unasked."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.clock import now, to_text
from partner_orders.platform.webhook_secret import WebhookSecret
from partner_orders.reconciler.credentials_trial import NO_STORE, Outcome, Verdict
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders_console.cli import output
from partner_orders_console.operations import partner_api_credentials
from partner_orders_console.operations.partner_api_credentials import PENDING
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran

pytestmark = pytest.mark.privacy

type Run = Callable[..., Ran]
type Say = Callable[[str], None]

PARTNER_API = "PartnerApiSecretArn"


class Reconciler:
    """The function's answer to credentials: the platform accepts those in ``accepted``, unless ``answers`` has one."""

    def __init__(self, stack: DeployedStack) -> None:
        self._stack = stack
        self.accepted: set[str] = set()
        self.answers: list[dict[str, Any]] = []
        self.tried: list[str] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "reconciler"
        version = json.loads(Payload)["try_credentials"]
        found = self._stack.client("secretsmanager").get_secret_value(
            SecretId=self._stack.output(PARTNER_API), VersionId=version
        )
        content = json.loads(found["SecretString"])
        self.tried.append(content.get("token") or content["client_secret"])
        is_accepted = self.tried[-1] in self.accepted
        outcome = Outcome(Verdict.ACCEPTED, "", "s1") if is_accepted else Outcome(Verdict.REFUSED, "unauthorized", "s1")
        answer = self.answers.pop(0) if self.answers else outcome.to_json()
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def reconciler(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Reconciler:
    made, real = Reconciler(stack), DeployedStack.client
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    monkeypatch.setattr(
        DeployedStack,
        "client",
        lambda self, name, is_slow=False: made if name == "lambda" else real(self, name, is_slow),
    )
    monkeypatch.setattr(partner_api_credentials, "_PAUSE_SECONDS", 0.0)
    return made


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """What the next command reads from its standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def set_token(run: Run, say: Say) -> Callable[..., Ran]:
    def store(token: str, *options: str) -> Ran:
        say(token + "\n")
        return run("secrets", "set-token", *options)

    return store


def secret_of(stack: DeployedStack, output: str) -> str:
    # Without the stage, moto gives the version that was put last.
    found = stack.client("secretsmanager").get_secret_value(SecretId=stack.output(output), VersionStage="AWSCURRENT")
    return str(found["SecretString"])


def token_of(stack: DeployedStack) -> str:
    return str(json.loads(secret_of(stack, PARTNER_API)).get("token"))


# -- Partner API credentials -------------------------------------------------------------------------------------------


def test_token_is_tried_then_used(set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler) -> None:
    """The token is read from standard input, tried by the reconciler, stored, and never printed."""
    reconciler.accepted = {"a-token-of-the-platform"}
    ran = set_token("a-token-of-the-platform")
    assert (ran.status, token_of(stack)) == (0, "a-token-of-the-platform")
    assert reconciler.tried == ["a-token-of-the-platform"]
    assert "the platform has accepted them, for store s1" in ran.err
    assert "up to 5 minutes" in ran.err
    assert "a-token" not in ran.out + ran.err
    assert PENDING not in str(stack.client("secretsmanager").describe_secret(SecretId=stack.output(PARTNER_API)))


def test_token_is_typed_unseen(
    run: Run, monkeypatch: pytest.MonkeyPatch, stack: DeployedStack, reconciler: Reconciler
) -> None:
    """At a terminal the command asks for the token, which is typed unseen and is no argument."""
    reconciler.accepted = {"typed"}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []

    def unseen(question: str) -> str:
        asked.append(question)
        return "typed"

    monkeypatch.setattr(output, "getpass", unseen)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("what is typed is shown"))
    assert run("secrets", "set-token", "given").status == 2
    assert run("secrets", "set-token").status == 0
    assert (token_of(stack), asked) == ("typed", ["token: "])


def test_refused_token_is_not_stored(
    set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler
) -> None:
    """A token that the platform refuses leaves the good one in use, however often one is pasted."""
    reconciler.accepted = {"good"}
    set_token("good")
    for wrong in ("wrong", "wrong-again"):
        ran = set_token(wrong)
        assert (ran.status, token_of(stack)) == (1, "good")
        assert "the platform refuses these credentials (401)" in ran.err
        assert "wrong" not in ran.err
    assert PENDING not in str(stack.client("secretsmanager").describe_secret(SecretId=stack.output(PARTNER_API)))


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("no_answer", "does not respond"),
        ("blocked", "blocks the reconciler"),
        (NO_STORE, "no store"),
        ("odd", "unexpected"),
    ],
)
def test_untried_token_needs_force(
    set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler, why: str, said: str
) -> None:
    """A token that could not be tried is not stored, and the message says why and how to force it."""
    reconciler.accepted = {"good"}
    set_token("good")
    reconciler.answers = [Outcome(Verdict.UNKNOWN, why).to_json()]
    ran = set_token("another")
    assert (ran.status, token_of(stack), "--force" in ran.err) == (1, "good", True)
    assert said in ran.err or (why == NO_STORE and "nothing to ask the platform for" in ran.err)
    ran = set_token("another", "--force")
    assert (ran.status, token_of(stack), "untried" in ran.err) == (0, "another", True)


def test_first_token_needs_no_store(
    set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler
) -> None:
    """Before the first store there is nothing to ask for and nothing to lose: the first token is stored untried."""
    reconciler.answers = [Outcome(Verdict.UNKNOWN, NO_STORE).to_json()]
    ran = set_token("first")
    assert (ran.status, token_of(stack), "untried" in ran.err) == (0, "first", True)


def test_trial_waits_for_the_running_worker(
    set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler
) -> None:
    """While a run has the lease, the trial waits for its turn."""
    reconciler.accepted = {"good"}
    reconciler.answers = [Outcome(Verdict.UNKNOWN, StopReason.LEASE_HELD).to_json()] * 3
    assert (set_token("good").status, token_of(stack), len(reconciler.tried)) == (0, "good", 4)


def test_earlier_reconciler_is_named(
    set_token: Callable[..., Ran], stack: DeployedStack, reconciler: Reconciler
) -> None:
    """A reconciler of an earlier version, which tries nothing, is named; nothing is stored."""
    before = secret_of(stack, PARTNER_API)
    reconciler.answers = [{"error": "the event should have one of from, to, stores"}]
    ran = set_token("good")
    assert (ran.status, "earlier version" in ran.err, secret_of(stack, PARTNER_API)) == (1, True, before)


def test_undo_goes_back_to_the_last_good_one(
    set_token: Callable[..., Ran], run: Run, stack: DeployedStack, reconciler: Reconciler
) -> None:
    """Two wrong tokens that were forced do not push out the good one: undo goes back to it."""
    reconciler.accepted = {"good"}
    set_token("good")
    for wrong in ("wrong", "wrong-again"):
        set_token(wrong, "--force")
    ran = run("secrets", "undo", "--yes")
    assert (ran.status, token_of(stack)) == (0, "good")
    assert ("in use again" in ran.err, "may use the replaced ones" in ran.err) == (True, True)


def test_undo_returns_to_no_revoked_token(
    set_token: Callable[..., Ran], run: Run, stack: DeployedStack, reconciler: Reconciler
) -> None:
    """Undo does not go back to a token that the platform refuses, not even by force; it asks first."""
    reconciler.accepted = {"old", "new"}
    set_token("old")
    set_token("new")
    assert run("secrets", "undo").status == 3
    reconciler.accepted = {"new"}
    for options in ((), ("--force",)):
        ran = run("secrets", "undo", "--yes", *options)
        assert (ran.status, token_of(stack)) == (1, "new")
        assert "refuses the earlier credentials" in ran.err
        assert "If the platform refuses those in use, too" in ran.err
    reconciler.accepted = {"old", "new"}
    assert (run("secrets", "undo", "--yes").status, token_of(stack)) == (0, "old")
    assert (run("secrets", "undo", "--yes").status, token_of(stack)) == (0, "new")


def test_undo_of_the_placeholder_is_refused(
    set_token: Callable[..., Ran], run: Run, stack: DeployedStack, reconciler: Reconciler
) -> None:
    """The placeholder is nothing to go back to."""
    reconciler.accepted = {"first"}
    set_token("first")
    ran = run("secrets", "undo", "--yes")
    assert (ran.status, "no earlier credentials" in ran.err, token_of(stack)) == (1, True, "first")


def test_undo_without_an_answer_needs_force(
    set_token: Callable[..., Ran], run: Run, stack: DeployedStack, reconciler: Reconciler
) -> None:
    """If the platform does not respond, undo changes nothing unless forced."""
    reconciler.accepted = {"old", "new"}
    set_token("old")
    set_token("new")
    silent = Outcome(Verdict.UNKNOWN, "no_answer").to_json()
    reconciler.answers = [silent, silent]
    ran = run("secrets", "undo", "--yes")
    assert (ran.status, "--force" in ran.err, token_of(stack)) == (1, True, "new")
    assert (run("secrets", "undo", "--yes", "--force").status, token_of(stack)) == (0, "old")


@pytest.mark.parametrize("text", ['{"token": "a-token"}', "", '"a-token"', "\ufeff\n"])
def test_rejects_json_or_empty_token(run: Run, stack: DeployedStack, say: Say, text: str) -> None:
    """A token pasted with its JSON or in quotes, or an empty input, is not stored."""
    before = secret_of(stack, "PartnerApiSecretArn")
    say(text)
    assert run("secrets", "set-token").status == 1
    assert secret_of(stack, "PartnerApiSecretArn") == before


def test_client_is_stored_with_id_and_secret(run: Run, stack: DeployedStack, say: Say, reconciler: Reconciler) -> None:
    """The client id and the client secret are tried and stored together."""
    reconciler.accepted = {"its-secret"}
    say("an-id\nits-secret\n")
    assert run("secrets", "set-client").status == 0
    stored = json.loads(secret_of(stack, "PartnerApiSecretArn"))
    assert stored == {"client_id": "an-id", "client_secret": "its-secret"}


@pytest.mark.parametrize("text", ["", "two words", "PASTE-THE-PARTNER-API-TOKEN-HERE", "ümlaut"])
def test_rejects_malformed_token(run: Run, stack: DeployedStack, say: Say, text: str) -> None:
    """A malformed token is neither stored nor repeated in the error."""
    before = secret_of(stack, "PartnerApiSecretArn")
    say(text + "\n")
    ran = run("secrets", "set-token")
    assert ran.status == 1
    assert not text or text not in ran.err
    assert secret_of(stack, "PartnerApiSecretArn") == before


def test_rotate_webhook_keeps_old_secret(run: Run, stack: DeployedStack) -> None:
    """After a rotation the old and the new webhook secret are valid, until the old one is revoked."""
    arn, old = stack.output("WebhookSecretArn"), secret_of(stack, "WebhookSecretArn")
    ran = run("secrets", "rotate-webhook")
    new = secret_of(stack, "WebhookSecretArn")
    assert (ran.status, len(new), new == old) == (0, 48, False)
    assert new not in ran.out + ran.err
    both = WebhookSecret(stack.client("secretsmanager"), arn)
    assert both.admits(old)
    assert both.admits(new)
    assert run("secrets", "rotate-webhook").status == 3  # it would end the old one's time unasked
    assert run("secrets", "retire-webhook", "--yes").status == 0
    one = WebhookSecret(stack.client("secretsmanager"), arn)
    assert one.admits(new)
    assert not one.admits(old)
    assert run("secrets", "show-webhook").out.strip() == new


@pytest.mark.parametrize("given", ["{}\n", "\ufeff{}\r\n", "  \ufeff {} "])
def test_webhook_secret_is_stored_bare(run: Run, stack: DeployedStack, say: Say, given: str) -> None:
    """A webhook secret of one's own is stored without a byte order mark and white space; the old one stays valid."""
    old = secret_of(stack, "WebhookSecretArn")
    say(given.format("Basic c2VjcmV0LTQ3MTE="))
    ran = run("secrets", "set-webhook")
    assert (ran.status, secret_of(stack, "WebhookSecretArn")) == (0, "Basic c2VjcmV0LTQ3MTE=")
    assert "c2VjcmV0" not in ran.out + ran.err
    both = WebhookSecret(stack.client("secretsmanager"), stack.output("WebhookSecretArn"))
    assert both.admits("Basic c2VjcmV0LTQ3MTE=")
    assert both.admits(old)
    say("another-secret")
    assert run("secrets", "set-webhook").status == 3  # it would end the old one's time unasked


# Each is a way in which a secret gets into the store that the platform does not send.
WRAPPED = {
    '"my-own-secret"': "quotes",
    "'my-own-secret'": "quotes",
    '{"secret": "my-own-secret"}': "JSON",
    '["my-own-secret"]': "JSON",
    '{"secret": "my-own-secret"': "JSON",
    "\xef\xbb\xbfmy-own-secret": "byte order mark",
    "“my-own-secret”": "header",
    "my-own\tsecret": "header",
}


@pytest.mark.parametrize(("given", "fault"), WRAPPED.items())
def test_wrapped_webhook_secret_is_not_stored(run: Run, stack: DeployedStack, say: Say, given: str, fault: str) -> None:
    """A webhook secret in quotes or as JSON is not stored, and the message says what is wrong without the secret."""
    before = secret_of(stack, "WebhookSecretArn")
    say(given)
    ran = run("secrets", "set-webhook")
    assert (ran.status, fault in ran.err, "my-own" in ran.err) == (1, True, False)
    assert secret_of(stack, "WebhookSecretArn") == before


@pytest.mark.parametrize(
    "given",
    ["123456789012", "a-secret-of-ours", '"-is-a-character', "Bearer a-secret", 'se"cret-of-ours', "[secret-of-ours"],
)
def test_any_other_text_may_be_a_secret(run: Run, stack: DeployedStack, say: Say, given: str) -> None:
    """Any other text that a header can hold may be the webhook secret."""
    say(given)
    assert run("secrets", "set-webhook").status == 0
    assert secret_of(stack, "WebhookSecretArn") == given


@pytest.mark.parametrize(("stored", "fault"), WRAPPED.items())
def test_secrets_status_names_wrapped_secret(run: Run, stack: DeployedStack, stored: str, fault: str) -> None:
    """The status names what is wrong with a webhook secret that was stored by hand."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString=stored)
    found = run("secrets", "status", "--json").json[0]
    assert fault in found["fault"]
    assert "set-webhook" in found["fault"]
    assert "my-own" not in str(found)


def test_input_that_is_not_utf8_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in a file of another encoding is not stored, and the message says how to save it."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("a-secret".encode("utf-16")), encoding="utf-8"))
    ran = run("secrets", "set-webhook")
    assert (ran.status, "UTF-8" in ran.err) == (1, True)


def test_shown_secret_is_what_the_webhook_reads(run: Run, stack: DeployedStack) -> None:
    """A secret that was stored with a byte order mark is shown without it, to be pasted."""
    arn = stack.output("WebhookSecretArn")
    stack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="\ufeffmy-own-secret\r\n")
    assert run("secrets", "show-webhook").out == "my-own-secret\n"


def test_secrets_status_names_placeholders(run: Run, set_token: Callable[..., Ran], reconciler: Reconciler) -> None:
    """The status names each secret that is still a placeholder."""
    reconciler.accepted = {"a-token"}
    ran = run("secrets", "status", "--json")
    assert ran.status == 1
    assert "placeholder" in ran.json[1]["fault"]
    set_token("a-token")
    assert run("secrets", "status").status == 0


# -- when each was last used -------------------------------------------------------------------------------------------


def counted(stack: DeployedStack, name: str, when: datetime, count: int = 1) -> None:
    """A metric of the webhook's, as CloudWatch has it."""
    data = {
        "MetricName": name,
        "Dimensions": [{"Name": "service", "Value": f"{stack.name}-webhook"}],
        "Timestamp": when,
        "Value": count,
    }
    stack.client("cloudwatch").put_metric_data(Namespace="PartnerOrders", MetricData=[data])


def test_status_says_when_each_was_used(run: Run, stack: DeployedStack) -> None:
    """The status names the last use of the current and the older webhook secret, and of the credentials."""
    content = json.dumps({"token": "a-token"})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output(PARTNER_API), SecretString=content)
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString="x" * 20)
    counted(stack, "Enqueued", now() - timedelta(hours=2), 3)
    counted(stack, "Enqueued", now() - timedelta(minutes=30), 2)
    counted(stack, "ByPreviousSecret", now() - timedelta(minutes=30), 2)
    began = now() + timedelta(seconds=1)
    report = {"started_at": to_text(began), "requests": 3, "api_errors": {}, "stopped": ""}
    stack.reconciliation.save_report(began - timedelta(seconds=1), report)
    states = {state["secret"]: state for state in run("secrets", "status", "--json").json}

    def age(name: str) -> timedelta:
        return now() - datetime.fromisoformat(states[name]["last_used_at"])

    assert timedelta(hours=2) <= age("webhook secret") <= timedelta(hours=2, minutes=6)
    assert timedelta(minutes=30) <= age("older webhook secret") <= timedelta(minutes=36)
    assert age("Partner API credentials") < timedelta(minutes=1)
    assert "a-token" not in str(states)


def test_retire_says_when_it_was_used(run: Run, stack: DeployedStack) -> None:
    """Before it asks, retire-webhook says when the older secret was last used."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString="x" * 20)
    ran = run("secrets", "retire-webhook")
    assert (ran.status, "No request has used the older secret in the last 14 days" in ran.err) == (3, True)
    counted(stack, "ByPreviousSecret", now() - timedelta(minutes=30))
    ran = run("secrets", "retire-webhook", "--yes")
    assert (ran.status, "A request used the older secret 3" in ran.err) == (0, True)
    assert "within 5 minutes" in ran.err


def test_laptop_knows_of_no_use(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local AWS has no metrics: the last use is unknown, in words."""
    monkeypatch.setattr("partner_orders_console.operations.secrets_status.webhook_requests", lambda _: None)
    [first, *_] = run("secrets", "status", "--json").json
    assert (first["last_used_at"], "unknown" in first["note"]) == (None, True)


@pytest.mark.parametrize("given", ["abc", "pa55w", "elevenchars"])
def test_guessable_webhook_secret_is_refused(run: Run, stack: DeployedStack, say: Say, given: str) -> None:
    """A webhook secret of fewer than 12 characters is not stored, and not repeated."""
    before = secret_of(stack, "WebhookSecretArn")
    say(given)
    ran = run("secrets", "set-webhook")
    assert (ran.status, "fewer than 12 characters" in ran.err, given in ran.err) == (1, True, False)
    assert secret_of(stack, "WebhookSecretArn") == before
