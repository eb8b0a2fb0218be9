"""The simulated platform behaves as docs/platform.md 1 to 4 say of the real one; one seed always plays one hour."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from tools.local.simulated_platform import courier
from tools.local.simulated_platform.courier import Courier, Destination, Misbehaviour, Posting
from tools.local.simulated_platform.lives import Life, to_text, trading_hour, webhook_events
from tools.local.simulated_platform.partner_api import Request, Response, SimulatedPartnerApi, Unknowns
from tools.local.simulated_platform.profiles import FOODPANDA, PROFILES, Profile

CHAIN = "6f1b1f0e-8f5b-4d57-9d3c-6f4f4f4b7a10"
TOKEN = "token"
START = datetime(2026, 10, 14, 8, tzinfo=UTC)
AFTER = START + timedelta(hours=6)
LIVES = trading_hour(5, 60, 3, START, CHAIN)


def texts(lives: list[Life]) -> list[str]:
    return [to_text(step.body) for life in lives for step in life.steps]


def api(rate_limit: int = 10_000, **unknowns: Any) -> SimulatedPartnerApi:
    made = SimulatedPartnerApi(CHAIN, TOKEN, rate_limit, unknowns=Unknowns(**unknowns), clients={"client": "secret"})
    made.show(LIVES)
    return made


def get(platform: SimulatedPartnerApi, path: str, at: datetime = AFTER, token: str = TOKEN) -> Response:
    return platform.handle(Request("GET", path, {"authorization": f"Bearer {token}"}), at)


def orders_of(platform: SimulatedPartnerApi, store: str, **query: object) -> dict[str, Any]:
    times = {"start_time": "2026-10-14T00:00:00Z", "end_time": "2026-10-14T23:00:00Z"}
    answer = get(platform, f"/v2/chains/{CHAIN}/vendors/{store}/orders?{urlencode({**times, **query})}")
    page: dict[str, Any] = json.loads(answer.body)
    return page


# -- the orders ------------------------------------------------------------------------------------------------------


def test_store_outlives_its_orders() -> None:
    """A store is known before its first order and after its last."""
    platform = SimulatedPartnerApi(CHAIN, TOKEN, 10_000, stores=["148020"])
    was_shown = f"/v2/chains/{CHAIN}/vendors/{LIVES[0].shop.store_id}/orders"
    assert orders_of(platform, "148020")["orders"] == []
    assert get(platform, was_shown).status == 404
    platform.show(LIVES)
    platform.show([])
    assert get(platform, was_shown).status == 200
    assert orders_of(platform, "148020")["orders"] == []


def test_same_seed_plays_the_same_hour() -> None:
    """The same seed plays the same hour; another seed plays another one."""
    assert texts(trading_hour(5, 60, 3, START, CHAIN)) == texts(LIVES)
    assert texts(trading_hour(6, 60, 3, START, CHAIN)) != texts(LIVES)


def test_hour_has_every_kind_of_order() -> None:
    """The hour has every status, pricing, transport and kind of line."""
    bodies = [step.body for life in LIVES for step in life.steps]
    lines = [line for body in bodies for line in body["items"]]
    assert {"RECEIVED", "READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED"} <= {
        body["status"] for body in bodies
    }
    assert {line["pricing"]["pricing_type"] for line in lines} == {"UNIT", "KG"}
    assert len({body["transport_type"] for body in bodies}) > 1
    assert {body["isPreorder"] for body in bodies} == {True, False}
    assert len({line["status"] for line in lines}) >= 3
    assert any(line.get("replaced_id") for line in lines)


def test_life_of_an_order_is_in_order() -> None:
    """The statuses of a life are in the order of their times, and of one order."""
    for life in LIVES:
        assert [step.at for step in life.steps] == sorted(step.at for step in life.steps)
        assert len({step.body["order_id"] for step in life.steps}) == 1


# -- the Partner API -------------------------------------------------------------------------------------------------


def test_pages_hold_every_order_once() -> None:
    """Pages have the documented envelope, and together hold every order once."""
    platform, store = api(), LIVES[0].shop.store_id
    first = orders_of(platform, store, page_size=7)
    pages = [orders_of(platform, store, page_size=7, page=number + 1) for number in range(first["total_pages"])]
    assert set(first) == {"orders", "page_number", "page_size", "total_pages"}
    seen = Counter(order["order_id"] for page in pages for order in page["orders"])
    assert seen == Counter(life.order_id for life in LIVES if life.shop.store_id == store)


def test_store_responds_to_either_id() -> None:
    """A store responds to either of its ids."""
    platform, shop = api(), LIVES[0].shop
    assert orders_of(platform, shop.store_id) == orders_of(platform, shop.external_partner_config_id)


def page_of(platform: SimulatedPartnerApi, **query: object) -> Response:
    times = {"start_time": "2026-10-14T00:00:00", "end_time": "2026-10-14T23:00:00"}
    store = LIVES[0].shop.store_id
    return get(platform, f"/v2/chains/{CHAIN}/vendors/{store}/orders?{urlencode({**times, **query})}")


def test_platform_may_refuse_what_it_cannot_use() -> None:
    """A platform that does not accept times or a page size answers with 400 where it is one that refuses."""
    refusing = api(times="with_z", times_refused=True, largest_page_size=5, page_size_refused=True)
    times = {"start_time": "2026-10-14T00:00:00Z", "end_time": "2026-10-14T23:00:00Z"}
    assert page_of(refusing, page_size=5).status == 400
    assert page_of(refusing, **times, page_size=6).status == 400
    assert len(json.loads(page_of(refusing, **times, page_size=5).body)["orders"]) == 5
    lenient = api(times="with_z", largest_page_size=5)
    assert json.loads(page_of(lenient).body)["orders"] == []
    assert len(json.loads(page_of(lenient, **times, page_size=500).body)["orders"]) == 5


@pytest.mark.parametrize(
    ("counts", "expected"), [("numbers", {"total_pages": 1}), ("text", {"total_pages": "1"}), ("missing", {})]
)
def test_counts_have_their_form(counts: str, expected: dict[str, object]) -> None:
    """The counts of a page are numbers, text, or not there."""
    page = json.loads(page_of(api(counts=counts), page_size=100).body)
    assert {name: page[name] for name in page if name == "total_pages"} == expected
    assert page["orders"]


@pytest.mark.parametrize(
    ("empty", "status", "orders"),
    [
        ("list", 200, '"orders":[]'),
        ("null", 200, '"orders":null'),
        ("missing", 200, '{"page_number":'),
        ("object", 200, "{}"),
        ("no_content", 204, ""),
    ],
)
def test_empty_list_has_its_form(empty: str, status: int, orders: str) -> None:
    """Nothing is said as an empty list, null, without orders, as {}, or with 204."""
    response = page_of(api(empty=empty), start_time="2026-10-14T22:00:00")
    assert response.status == status
    assert orders in response.body.decode()
    assert json.loads(page_of(api(empty=empty)).body)["orders"]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_brand_keeps_its_habits(profile: Profile) -> None:
    """A brand's orders have its spellings, times, ids, masks and ways to be told."""
    lives = profile.hour(5, 60, 3, START, CHAIN)
    platform = SimulatedPartnerApi(CHAIN, TOKEN, 10_000, unknowns=profile.unknowns, form_of_get=profile.form_of_get)
    platform.show(lives)
    statuses = {step.status for life in lives for step in life.steps}
    assert not statuses & profile.spellings.keys()
    assert statuses >= {*profile.spellings.values()}
    assert all(("updated_at" in step.body["sys"]) == profile.has_updated_at for life in lives for step in life.steps)
    assert not [step for life in lives for step in life.steps if step.by_webhook and step.status in profile.get_only]
    share = sum(life.masked for life in lives) / len(lives)
    assert abs(share - profile.masked) < 0.05
    life = lives[0]
    shown = json.loads(get(platform, f"/v2/orders/{life.order_id}").body)
    assert shown["order_id"] == (life.order_id.upper() if profile.upper_case_ids else life.order_id)
    assert isinstance(shown["client"]["store_id"], int) == profile.numeric_store_ids


