"""The simulated catalogue over HTTP: routes, token, rate limit, callbacks, and the host that stores results."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import (
    CatalogueRoutes,
    StorageHost,
    WithCatalogue,
    is_about_catalogue,
)
from tools.local.simulated_platform.catalogue_records import Habits
from tools.local.simulated_platform.lives import trading_hour
from tools.local.simulated_platform.partner_api import Request
from tools.local.simulated_platform.server import Platform, serve
from tools.simulation.faults import Faults
from tools.simulation.odd_platform import OddPartnerApi

pytestmark = pytest.mark.slow

CHAIN, TOKEN, STORE = "6f1b1f0e-8f5b-4d57-9d3c-6f4f4f4b7a10", "token", "q7zk"
NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)
CATALOG = f"/v2/chains/{CHAIN}/vendors/{STORE}/catalog"


@dataclass
class Served:
    """A platform behind HTTP, with a store of 30 products."""

    platform: Platform
    url: str
    callbacks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def ask(self, method: str, path: str, body: object = None, token: str = TOKEN) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=10)

    def control(self, what: str, **content: object) -> dict[str, Any]:
        response = requests.post(f"{self.url}/_platform/{what}", json=content, timeout=10)
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown

    def put(self, *skus: str, **values: object) -> requests.Response:
        return self.ask("PUT", CATALOG, {"products": [{"sku": sku, **values} for sku in skus]})

    def worked_off(self) -> None:
        """Have every job ended and called back."""
        self.platform.catalogue.work()
        self.platform.catalogue.settle()


def running(server: ThreadingHTTPServer) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def served() -> Iterator[Served]:
    platform = Platform(CHAIN, TOKEN, 200, {})
    for url in running(serve(platform, 0)):
        made = Served(platform, url)
        made.control("catalogue-fill", vendor=STORE, products=30, code="code-1")
        yield made


@pytest.fixture
def called(served: Served) -> Iterator[Served]:
    """The platform with a catalogue webhook, which keeps what it gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.callbacks.append((self.headers["Authorization"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for url in running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)):
        served.control("configure", catalogue_webhook_url=url, webhook_secret="secret", retry_delay_seconds=0)
        yield served


def test_one_product(served: Served) -> None:
    """One product gets a 200 with its SKU, and is shown at once."""
    response = served.put(f"{STORE}-00001", price=3.5559)
    assert (response.status_code, response.json()) == (200, {"sku": f"{STORE}-00001"})
    shown = requests.get(f"{served.url}/_platform/catalogue", timeout=10).json()
    assert shown["shown"][STORE][f"{STORE}-00001"]["price"] == "3.555"
    assert (shown["requests"], shown["jobs"]) == ({"put": 1, "put_single": 1}, [])


def test_several_products(called: Served) -> None:
    """Several products get a 202, a callback with the secret, and a file that only the token opens."""
    response = called.put(f"{STORE}-00001", "unknown", price=4)
    job_id = response.json()["job_id"]
    assert (response.status_code, response.json()["job_status"]) == (202, "QUEUED")
    called.worked_off()
    link = f"{called.url}/v2/files/{job_id}.csv"
    body = {"job_id": job_id, "platform_vendor_id": STORE, "status": "COMPLETED", "download_url": link}
    assert called.callbacks == [("secret", body)]
    assert requests.get(link, timeout=10).status_code == 401
    file = called.ask("GET", link.removeprefix(called.url))
    assert file.text.splitlines() == [
        '"sku","state","errors"',
        f'"{STORE}-00001","SUCCESS",""',
        '"unknown","FAILED","product not found in catalog"',
    ]
    job = called.ask("GET", f"/v2/chains/{CHAIN}/catalog/jobs/{job_id}")
    assert job.json() == {"job_id": job_id, "job_status": "COMPLETED", "download_url": link}


def test_storage_host_refuses_the_token(called: Served) -> None:
    """A link to the storage host works without the token; a request with it is refused and counted."""
    called.control("catalogue-habits", results_at="storage")
    called.put(f"{STORE}-00001", f"{STORE}-00002", price=4)
    called.worked_off()
    link = called.callbacks[0][1]["download_url"]
    assert not link.startswith(called.url)
    with_token = requests.get(link, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    without = requests.get(link, timeout=10)
    assert (with_token.status_code, without.status_code) == (403, 200)
    assert without.text.startswith('"sku"')
    assert requests.get(link[:-1], timeout=10).status_code == 403
    counted = called.platform.catalogue.state.requests
    assert (counted["storage"], counted["storage_with_token"], counted["file"]) == (3, 1, 0)


def test_early_callback_precedes_the_response(called: Served) -> None:
    """An early callback has arrived when the response to its PUT does."""
    called.control("catalogue-faults", callback_early=1)
    response = called.put(f"{STORE}-00001", f"{STORE}-00002", price=4)
    assert [body["job_id"] for _, body in called.callbacks] == [response.json()["job_id"]]
    assert response.json()["job_status"] == "QUEUED"


def test_no_url_no_callback(served: Served) -> None:
    """Without a catalogue webhook nothing is posted, and the job ends all the same."""
    served.put(f"{STORE}-00001", f"{STORE}-00002", price=4)
    served.worked_off()
    truth = served.platform.catalogue.truth()
    assert [posting["outcome"] for posting in truth["callbacks"]] == ["never_sent"]
    assert [job["status"] for job in truth["jobs"]] == ["COMPLETED"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_put_may_get_no_good_response(served: Served, when: str) -> None:
    """A PUT gets a 500 or a dropped connection, and took effect if the fault comes after it."""
    before = served.platform.catalogue.state.shown(STORE)[f"{STORE}-00001"].price
    served.control("catalogue-faults", **{f"put_error_{when}": 1})
    assert served.put(f"{STORE}-00001", price=777).status_code == 500
    shown = served.platform.catalogue.state.shown(STORE)[f"{STORE}-00001"].price
    assert shown == (777 if when == "after" else before)
    served.control("catalogue-faults", **{f"put_dropped_{when}": 1})
    with pytest.raises(requests.ConnectionError):
        served.put(f"{STORE}-00001", price=888)
    shown = served.platform.catalogue.state.shown(STORE)[f"{STORE}-00001"].price
    assert shown == (888 if when == "after" else before)


def test_pages(served: Served) -> None:
    """Pages begin at 1 and hold every product once; page_number and a page_size over 500 have no effect."""
    pages = [served.ask("GET", f"{CATALOG}?page={number}&page_size=12").json() for number in (1, 2, 3, 4)]
    assert [len(page["products"]) for page in pages] == [12, 12, 6, 0]
    assert {page["total_pages"] for page in pages} == {3}
    skus = [product["sku"] for page in pages for product in page["products"]]
    assert len(set(skus)) == 30
    ignored = served.ask("GET", f"{CATALOG}?page_number=2&page_size=12").json()
    assert ignored["products"] == pages[0]["products"]
    assert served.ask("GET", f"{CATALOG}?page_size=9999").json()["page_size"] == 500


def test_pages_can_be_narrowed(served: Served) -> None:
    """A page holds what a term, a state or a category asks for."""
    found = served.ask("GET", f"{CATALOG}?query_term={STORE}-00007").json()["products"]
    assert [product["sku"] for product in found] == [f"{STORE}-00007"]
    off = served.ask("GET", f"{CATALOG}?is_active=false").json()["products"]
    assert off
    assert not any(product["active"] for product in off)
    drinks = served.ask("GET", f"{CATALOG}?category_global_ids=drinks,dairy&page_size=500").json()["products"]
    assert {category for product in drinks for category in product["categories"]} == {"drinks", "dairy"}


def test_categories(served: Served) -> None:
    """Categories are the leaves, and all of them on request."""
    path = f"/v2/chains/{CHAIN}/vendors/{STORE}/categories"
    leaves = served.ask("GET", f"{path}?only_leaves=true").json()["categories"]
    every = served.ask("GET", f"{path}?only_leaves=false").json()["categories"]
    assert {*leaves[0]} == {"global_id", "details", "parent_global_id", "active"}
    assert served.ask("GET", path).json()["categories"] == leaves
    parents = {leaf["parent_global_id"] for leaf in leaves}
    assert {category["global_id"] for category in every} == {leaf["global_id"] for leaf in leaves} | parents


def test_export(called: Served) -> None:
    """An export is a job whose file has a row for each product."""
    response = called.ask("POST", f"{CATALOG}/export")
    assert (response.status_code, response.json()["job_status"]) == (202, "QUEUED")
    called.worked_off()
    link = called.callbacks[0][1]["download_url"]
    file = called.ask("GET", link.removeprefix(called.url)).text.splitlines()
    assert file[0] == '"sku","barcode","price","active","maximum_sales_quantity"'
    assert len(file) == 31


def test_jobs_may_be_hidden(served: Served) -> None:
    """A brand may respond with 404 to a GET of a job; an unknown job always gets it."""
    job_id = served.ask("POST", f"{CATALOG}/export").json()["job_id"]
    path = f"/v2/chains/{CHAIN}/catalog/jobs/"
    assert [served.ask("GET", path + name).status_code for name in (job_id, "unknown")] == [200, 404]
    served.control("catalogue-habits", shows_jobs=False)
    assert served.ask("GET", path + job_id).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", f"/v2/chains/{CHAIN}/vendors/nowhere/catalog", 404),
        ("GET", f"/v2/chains/{CHAIN}/vendors/nowhere/catalog", 404),
        ("GET", f"/v2/chains/{CHAIN}/vendors/nowhere/categories", 404),
        ("POST", f"/v2/chains/{CHAIN}/vendors/nowhere/catalog/export", 404),
        ("GET", f"/v2/chains/another/vendors/{STORE}/catalog", 404),
        ("GET", "/v2/files/unknown.csv", 404),
        ("POST", CATALOG, 405),
        ("PUT", CATALOG, 400),
    ],
)
def test_refused(served: Served, method: str, path: str, status: int) -> None:
    """Unknown stores, chains and files get 404, other methods 405, an empty PUT 400; a wrong token always gets 401."""
    assert served.ask(method, path).status_code == status
    assert served.ask(method, path, token="another").status_code == 401


def test_rate_limit_is_shared() -> None:
    """Requests of the catalogue and of orders count against one limit."""
    platform = Platform(CHAIN, TOKEN, 2, {})
    for url in running(serve(platform, 0)):
        served = Served(platform, url)
        platform.catalogue.state.fill(STORE, 3)
        statuses = [served.ask("GET", path).status_code for path in (CATALOG, "/v2/orders/1", CATALOG)]
        assert statuses == [200, 404, 429]
        assert served.put(f"{STORE}-00001", price=1).status_code == 429
    assert platform.catalogue.state.requests == {"page": 1}


def test_platform_edits(served: Served) -> None:
    """The controls change a value as the platform's own people do; a bad control gets 400."""
    served.control("catalogue-edit", vendor=STORE, sku=f"{STORE}-00003", price="1.25", active=False, cap=2)
    shown = served.platform.catalogue.state.shown(STORE)[f"{STORE}-00003"]
    assert (str(shown.price), shown.active, shown.cap) == ("1.25", False, 2)
    bad = [
        ("edit", {"vendor": STORE, "sku": "unknown"}),
        ("edit", {}),
        ("faults", {"rain": 1}),
        ("habits", {"mood": "bad"}),
        ("pace", {"worked": "long"}),
        ("dance", {}),
    ]
    for what, content in bad:
        response = requests.post(f"{served.url}/_platform/catalogue-{what}", json=content, timeout=10)
        assert (response.status_code, bool(response.json()["message"])) == (400, True), what


def test_pace_is_kept(served: Served) -> None:
    """A job waits as long as the controls say."""
    served.control("catalogue-pace", queued=3_600)
    job_id = served.put(f"{STORE}-00001", f"{STORE}-00002", price=4).json()["job_id"]
    served.worked_off()
    assert served.ask("GET", f"/v2/chains/{CHAIN}/catalog/jobs/{job_id}").json()["job_status"] == "QUEUED"


def test_brand_of_an_hour_is_adopted(served: Served) -> None:
    """An hour that is played under a brand has the habits of its catalogue."""
    served.control("configure", retry_delay_seconds=0)
    content = {"orders": 1, "stores": 1, "wall_seconds": 0.01, "profile": "yemeksepeti"}
    assert served.platform.play(content)
    response = served.put(f"{STORE}-00001", f"{STORE}-00002", price=4)
    assert isinstance(response.json()["job_id"], int)


# -- in virtual time -------------------------------------------------------------------------------------------------


class BothPartnerApis(WithCatalogue, OddPartnerApi):
    """The catalogue beside the orders of the simulation."""


def test_catalogue_stands_beside_odd_orders() -> None:
    """The routes stand beside any Partner API, at its time: no thread and no real clock is needed."""
    lives = trading_hour(5, 4, 1, NOW, CHAIN)
    api = BothPartnerApis(CHAIN, TOKEN, 60, faults=Faults(1))
    api.show_odd(lives, {life.order_id: number for number, life in enumerate(lives)}, api.odd, None)
    catalogue = Catalogue(habits=Habits(results_at="storage"))
    api.catalogue_routes = CatalogueRoutes(catalogue, CHAIN)
    catalogue.fill(STORE, 3)
    headers = {"authorization": f"Bearer {TOKEN}"}
    body = json.dumps({"products": [{"sku": f"{STORE}-0000{number}", "price": 1} for number in (1, 2)]}).encode()
    assert api.handle(Request("PUT", CATALOG, headers, body), NOW).status == 202
    assert api.handle(Request("GET", f"/v2/orders/{lives[0].order_id}", headers), NOW).status in {200, 404}
    job = catalogue.work(NOW)[0]
    link = catalogue.take_callbacks(NOW)[0].body["download_url"]
    target = link.removeprefix(catalogue.storage_url)
    storage = StorageHost(catalogue)
    assert storage.handle(Request("GET", target), NOW + catalogue.pace.link).body == job.file
    assert storage.handle(Request("GET", target), NOW + catalogue.pace.link + timedelta(seconds=1)).status == 403
    assert catalogue.next_callback_at is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (CATALOG, True),
        (f"{CATALOG}?page=2", True),
        (f"{CATALOG}/export", True),
        ("/v2/files/a.csv", True),
        ("/v2/orders/catalog", False),
        (f"/v2/chains/{CHAIN}/vendors/{STORE}/orders", False),
        (f"/v2/chains/{CHAIN}/orders/1", False),
    ],
)
def test_routes_of_the_catalogue(target: str, expected: bool) -> None:
    """Paths of the catalogue are told from those of orders."""
    assert is_about_catalogue(target) is expected
