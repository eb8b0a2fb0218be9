"""The client of the platform's catalogue: exact bodies, one re-authentication, and a failure for each thing to do."""

import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from partner_orders.catalogue.product import Values
from partner_orders.clock import now
from partner_orders.platform import http
from partner_orders.platform.calls import (
    CallRefusedError,
    EffectUnknownError,
    NotAllowedError,
    PlatformNotFoundError,
    ThrottledError,
)
from partner_orders.platform.catalogue import (
    MAX_PRODUCTS,
    ListedProduct,
    PlatformCatalogue,
    PlatformJob,
    Submitted,
)
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.session import platform_session
from tests.support.canned_platform import BASE_URL, CannedSession, Reply, client_of
from tests.support.fixed_clock import NOW
from tests.support.raw_server import Answer, dripping, raw_server, response

CATALOG = "/v2/chains/chain/vendors/q7zk/catalog"
ONE = {"KW-100": Values(price=Decimal("3.55"), active=True)}
TWO = {**ONE, "KW-220": Values(active=False, quantity=0)}
QUEUED = {"job_id": "job-1", "job_status": "QUEUED"}


def catalogue(session: requests.Session, per_minute: int = 60, **options: str) -> PlatformCatalogue:
    return PlatformCatalogue(client_of(session, per_minute), "chain", **options)


def test_put_sends_exact_values() -> None:
    """A PUT has every stated value, prices as exact decimals without an exponent, and nothing unstated."""
    session = CannedSession(Reply(202, QUEUED))
    products = {
        "KW-100": Values(Decimal("3.550"), active=True, quantity=18, cap=6),
        "KW-1": Values(Decimal("1E+2")),
        **TWO,
    }
    assert catalogue(session).put_products("q7zk", products) == Submitted("job-1", "QUEUED")
    (asked,) = session.asked
    assert (asked["method"], asked["url"]) == ("PUT", BASE_URL + CATALOG)
    assert asked["headers"] == {
        "Authorization": "Bearer token-0",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert asked["data"] == (
        b'{"products":[{"sku":"KW-100","price":3.55,"active":true},{"sku":"KW-1","price":100},'
        b'{"sku":"KW-220","active":false,"quantity":0}]}'
    )


def test_cap_has_the_chains_field_name() -> None:
    """The cap is sent under the name that the chain's settings give it."""
    session = CannedSession(Reply(202, QUEUED), Reply(202, QUEUED))
    capped = {"KW-100": Values(active=True, cap=6)}
    catalogue(session).put_products("q7zk", capped)
    catalogue(session, cap_field="max_sales_quantity").put_products("q7zk", capped)
    names = [list(json.loads(asked["data"])["products"][0]) for asked in session.asked]
    assert [name[-1] for name in names] == ["maximum_sales_quantity", "max_sales_quantity"]


@pytest.mark.parametrize(
    ("reply", "submitted"),
    [
        (Reply(200, {"sku": "KW-100"}), Submitted(None, "COMPLETED")),
        (Reply(202, {"job_id": 4711, "job_status": "in progress"}), Submitted("4711", "IN_PROGRESS")),
        (Reply(200, {"job_id": "j", "status": "QUEUED"}), Submitted("j", "QUEUED")),
        (Reply(202, {"job_id": "j", "sku": "KW-100"}), Submitted("j", "")),
    ],
)
def test_two_kinds_of_acceptance(reply: Reply, submitted: Submitted) -> None:
    """A job is known by its id, as text or number; one product without a job is finished."""
    assert catalogue(CannedSession(reply)).put_products("q7zk", ONE) == submitted


@pytest.mark.parametrize(
    ("products", "reply"),
    [
        (TWO, Reply(200, {"sku": "KW-100"})),
        (ONE, Reply(200, {"sku": "KW-220"})),
        (ONE, Reply(202, {"job_status": "QUEUED"})),
        (ONE, Reply(202, {"job_id": "x" * 201})),
        (ONE, Reply(202, {"job_id": True})),
        (ONE, Reply(204)),
        (ONE, Reply(200, b"<html>")),
        (ONE, Reply(200, [])),
        (ONE, Reply(200, b" " * 70_000)),
        (ONE, Reply(500, {"code": "INTERNAL"})),
        (ONE, Reply(503, b"", "text/html", "7")),
        (ONE, Reply(408)),
    ],
)
def test_unreadable_outcome_may_have_taken_effect(products: dict[str, Values], reply: Reply) -> None:
    """A success that names no job or another product, and a server's failure, may have taken effect."""
    session = CannedSession(reply)
    with pytest.raises(EffectUnknownError) as error:
        catalogue(session).put_products("q7zk", products)
    assert error.value.retry_after == float(reply.retry_after or 0)
    assert len(session.asked) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_call_says_why(status: int) -> None:
    """A refused call carries the platform's code and message, and its text holds neither."""
    refusal = Reply(status, {"code": "BAD_REQUEST", "message": "barcode: digits only"})
    with pytest.raises(CallRefusedError) as error:
        catalogue(CannedSession(refusal)).put_products("q7zk", TWO)
    assert (error.value.code, error.value.message) == ("BAD_REQUEST", "barcode: digits only")
    assert error.value.may_be_of_a_line
    assert str(error.value) == f"refused:{status}"


@pytest.mark.parametrize("status", [302, 405, 409, 410])
def test_refusal_of_no_line(status: int) -> None:
    """Other refusals are not worth halving the call."""
    with pytest.raises(CallRefusedError) as error:
        catalogue(CannedSession(Reply(status))).put_products("q7zk", TWO)
    assert not error.value.may_be_of_a_line


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "invalid_request", "error_description": "price"}, ("invalid_request", "price")),
        ({"error": {"code": 17, "message": "a\nb\x00c"}}, ("17", "a b c")),
        ({"message": "call ayesha@example.com or +92 300 1234567 now"}, ("", "call … or … now")),
        ({"message": "see https://x.example/?sig=1 and " + "t" * 65}, ("", "see … and …")),
        ({"code": "two words", "message": "m " * 400}, ("", ("m " * 150)[:300])),
        ({"code": ["x"], "message": {"a": 1}}, ("", "")),
        (b"<html>Ayesha Khan</html>", ("", "")),
        (b'{"code": "X", "message": "' + b"x" * 70_000, ("", "")),
    ],
)
def test_words_are_bounded_and_impersonal(body: Any, words: tuple[str, str]) -> None:
    """The platform's words come bounded, on one line, and without addresses, numbers of people, links or tokens."""
    with pytest.raises(CallRefusedError) as error:
        catalogue(CannedSession(Reply(400, body))).put_products("q7zk", ONE)
    assert (error.value.code, error.value.message) == words


