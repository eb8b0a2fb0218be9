"""The simulated catalogue follows the rules of docs/platform.md 6; the same calls give the same results."""

import contextlib
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local.simulated_platform.catalogue import FAULTS, Catalogue
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.catalogue_records import Habits, Job, Pace, Product, Shown
from tools.local.simulated_platform.profiles import PROFILES, Profile

pytestmark = pytest.mark.slow

NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)
STORE, MINUTE = "q7zk", timedelta(minutes=1)
JUICE, RICE = "KW-100", "KW-220"
OTHER = {"sku": RICE, "price": 9}  # makes a call one of several products


def catalogue(buffer: int = 2, **habits: Any) -> Catalogue:
    made = Catalogue(seed=4, habits=Habits(**habits))
    titles = {"en_PK": "Orange juice 1 L"}
    made.stock(
        STORE,
        [
            Product(JUICE, ("05012345678900", "5099"), titles, Decimal("3.40"), active=True, buffer=buffer),
            Product(RICE, ("5012",), titles, Decimal(9), active=False, cap=6, buffer=buffer),
        ],
        "code-1",
    )
    return made


def put(platform: Catalogue, *products: dict[str, Any], now: datetime = NOW) -> Job | str:
    return platform.put(STORE, json.dumps({"products": products}).encode(), now)


def job_of(platform: Catalogue, *products: dict[str, Any], now: datetime = NOW) -> Job:
    job = put(platform, *products, now=now)
    assert isinstance(job, Job)
    return job


def rows(job: Job) -> list[list[str]]:
    assert job.file is not None
    return [*csv.reader(io.StringIO(job.file.decode("utf-8-sig")))]


def refusal(platform: Catalogue, content: bytes) -> tuple[int, str]:
    with pytest.raises(RefusedCallError) as refused:
        platform.put(STORE, content, NOW)
    return refused.value.status, str(refused.value)


# -- one product -----------------------------------------------------------------------------------------------------


def test_single_product_is_immediate() -> None:
    """One product takes effect before the response, which is its SKU."""
    platform = catalogue()
    assert put(platform, {"sku": JUICE, "active": False, "price": 3.55}) == JUICE
    assert platform.shown(STORE)[JUICE] == (Decimal("3.55"), False, None)
    assert platform.jobs == {}


@given(quantity=st.integers(0, 10), active=st.none() | st.booleans())
def test_single_product_has_no_quantity(quantity: int, active: bool | None) -> None:
    """The quantity of a call for one product has no effect."""
    platform = catalogue()
    put(platform, {"sku": JUICE, "quantity": quantity} | ({} if active is None else {"active": active}))
    assert platform.shown(STORE)[JUICE].active is (active is not False)


@pytest.mark.parametrize("status", [400, 404])
def test_unknown_single_product_is_refused(status: int) -> None:
    """A call for one unknown product is refused with the status that the brand has for it."""
    assert refusal(catalogue(unknown_single=status), b'{"products":[{"sku":"KW-9","price":1}]}')[0] == status


def test_unknown_single_product_may_get_200() -> None:
    """A brand may respond to one unknown product as if it were known."""
    platform = catalogue(unknown_single=200)
    before = platform.shown(STORE)
    assert put(platform, {"sku": "KW-9", "price": 1}) == "KW-9"
    assert platform.shown(STORE) == before


def test_single_product_may_need_a_job() -> None:
    """A brand may make a job of one product too, in which the quantity still has no effect."""
    platform = catalogue(single_by_job=True)
    job_of(platform, {"sku": JUICE, "price": 4, "quantity": 0})
    platform.work(NOW)
    assert platform.shown(STORE)[JUICE] == (Decimal(4), True, None)


# -- several products ------------------------------------------------------------------------------------------------


def test_job_takes_effect_when_worked_off() -> None:
    """The values of a job take effect when it is worked off, not when it is accepted."""
    platform = catalogue()
    job = job_of(platform, {"sku": JUICE, "price": 3.55, "maximum_sales_quantity": 6}, OTHER)
    assert (job.status, platform.shown(STORE)[JUICE].price) == ("QUEUED", Decimal("3.40"))
    assert platform.work(NOW) == [job]
    assert job.status == "COMPLETED"
    assert platform.shown(STORE)[JUICE] == (Decimal("3.55"), True, 6)