def test_some_states_have_no_webhook() -> None:
    """No brand posts PICKED_UP, which GET alone shows; what is posted is each state that has a webhook, by time."""
    for profile in PROFILES:
        lives = profile.hour(5, 60, 3, START, CHAIN)
        steps = [step for life in lives for step in life.steps]
        posted = [step for _, step in webhook_events(lives)]
        assert posted == sorted((step for step in steps if step.by_webhook), key=lambda step: step.at)
        silent = {step.status for step in steps} - {step.status for step in posted}
        assert silent == ({"ACCEPTED", "DELIVERED", "PICKED_UP"} if profile.name == "glovo" else {"PICKED_UP"})


def test_get_may_not_show_a_status() -> None:
    """A status that only webhooks tell is never shown: GET shows the one before."""
    lives = FOODPANDA.hour(5, 60, 3, START, CHAIN)
    hidden = [(life, step) for life in lives for step in life.steps if not step.by_get]
    assert hidden
    for life, step in hidden:
        shown = life.step_shown_at(step.at)
        assert shown is not None
        assert shown is not step
        assert life.step_at(step.at) is step


def test_odd_parameters_get_200() -> None:
    """Unknown parameters are ignored, and bad times find nothing, with a 200."""
    platform, store = api(), LIVES[0].shop.store_id
    assert orders_of(platform, store, since="yesterday") == orders_of(platform, store)
    for bad in ({"start_time": "yesterday"}, {"end_time": ""}, {"start_time": "2026-10-14T23:30:00Z"}):
        assert orders_of(platform, store, **bad)["orders"] == []