@pytest.mark.parametrize("status", [400, 403, 404, 422])
@pytest.mark.parametrize("body", [{"message": "Platform Not Found"}, {"code": "PLATFORM_NOT_FOUND"}])
def test_account_that_is_not_set_up(status: int, body: Any) -> None:
    """Platform Not Found is a matter of the account, whatever its status, and no line's."""
    with pytest.raises(PlatformNotFoundError):
        catalogue(CannedSession(Reply(status, body))).put_products("q7zk", ONE)


@pytest.mark.parametrize(
    ("reply", "seconds", "failure"),
    [
        (Reply(429, retry_after="90"), 90, Failure.RATE_LIMITED),
        (Reply(429), 60, Failure.RATE_LIMITED),
        (Reply(403, b"<html>", "text/html"), 60, Failure.BLOCKED),
    ],
)
def test_throttled_call_says_until_when(reply: Reply, seconds: int, failure: Failure) -> None:
    """A limit of the platform, or a block of its edge, says before when nothing is to be sent; and nothing is."""
    session = CannedSession(reply)
    platform = catalogue(session)
    with pytest.raises(ThrottledError) as error:
        platform.put_products("q7zk", ONE)
    assert (error.value.not_before, error.value.failure) == (NOW + timedelta(seconds=seconds), failure)
    if seconds > 60:
        with pytest.raises(OutOfTimeError):
            platform.make_room()
    assert len(session.asked) == 1


def test_rejected_token_is_replaced_once() -> None:
    """After a 401 the call goes once more with a fresh token; a second 401 is an error for a person."""
    session = CannedSession(Reply(401), Reply(202, QUEUED), Reply(401), Reply(401))
    platform = catalogue(session)
    assert platform.put_products("q7zk", ONE).job_id == "job-1"
    with pytest.raises(NotAllowedError) as error:
        platform.ask_for_export("q7zk")
    assert error.value.failure is Failure.UNAUTHORIZED
    tokens = [asked["headers"]["Authorization"].removeprefix("Bearer ") for asked in session.asked]
    assert tokens == ["token-0", "token-1", "token-1", "token-2"]