def test_job_goes_through_its_states() -> None:
    """A job waits, is worked on, and ends; the next one of the store begins after that."""
    platform = catalogue()
    platform.pace = Pace(queued=MINUTE, worked=2 * MINUTE)
    first, second = job_of(platform, OTHER, OTHER), job_of(platform, OTHER, OTHER)
    states = []
    for minute in range(7):
        platform.work(NOW + minute * MINUTE)
        states.append((first.status[0], second.status[0]))
    assert states == [("Q", "Q"), ("I", "Q"), ("I", "Q"), ("C", "I"), ("C", "I"), ("C", "C"), ("C", "C")]
    assert (first.begun_at, first.ended_at) == (NOW + MINUTE, NOW + 3 * MINUTE)


def test_unknown_sku_fails_its_line_only() -> None:
    """An unknown SKU is a failed line of a COMPLETED job, and the other lines take effect."""
    platform = catalogue()
    job = job_of(platform, {"sku": "KW-9", "price": 1}, {"sku": JUICE, "price": 2})
    platform.work(NOW)
    assert job.status == "COMPLETED"
    assert rows(job) == [
        ["sku", "state", "errors"],
        ["KW-9", "FAILED", "product not found in catalog"],
        [JUICE, "SUCCESS", ""],
    ]
    assert platform.shown(STORE)[JUICE].price == 2


@pytest.mark.parametrize(("barcode", "sku"), [("05012345678900", JUICE), ("5099", JUICE), ("5012345678900", None)])
def test_barcode_names_a_product(barcode: str, sku: str | None) -> None:
    """A barcode names a product with every digit of it, the leading zero too."""
    platform = catalogue()
    job = job_of(platform, {"barcode": barcode, "price": 7}, OTHER)
    platform.work(NOW)
    assert job.outcomes[0].sku == (sku or barcode)
    assert bool(job.outcomes[0].error) == (sku is None)


@pytest.mark.parametrize(
    ("said", "is_sold"),
    [
        ({"active": False, "quantity": 9}, False),
        ({"active": True, "quantity": 3}, True),
        ({"active": True, "quantity": 2}, False),
        ({"quantity": 3}, True),
        ({"quantity": 2}, False),
        ({"active": True}, True),
        ({"active": False}, False),
    ],
)
def test_availability(said: dict[str, Any], is_sold: bool) -> None:
    """active and quantity decide together whether a product is for sale, by a buffer of two pieces."""
    for sku in (JUICE, RICE):
        platform = catalogue(buffer=2)
        job_of(platform, {"sku": sku, **said}, {"sku": sku, "price": 1})
        platform.work(NOW)
        assert platform.shown(STORE)[sku].active is is_sold


def test_buffer_itself_may_be_sold() -> None:
    """A brand may sell a quantity that equals the buffer, but none below it."""
    for quantity, is_sold in ((2, True), (1, False)):
        platform = catalogue(buffer=2, buffer_is_sold=True)
        job_of(platform, {"sku": JUICE, "active": True, "quantity": quantity}, OTHER)
        platform.work(NOW)
        assert platform.shown(STORE)[JUICE].active is is_sold


def test_true_alone_may_have_no_effect() -> None:
    """A brand may ignore active=true without a quantity in a job, and never does in a call for one product."""
    platform = catalogue(true_alone_is_sold=False)
    job_of(platform, {"sku": RICE, "active": True}, {"sku": JUICE, "price": 1})
    platform.work(NOW)
    assert not platform.shown(STORE)[RICE].active
    put(platform, {"sku": RICE, "active": True})
    assert platform.shown(STORE)[RICE].active


# -- the call --------------------------------------------------------------------------------------------------------

