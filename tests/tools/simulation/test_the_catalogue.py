"""The catalogue's part of the simulator can be relied on: its oracle, its bucket, and its work side by side."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import Margins
from tools.simulation.catalogue.bucket import SimulatedBucket
from tools.simulation.catalogue.chain import Kind, Line, Saying, sayings
from tools.simulation.catalogue.environment import SideBySideExecutor
from tools.simulation.catalogue.expected import Heard, Product, Spoken, products_of, shown_as
from tools.simulation.catalogue.story import play
from tools.simulation.kernel import Kernel, Process

NOW = datetime(2026, 3, 14, 11, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def said(kind: Kind, *lines: Line, at: datetime = NOW) -> Saying:
    return Saying(1, 0.0, "q7zk", kind, lines, at)


def products(*taken: Saying, unheard: str = "", switches_off: bool = False) -> dict[str, Product]:
    def heard(_: Spoken, name: str) -> Heard:
        return Heard.NO if name == unheard else Heard.YES

    return products_of(taken, heard, switches_off)


def test_newest_value_is_expected() -> None:
    """Of each field the newest version wins, and of one version the smaller value, whatever came first."""
    older, newer = (
        said(Kind.CHANGES, Line("a", Values(active=True))),
        said(Kind.CHANGES, Line("a", Values(active=False, quantity=3)), at=LATER),
    )
    same = said(Kind.URGENT, Line("a", Values(active=True, quantity=2)), at=LATER)
    for order in ([older, newer, same], [same, newer, older]):
        [values] = products(*order)["a"].possible_values()
        assert values == Values(active=False, quantity=2)


def test_contradicting_lines_count_for_nothing() -> None:
    """Lines of one version that say different things are not expected, and neither are bad ones and held values."""
    contradicting = said(Kind.CHANGES, Line("a", Values(quantity=3)), Line("a", Values(quantity=4)))
    bad = said(Kind.CHANGES, Line("a", Values(quantity=5), bad=("price", "-1")), at=LATER)
    assert products(contradicting, bad) == {}
    assert products(said(Kind.CHANGES, Line("a", Values(price=Decimal(3)))), unheard="price")["a"].said == {}


def test_left_out_products() -> None:
    """A whole list takes what it leaves out off sale, where it does; what is older than the list may have lost."""
    first = said(Kind.LIST, Line("a", Values(price=Decimal(1), active=True)), Line("b", Values(active=True)))
    second = said(Kind.LIST, Line("a", Values(price=Decimal(2), active=True)), at=LATER)
    found = products(first, second, switches_off=True)
    assert found["b"].possible("active") == {False}
    between = said(Kind.CHANGES, Line("b", Values(active=False)), at=NOW + timedelta(seconds=30))
    assert products(first, between, second)["b"].possible("active") == {True, False}
    assert products(first, between)["b"].possible("active") == {False}


def test_shown_after_margins() -> None:
    """Pieces that are kept back are not for sale, and the smaller cap counts."""
    margins = Margins(safety_stock=2, cap=5)
    assert shown_as(Values(Decimal(1), None, 2, 9), margins, "a") == (Decimal(1), False, 5)
    assert shown_as(Values(None, True, 3, 4), margins, "a") == (None, True, 4)
    assert shown_as(Values(None, False, None, None), Margins(), "a") == (None, False, None)


def test_sayings_are_each_by_themselves() -> None:
    """A saying is the same whichever others are in the story."""
    all_of_them = [*sayings(7, range(20), NOW, 400.0, 1_500.0)]
    assert [*sayings(7, range(12, 13), NOW, 400.0, 1_500.0)] == [all_of_them[12]]
    assert len({saying.content for saying in all_of_them}) > 15


def test_bucket() -> None:
    """Versions are kept; parts are read by range, and only of the file that was seen; a cut body breaks off."""
    bucket = SimulatedBucket("files", lambda: NOW, lambda _, effect: effect())
    first, second = bucket.put("k", b"first"), bucket.put("k", b"second")
    assert bucket.head_object(Bucket="files", Key="k", VersionId=first.version_id)["ContentLength"] == 5
    part = bucket.get_object(Bucket="files", Key="k", Range="bytes=2-3", IfMatch=second.etag)["Body"]
    assert [*part.iter_chunks(1)] == [b"c", b"o"]
    for wrong in ({"Key": "other"}, {"Key": "k", "VersionId": "v9"}, {"Key": "k", "IfMatch": first.etag}):
        with pytest.raises(ClientError):
            bucket.get_object(Bucket="files", **wrong)
    bucket.is_cut = lambda _: True
    body = bucket.get_object(Bucket="files", Key="k")["Body"]
    assert body.read(100) == b"sec"
    with pytest.raises(ReadTimeoutError):
        body.read(100)


def test_work_goes_on_side_by_side() -> None:
    """Work is waited for in simulated time, results come in their order, and errors reach who waits."""
    kernel = Kernel(NOW)
    results: list[object] = []
    executor = SideBySideExecutor(kernel)

    def slow(seconds: float) -> float:
        kernel.sleep(seconds)
        return 1 / (3 - seconds)

    def work() -> None:
        results.append([*executor.map(slow, (2.0, 1.0))])
        results.append(kernel.seconds)
        with pytest.raises(ZeroDivisionError):
            executor.submit(slow, 3.0).result()

    kernel.spawn(work, Process("a function"))
    kernel.run(60.0)
    assert results == [[1.0, 0.5], 2.0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 9])
def test_seeds_hold(seed: int) -> None:
    """Nothing is lost in a seed, whatever breaks; and in calm weather."""
    course = play(seed, frozenset(), None, None)
    left = course.account["products left as the platform made them"]
    assert (course.violation, course.account["products processed"] + left) == ("", 12)
    assert course.account["differences repaired"] > 0
    assert course.faults.total() > 50
    calm = play(seed, frozenset(), 0, None)
    assert (calm.violation, calm.faults.total()) == ("", 0)


def test_saying_without_a_time_has_no_version() -> None:
    """Nothing is expected of what was never said."""
    with pytest.raises(AssertionError):
        _ = replace(said(Kind.CHANGES), stated=None).version