def test_orders_expire_after_sixty_days() -> None:
    """An order older than 60 days is not shown."""
    platform, life = api(), LIVES[0]
    path = f"/v2/orders/{life.order_id}"
    assert get(platform, path, life.created_at + timedelta(days=59, hours=23)).status == 200
    assert get(platform, path, life.created_at + timedelta(days=60, seconds=1)).status == 404


def test_get_shows_the_latest_status() -> None:
    """A GET shows the latest status, with a layout of its own."""
    platform = api()
    for life in LIVES:
        shown = json.loads(get(platform, f"/v2/orders/{life.order_id}").body)
        sent = life.steps[-1].body
        assert shown["status"] == sent["status"]
        assert shown["sys"]["webhook_status"]
        assert [line["sku"] for line in shown["items"]] == [line["sku"] for line in sent["items"]]
        assert list(shown) != list(sent)


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 401), ({"authorization": "Bearer wrong"}, 401), ({"authorization": "token"}, 401)]
)
def test_no_token_gets_401(headers: dict[str, str], status: int) -> None:
    """A request without the token gets a 401."""
    assert api().handle(Request("GET", f"/v2/orders/{LIVES[0].order_id}", headers), AFTER).status == status


def test_rate_limit_blocks_for_a_minute() -> None:
    """Above the rate limit an address is blocked with an HTML page for a minute."""
    platform, path = api(rate_limit=3), f"/v2/orders/{LIVES[0].order_id}"
    assert [get(platform, path).status for _ in range(4)] == [200, 200, 200, 429]
    blocked = get(platform, path)
    assert blocked.headers["Content-Type"].startswith("text/html")
    assert blocked.headers["Retry-After"] == "60"
    assert get(platform, path, AFTER + timedelta(seconds=61)).status == 200


def test_only_the_client_gets_a_token() -> None:
    """The client gets a token that works; a wrong secret gets none."""
    platform = api()

    def grant(secret: str) -> Response:
        form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": secret}
        return platform.handle(Request("POST", "/v2/oauth/token", {}, urlencode(form).encode()), AFTER)

    assert grant("wrong").status == 401
    token = json.loads(grant("secret").body)["access_token"]
    assert get(platform, f"/v2/orders/{LIVES[0].order_id}", token=token).status == 200


@pytest.mark.parametrize(
    ("fault", "status"), [("unauthorized", 401), ("forbidden", 403), ("not_found", 404), ("too_many", 429)]
)
def test_fault_happens_as_often_as_asked(fault: str, status: int) -> None:
    """A fault happens exactly as often as requested."""
    platform, path = api(), f"/v2/orders/{LIVES[0].order_id}"
    platform.faults = {fault: 2}
    assert [get(platform, path).status for _ in range(3)] == [status, status, 200]


@pytest.mark.parametrize("order", ["ascending", "descending", "none"])
@pytest.mark.parametrize("filter_by", ["created", "updated"])
@pytest.mark.parametrize("sort_by", ["created", "updated"])
def test_open_choices_lose_no_order(order: str, filter_by: str, sort_by: str) -> None:
    """What the documentation leaves open changes order and filter, but loses no order."""
    store = LIVES[0].shop.store_id
    shown = orders_of(api(order=order, filter_by=filter_by, sort_by=sort_by), store, page_size=500)["orders"]
    assert {each["order_id"] for each in shown} == {life.order_id for life in LIVES if life.shop.store_id == store}
    if order != "none":
        times = [each["sys"][f"{sort_by}_at"] for each in shown]
        assert times == sorted(times, reverse=order == "descending")


def test_changed_order_moves_between_pages() -> None:
    """A changed order moves if pages are sorted by change, and leaves if they are filtered by it."""
    store = LIVES[0].shop.store_id

    def first_and_last(end: datetime, **unknowns: Any) -> tuple[str, str]:
        platform = api(**unknowns)
        platform.touch(LIVES[0].order_id, AFTER)
        shown = orders_of(platform, store, page_size=500, end_time=end.isoformat())["orders"]
        return shown[0]["order_id"], shown[-1]["order_id"]

    early = AFTER - timedelta(seconds=1)
    assert first_and_last(early)[0] == LIVES[0].order_id
    assert first_and_last(early, sort_by="updated")[1] == LIVES[0].order_id
    assert LIVES[0].order_id not in first_and_last(early, filter_by="updated", sort_by="updated")
    assert first_and_last(AFTER, filter_by="updated")[0] == LIVES[0].order_id