BAD_PRODUCTS: list[dict[str, Any]] = [
    {"sku": JUICE, "quantity": 3.4},
    {"sku": JUICE, "quantity": 3.0},
    {"sku": JUICE, "quantity": -1},
    {"sku": JUICE, "quantity": True},
    {"barcode": "12a", "price": 1},
    {"barcode": "1" * 15, "price": 1},
    {"sku": JUICE, "price": 0},
    {"sku": JUICE, "price": -1},
    {"sku": JUICE, "price": 0.0004},
    {"sku": JUICE, "price": "3.50"},
    {"sku": JUICE, "price": None},
    {"sku": JUICE, "active": "true"},
    {"sku": JUICE, "price": 1, "maximum_sales_quantity": 2.5},
    {"price": 1},
    {"sku": "", "price": 1},
    {"sku": 100, "price": 1},
    {"sku": JUICE},
    {"sku": JUICE, "maximum_sales_quantity": 3},
]


@pytest.mark.parametrize("bad", BAD_PRODUCTS, ids=json.dumps)
@pytest.mark.parametrize("others", [[], [OTHER]], ids=["alone", "of two"])
def test_bad_line_refuses_the_call(bad: dict[str, Any], others: list[dict[str, Any]]) -> None:
    """One bad line makes the whole call a 400, and nothing of it takes effect."""
    platform = catalogue()
    before = platform.shown(STORE)
    status, message = refusal(platform, json.dumps({"products": [*others, bad]}).encode())
    platform.work(NOW)
    assert (status, platform.shown(STORE), platform.jobs) == (400, before, {})
    assert ":" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"products":[]}',
        b'{"products":{}}',
        b'{"products":[1]}',
        b'{"products":[{"sku":"a","price":NaN}]}',
    ],
)
def test_other_bodies_are_refused(content: bytes) -> None:
    """A body of another form is a 400."""
    assert refusal(catalogue(), content)[0] == 400


@given(st.decimals(min_value="0.001", max_value="99999999", places=7))
def test_price_is_cut(price: Decimal) -> None:
    """A price is cut to three decimals, not rounded."""
    platform = catalogue()
    platform.put(STORE, f'{{"products":[{{"sku":"{JUICE}","price":{price:f}}}]}}'.encode(), NOW)
    assert platform.shown(STORE)[JUICE].price == price.quantize(Decimal("0.001"), ROUND_DOWN)


@pytest.mark.parametrize("right", ["maximum_sales_quantity", "max_sales_quantity"])
def test_cap_has_one_name(right: str) -> None:
    """A cap under the other of its two names has no effect, like every unknown field."""
    platform = catalogue(cap_name=right)
    wrong = {"maximum_sales_quantity", "max_sales_quantity"} - {right}
    put(platform, {"sku": JUICE, "price": 1, wrong.pop(): 2.5, "weight": "heavy"})
    assert platform.shown(STORE)[JUICE].cap is None
    put(platform, {"sku": JUICE, "price": 1, right: 5})
    assert platform.shown(STORE)[JUICE].cap == 5


def test_too_much_gets_413() -> None:
    """A call over the limit of bytes or of products gets a 413; one at the limit is taken."""
    two = json.dumps({"products": [OTHER, OTHER]}).encode()
    assert refusal(catalogue(most_products=1), two)[0] == 413
    assert refusal(catalogue(most_bytes=len(two) - 1), two)[0] == 413
    assert catalogue(most_products=2, most_bytes=len(two)).put(STORE, two, NOW)


def test_store_without_catalogue() -> None:
    """A store whose catalogue is not set up gets Platform Not Found, for a good and for a bad body."""
    for content in (b'{"products":[{"sku":"a","price":1}]}', b""):
        with pytest.raises(RefusedCallError, match="Platform Not Found"):
            catalogue().put("nowhere", content, NOW)


def test_code_names_the_same_store() -> None:
    """A store is called by its id or by the chain's code."""
    platform = catalogue()
    platform.put("code-1", b'{"products":[{"sku":"KW-100","price":8}]}', NOW)
    assert platform.shown(STORE)[JUICE].price == 8
    assert platform.vendors == [STORE]