def test_forbidden_call() -> None:
    """A 403 of the API, unlike the edge's, is of the credentials."""
    with pytest.raises(NotAllowedError, match=r"^forbidden$"):
        catalogue(CannedSession(Reply(403, {"code": "FORBIDDEN"}))).put_products("q7zk", ONE)


def test_unknown_store() -> None:
    """A 404 is of the store's id."""
    with pytest.raises(PartnerApiError) as error:
        catalogue(CannedSession(Reply(404, {"message": "vendor not found"}))).put_products("q7zk", ONE)
    assert error.value.may_be_of_the_id
    assert not isinstance(error.value, EffectUnknownError | CallRefusedError | PlatformNotFoundError)


@pytest.mark.parametrize("count", [0, MAX_PRODUCTS + 1])
def test_number_of_products_is_bounded(count: int) -> None:
    """A call without products, or with too many, is not sent."""
    session = CannedSession()
    with pytest.raises(ValueError, match="products"):
        catalogue(session).put_products("q7zk", {f"KW-{number}": Values(active=True) for number in range(count)})
    assert not session.asked


def test_lone_cap_is_refused_before_sending() -> None:
    """A product that states its cap alone would spoil the call, and is refused as a bad line."""
    session = CannedSession()
    with pytest.raises(CallRefusedError) as error:
        catalogue(session).put_products("q7zk", {**ONE, "KW-2": Values(cap=3)})
    assert error.value.may_be_of_a_line
    assert error.value.message
    assert not session.asked


def test_budget_is_shared_with_the_client() -> None:
    """A call beyond the request limit is not sent."""
    session = CannedSession(Reply(202, QUEUED))
    platform = catalogue(session, per_minute=1)
    client: Any = platform._client
    client._limits = client._limits._replace(remaining_seconds=lambda: 5.0)
    platform.put_products("q7zk", ONE)
    with pytest.raises(OutOfTimeError):
        platform.put_products("q7zk", ONE)
    assert len(session.asked) == 1


def test_export_is_a_job() -> None:
    """An export is asked for without a body, and known by its job."""
    session = CannedSession(Reply(202, {"job_id": 12}), Reply(202, {}))
    assert catalogue(session).ask_for_export("q7zk") == "12"
    (asked,) = session.asked
    assert (asked["method"], asked["url"], asked["data"]) == ("POST", f"{BASE_URL}{CATALOG}/export", None)
    with pytest.raises(EffectUnknownError):
        catalogue(session).ask_for_export("q7zk")


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"job_status": "COMPLETED", "download_url": "/f.csv"}, PlatformJob("COMPLETED", "/f.csv")),
        ({"status": "failed"}, PlatformJob("FAILED")),
        (
            {"job_status": "COMPLETED", "result": {"download_url": "https://s/x"}},
            PlatformJob("COMPLETED", "https://s/x"),
        ),
        ({"job_status": "QUEUED", "download_url": "x" * 9_000, "result": 1}, PlatformJob("QUEUED")),
    ],
)
def test_job_has_a_status_and_perhaps_a_file(body: Any, state: PlatformJob) -> None:
    """A job's status is one word, and its file a URL of bounded length."""
    session = CannedSession(Reply(200, body))
    assert catalogue(session).job("a/b c") == state
    assert session.asked[0]["url"] == f"{BASE_URL}/v2/chains/chain/catalog/jobs/a%2Fb%20c"


def test_job_that_is_not_shown() -> None:
    """A job that the platform does not show is None, and an id that would name another path is not requested."""
    session = CannedSession(Reply(404, {"message": "Platform Not Found"}))
    assert catalogue(session).job("job-1") is None
    assert catalogue(session).job("..") is None
    assert len(session.asked) == 1


def test_job_keeps_its_url_out_of_texts() -> None:
    """A signed URL is a secret: no text of a job shows it."""
    assert "sig=1" not in repr(PlatformJob("COMPLETED", "https://s/x?sig=1"))