# -- the webhook -----------------------------------------------------------------------------------------------------


class Webhook(ThreadingHTTPServer):
    """Answers with what ``statuses`` says, one after another, the last one ever after."""

    statuses: tuple[int, ...] = (200,)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.received: list[tuple[str, bytes]] = []


class Answering(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Authorization"], body))
        count = len(self.server.received)
        self.send_response(self.server.statuses[min(count, len(self.server.statuses)) - 1])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def deliver(webhook: Webhook, misbehaviour: Misbehaviour | None = None, events: int = 1) -> Courier:
    courier = Courier()
    courier.destination = Destination(f"http://127.0.0.1:{webhook.server_address[1]}/", {}, "secret", 0.0)
    timetable = [
        (0.0, Posting(life.order_id, step.status, "", to_text(step.body)))
        for life, step in list(webhook_events(LIVES))[:events]
    ]
    courier.play(timetable, 1, misbehaviour or Misbehaviour(), 0.0)
    return courier


def test_2xx_acknowledges_a_webhook(webhook: Webhook) -> None:
    """Any 2xx acknowledges an event, and the secret is sent verbatim."""
    webhook.statuses = (202,)
    assert [posting.outcome for posting in deliver(webhook).postings] == ["acknowledged"]
    assert [authorization for authorization, _ in webhook.received] == ["secret"]


def test_webhook_is_given_up_after_retries(webhook: Webhook) -> None:
    """A rejected event is retried five times and then given up."""
    webhook.statuses = (503,)
    assert [(posting.outcome, posting.attempts) for posting in deliver(webhook).postings] == [("gave_up", 6)]
    assert len({body for _, body in webhook.received}) == 1


@pytest.mark.parametrize(("statuses", "outcome"), [((503,), "gave_up"), ((*[503] * 6, 200), "acknowledged")])
def test_copy_of_what_was_given_up(webhook: Webhook, statuses: tuple[int, ...], outcome: str) -> None:
    """A copy that comes after the event was given up acknowledges it where it is taken, and only there."""
    webhook.statuses = statuses
    courier = deliver(webhook)
    [posting] = courier.postings
    assert posting.outcome == "gave_up"
    courier._post_again(posting)
    assert (posting.outcome, posting.attempts) == (outcome, 7)


def test_acknowledged_event_is_not_resent(webhook: Webhook) -> None:
    """An event is not sent again once it is acknowledged."""
    webhook.statuses = (500, 401, 200)
    assert [posting.attempts for posting in deliver(webhook).postings] == [3]


@pytest.mark.slow
def test_courier_can_misbehave(webhook: Webhook) -> None:
    """On request the courier sends duplicates, drops events and sends garbage."""
    courier = deliver(webhook, Misbehaviour(duplicate=0.5, drop=0.3, garbage=0.5), events=40)
    outcomes = Counter(posting.outcome for posting in courier.postings)
    assert outcomes["never_sent"]
    assert outcomes["acknowledged"] == 40 - outcomes["never_sent"]
    assert courier.counts["duplicates_sent"]
    assert courier.counts["garbage_sent"] == len(courier.garbage)
    assert courier.garbage
    assert len(webhook.received) == courier.counts["attempts"]
    sent = Counter(body for _, body in webhook.received)
    times = [sent[posting.body_text.encode()] for posting in courier.postings]
    assert [posting.outcome == "never_sent" for posting in courier.postings] == [count == 0 for count in times]
    assert sum(count == 2 for count in times) == courier.counts["duplicates_sent"]


@pytest.mark.parametrize(("fault", "least", "most"), [("reorder", 3, 12), ("delay", 0.2, 2)])
def test_courier_can_be_late(monkeypatch: pytest.MonkeyPatch, fault: str, least: float, most: float) -> None:
    """On request the courier sends events minutes late, among later ones or by themselves."""
    sent_at: list[float] = []
    monkeypatch.setattr(courier, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sent_at.append))
    monkeypatch.setattr(Courier, "_send", lambda *_: 200)
    late = Courier()
    late.play([(0.0, Posting("o", "RECEIVED", "", "{}"))] * 20, 1, Misbehaviour(**{fault: 1.0}), 60.0)
    assert len({*sent_at}) == 20
    assert all(60 * least <= at <= 60 * most for at in sent_at)