# -- faults of jobs --------------------------------------------------------------------------------------------------


def test_failed_job_has_no_effect() -> None:
    """A FAILED job changes nothing and has no file."""
    platform = catalogue()
    platform.faults = {"job_fails": 1}
    job = job_of(platform, {"sku": JUICE, "price": 5}, OTHER)
    platform.work(NOW)
    assert (job.status, job.file, platform.shown(STORE)[JUICE].price) == ("FAILED", None, Decimal("3.40"))


def test_job_may_fail_halfway() -> None:
    """A FAILED job may leave the first half of its lines on the platform."""
    platform = catalogue()
    platform.faults = {"job_fails_halfway": 1}
    job = job_of(platform, {"sku": JUICE, "price": 5}, {"sku": RICE, "price": 6})
    platform.work(NOW)
    assert job.status == "FAILED"
    assert [platform.shown(STORE)[sku].price for sku in (JUICE, RICE)] == [5, 9]


def test_stuck_job_blocks_no_other() -> None:
    """A stuck job stays IN_PROGRESS without an effect, and the next one of the store is worked off."""
    platform = catalogue()
    platform.faults = {"job_stuck": 1}
    stuck, next_one = job_of(platform, {"sku": JUICE, "price": 5}, OTHER), job_of(platform, OTHER, OTHER)
    platform.work(NOW)
    platform.work(NOW + timedelta(days=1))
    assert (stuck.status, next_one.status) == ("IN_PROGRESS", "COMPLETED")
    assert platform.shown(STORE)[JUICE].price == Decimal("3.40")


def test_late_job_holds_back_the_next() -> None:
    """A late job takes its lines along later, and the next one of the store waits for it."""
    platform = catalogue()
    platform.faults = {"job_late": 1}
    late, waiting = job_of(platform, OTHER, OTHER), job_of(platform, OTHER, OTHER)
    assert platform.work(NOW) == []
    assert platform.work(NOW + platform.pace.late_most) == [late, waiting]


def test_jobs_may_change_places() -> None:
    """Where two jobs of a store change places, the older value stays."""
    for swaps, price in ((0, 6), (1, 5)):
        platform = catalogue()
        platform.faults = {"jobs_swapped": swaps}
        job_of(platform, {"sku": JUICE, "price": 5}, OTHER)
        job_of(platform, {"sku": JUICE, "price": 6}, OTHER)
        platform.work(NOW)
        assert platform.shown(STORE)[JUICE].price == price


def test_known_product_may_fail() -> None:
    """A line of a known product may fail, and then has no effect."""
    platform = catalogue()
    platform.faults = {"line_fails": 1}
    job = job_of(platform, {"sku": JUICE, "price": 5}, OTHER)
    platform.work(NOW)
    assert [bool(outcome.error) for outcome in job.outcomes] == [True, False]
    assert platform.shown(STORE)[JUICE].price == Decimal("3.40")


# -- callbacks -------------------------------------------------------------------------------------------------------


def called_back(faults: dict[str, float], **habits: Any) -> tuple[Catalogue, Job]:
    platform = catalogue(**habits)
    platform.faults = faults
    job = job_of(platform, OTHER, OTHER)
    platform.work(NOW)
    return platform, job


def test_job_is_called_back() -> None:
    """A job's end is called back once, with its store, state and link."""
    platform, job = called_back({})
    assert [callback.body for callback in platform.take_callbacks(NOW)] == [
        {
            "job_id": job.job_id,
            "platform_vendor_id": STORE,
            "status": "COMPLETED",
            "download_url": f"/v2/files/{job.job_id}.csv",
        }
    ]
    assert platform.take_callbacks(NOW + timedelta(days=1)) == []


def test_failed_job_is_called_back() -> None:
    """The callback of a FAILED job has no link."""
    platform, _ = called_back({"job_fails": 1})
    assert [(callback.status, "download_url" in callback.body) for callback in platform.take_callbacks(NOW)] == [
        ("FAILED", False)
    ]