@pytest.mark.parametrize("body", [{}, [], b"x", {"job_status": 1.5}])
def test_unreadable_job_is_an_error(body: Any) -> None:
    """A job without a readable status is an error that may pass."""
    with pytest.raises(PartnerApiError, match=r"^not_json") as error:
        catalogue(CannedSession(Reply(200, body))).job("job-1")
    assert error.value.retry_after == 0.0


def test_page_of_products() -> None:
    """A page has each product's SKU, barcodes, exact price and state, and counts those without a SKU."""
    products = (
        b'[{"sku":"KW-100","barcodes":["0501",7],"price":3.550,"active":true},{"sku":9,"barcode":"12","price":"2.10"},'
        b'{"sku":"KW-3","barcodes":null,"price":true,"active":"yes"},{"price":1},null]'
    )
    body = b'{"page_number":2,"page_size":100,"total_pages":"3","products":' + products + b"}"
    session = CannedSession(Reply(200, body))
    page = catalogue(session).catalogue_page("q7zk", 2, 100, "milk")
    assert page.products == (
        ListedProduct("KW-100", ("0501", "7"), Decimal("3.550"), active=True),
        ListedProduct("9", ("12",), Decimal("2.10"), None),
        ListedProduct("KW-3", (), None, None),
    )
    assert (page.total_pages, page.unreadable) == (3, 2)
    assert session.asked[0]["query"] == {"page": "2", "page_size": "100", "query_term": "milk"}


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ({"page_number": 1, "products": []}, Failure.REPEATED_PAGE),
        ({"page_number": 2}, Failure.NOT_A_PAGE),
        (b"\xff", Failure.NOT_JSON),
        (b" " * (4 * 1_048_576 + 1), Failure.TOO_LARGE),
    ],
)
def test_other_page_is_an_error(body: Any, failure: Failure) -> None:
    """Another page than the one asked for, or none at all, is never taken for it."""
    with pytest.raises(PartnerApiError) as error:
        catalogue(CannedSession(Reply(200, body))).catalogue_page("q7zk", 2)
    assert error.value.failure is failure


@pytest.mark.parametrize(("page", "page_size"), [(0, 500), (1, 501), (1, 0)])
def test_page_is_within_bounds(page: int, page_size: int) -> None:
    """Pages are counted from 1, and have at most 500 products."""
    with pytest.raises(ValueError, match="page"):
        catalogue(CannedSession()).catalogue_page("q7zk", page, page_size)


# -- over real connections ----------------------------------------------------------------------------------------


def put_over_socket(answer: Answer, secret: Any) -> Submitted:
    secrets: Any = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": json.dumps(secret)})
    with raw_server(answer) as url, platform_session() as session:
        limit = RateLimit(1_000, lambda: 0.0, lambda _: None)
        credentials = PartnerApiCredentials(secrets, "arn", url, session, limit)
        client = PartnerApiClient(url, credentials, session, limit, now, lambda _: None)
        return PlatformCatalogue(client, "chain").put_products("q7zk", ONE)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nX: y" + b" " * 99],
    ids=["nothing", "cut", "slow"],
)
def test_lost_response_may_have_taken_effect(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Where the connection is lost or takes too long, the call may have taken effect, and is not repeated."""
    monkeypatch.setattr(http, "RESPONSE_SECONDS", 0.1)  # the least is a second
    lines: list[str] = []

    def answered(first_line: str) -> Any:
        lines.append(first_line)
        return dripping(answer) if answer.endswith(b" ") else [answer]

    with pytest.raises(EffectUnknownError, match=r"^no_answer:"):
        put_over_socket(answered, {"token": "t"})
    assert lines == [f"PUT {CATALOG} HTTP/1.1\r\n"]


def test_no_token_means_nothing_was_sent() -> None:
    """Where the token endpoint is silent, nothing was sent, and the error says so."""
    lines: list[str] = []

    def answered(first_line: str) -> Any:
        lines.append(first_line.split()[1])
        return [b""]

    with pytest.raises(PlatformUnavailableError):
        put_over_socket(answered, {"client_id": "ours", "client_secret": "s"})
    assert lines == ["/v2/oauth/token"]


def test_put_over_a_real_connection() -> None:
    """A PUT arrives, and its job is read."""
    body = json.dumps(QUEUED).encode()
    assert put_over_socket(lambda _: [response(body, status="202 Accepted")], {"token": "t"}).job_id == "job-1"