def test_callback_has_the_brands_names() -> None:
    """A brand may write a job's id as a number, its store by its code, and its state as job_status."""
    platform, job = called_back({}, job_ids="number", stores_by_code=True, status_name="job_status")
    body = platform.take_callbacks(NOW)[0].body
    assert (body["job_id"], body["platform_vendor_id"], body["job_status"]) == (int(job.job_id), "code-1", "COMPLETED")
    assert "status" not in body


@pytest.mark.parametrize(
    ("fault", "now", "later"),
    [("callback_lost", 0, 0), ("callback_late", 0, 1), ("callback_doubled", 1, 1), ("callback_without_link", 1, 0)],
)
def test_callback_may_go_astray(fault: str, now: int, later: int) -> None:
    """A callback may be lost, late, or sent again later; it may also lack the link of its job."""
    platform, job = called_back({fault: 1})
    at_once = platform.take_callbacks(NOW)
    afterwards = platform.take_callbacks(NOW + platform.pace.late_most)
    assert (len(at_once), len(afterwards), len(job.callbacks)) == (now, later, now + later)
    has_link = fault != "callback_without_link"
    assert all(("download_url" in callback.body) == has_link for callback in at_once + afterwards)


def test_callback_may_be_early() -> None:
    """An early callback is there before the PUT returns, after the jobs that waited before it."""
    platform = catalogue()
    before = job_of(platform, {"sku": JUICE, "price": 5}, OTHER)
    platform.faults = {"callback_early": 1}
    early = job_of(platform, {"sku": JUICE, "price": 6}, OTHER)
    assert [callback.job_id for callback in platform.take_callbacks(NOW, early=True)] == [early.job_id]
    assert [callback.job_id for callback in platform.take_callbacks(NOW)] == [before.job_id]
    assert platform.shown(STORE)[JUICE].price == 6
    assert platform.work(NOW) == []


# -- what tests compare ----------------------------------------------------------------------------------------------


def test_history_holds_every_value() -> None:
    """A product's history holds what was accepted when, by which job, and what the platform changed by itself."""
    platform = catalogue()
    job = job_of(platform, {"sku": JUICE, "price": 5}, OTHER)
    platform.work(NOW + MINUTE)
    put(platform, {"sku": JUICE, "active": False}, now=NOW + 2 * MINUTE)
    platform.edit(STORE, JUICE, NOW + 3 * MINUTE, price=Decimal(1), cap=2)
    history = platform.history(STORE, JUICE)
    assert [(change.accepted_at, change.at, change.job_id) for change in history] == [
        (NOW, NOW + MINUTE, job.job_id),
        (NOW + 2 * MINUTE, NOW + 2 * MINUTE, None),
        (NOW + 3 * MINUTE, NOW + 3 * MINUTE, None),
    ]
    assert [change.line is None for change in history] == [False, False, True]
    assert [change.shown for change in history] == [
        Shown(Decimal(5), True, None),
        Shown(Decimal(5), False, None),
        Shown(Decimal(1), False, 2),
    ]


def test_export_shows_the_catalogue() -> None:
    """An export has the documented header and every product as it is when the job is worked off."""
    platform = catalogue()
    job = platform.export(STORE, NOW)
    platform.edit(STORE, RICE, NOW, price=Decimal("12.500"))
    platform.work(NOW)
    assert job.file is not None
    assert job.file.decode().splitlines() == [
        '"sku","barcode","price","active","maximum_sales_quantity"',
        '"KW-100","05012345678900,5099","3.4","true",""',
        '"KW-220","5012","12.5","false","6"',
    ]


def test_link_to_storage_expires() -> None:
    """A link to the storage host names its end, and its signature is of that end."""
    platform, job = called_back({}, results_at="storage")
    link = platform.link(job, NOW) or ""
    expires = int((NOW + platform.pace.link).timestamp())
    assert link.startswith(f"{platform.storage_url}/{job.job_id}.csv?")
    assert link.endswith(f"expires={expires}&signature={platform.signature(job.job_id, expires)}")
    assert platform.signature(job.job_id, expires) != platform.signature(job.job_id, expires + 1)


def test_assortment_is_believable() -> None:
    """A filled store has as many products as asked, distinct barcodes, some with a leading zero, and sane values."""
    products = catalogue().fill("r2mm", 60, locale="ar_SA")
    barcodes = [barcode for product in products for barcode in product.barcodes]
    assert len({product.sku for product in products}) == 60
    assert len(set(barcodes)) == len(barcodes)
    assert all(barcode.isdecimal() and len(barcode) <= 14 for barcode in barcodes)
    assert {barcode[0] for barcode in barcodes} == {"0", "5"}
    assert {*products[0].title} == {"ar_SA"}
    assert {product.active for product in products} == {True, False}
    assert min(product.price for product in products) > 0


STEP = st.tuples(
    st.sampled_from(["put", "single", "work", "export", "edit"]), st.sampled_from([JUICE, RICE]), st.integers(1, 20)
)


def played(steps: Sequence[tuple[str, str, int]], faults: dict[str, float]) -> Catalogue:
    platform = catalogue()
    platform.faults = dict(faults)
    for number, (kind, sku, value) in enumerate(steps):
        now, product = NOW + number * MINUTE, {"sku": sku, "price": value, "quantity": value}
        with contextlib.suppress(RefusedCallError):  # put_refused is one of the faults.
            match kind:
                case "put":
                    put(platform, product, {"sku": "KW-9", "price": 1}, now=now)
                case "single":
                    put(platform, product, now=now)
                case "export":
                    platform.export(STORE, now)
                case "edit":
                    platform.edit(STORE, sku, now, price=Decimal(value))
                case _:
                    platform.work(now)
    return platform


@given(st.lists(STEP, max_size=12), st.dictionaries(st.sampled_from(FAULTS), st.just(0.5)))
def test_same_calls_give_the_same(steps: list[tuple[str, str, int]], faults: dict[str, float]) -> None:
    """The same seed and calls give the same catalogue, jobs and callbacks, whatever the faults."""
    one, other = played(steps, faults), played(steps, faults)
    assert one.shown(STORE) == other.shown(STORE)
    assert one.jobs == other.jobs
    end = NOW + timedelta(days=1)
    assert one.take_callbacks(end) == other.take_callbacks(end)


@given(st.lists(STEP, max_size=12), st.dictionaries(st.sampled_from(FAULTS), st.just(0.5)))
def test_what_is_shown_was_accepted(steps: list[tuple[str, str, int]], faults: dict[str, float]) -> None:
    """What a product shows is the last entry of its history; without one it is as it was stocked."""
    platform = played(steps, faults)
    platform.work(NOW + timedelta(days=1))
    at_first = catalogue().shown(STORE)
    for sku, shown in platform.shown(STORE).items():
        history = platform.history(STORE, sku)
        assert shown == (history[-1].shown if history else at_first[sku])
        assert [change.at for change in history] == sorted(change.at for change in history)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_brands_files_can_be_read(profile: Profile) -> None:
    """A brand's file of results has its delimiter, mark and states, and the documented columns."""
    habits = profile.catalogue
    platform = catalogue(**vars(replace(habits)))
    job = job_of(platform, OTHER, {"sku": "KW-9", "price": 1})
    platform.work(NOW)
    assert job.file is not None
    assert job.file.startswith(b"\xef\xbb\xbf") == habits.byte_order_mark
    shown = [*csv.DictReader(io.StringIO(job.file.decode("utf-8-sig")), delimiter=habits.delimiter)]
    assert [(row["sku"], row["state"]) for row in shown] == [(RICE, habits.processed), ("KW-9", habits.refused)]


def test_brands_differ() -> None:
    """Together the brands have both forms of whatever the contract leaves open."""
    every = [profile.catalogue for profile in PROFILES]
    for name in ("cap_name", "buffer_is_sold", "true_alone_is_sold", "single_by_job", "job_ids", "shows_jobs"):
        assert len({getattr(habits, name) for habits in every}) == 2, name
    assert {habits.results_at for habits in every} == {"api", "storage"}
