"""One visit to a store: what is sent, what waits, and what is counted."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count, pairwise
from typing import Any

import pytest

from partner_orders.catalogue.job import JobState
from partner_orders.catalogue.outcomes import PROCESSED, LineOutcome
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome
from partner_orders.platform.calls import CallRefusedError, EffectUnknownError, PlatformNotFoundError
from partner_orders.platform.failures import Failure, PartnerApiError
from tests.support.catalogue_world import CatalogueWorld
from tests.support.fixed_clock import NOW
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

TABLE = "catalogue"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STORES = count()
ON = Values(price=Decimal(1), active=True, quantity=3)
OFF = Values(active=False)


@pytest.fixture(scope="module")
def dynamodb() -> Any:
    simulated = SimulatedDynamoDB()
    simulated.tables[TABLE] = {}
    return simulated.client


@pytest.fixture
def world(dynamodb: Any) -> CatalogueWorld:
    """A store of two products on sale, all sent and confirmed."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    for sku in ("KW-1", "KW-2"):
        world.say(sku, ON, NOW)
    world.come_to_rest()
    world.platform.calls.clear()
    world.pusher.counts.clear()
    world.platform.calls_for_room = 0
    return world


def later(world: CatalogueWorld, sku: str, values: Values, is_urgent: bool = False) -> None:
    """The chain says something new."""
    world.now += SECOND
    world.say(sku, values, world.now, is_urgent)


# -- a job ------------------------------------------------------------------------------------------------------------


def test_job_is_noted_and_counted(world: CatalogueWorld) -> None:
    """What changed goes in one job, for which there is room; it is counted, and the store is free for the next."""
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    assert world.pusher.serve(world.store_id) is None
    assert [sorted(call) for call in world.platform.calls] == [["KW-1", "KW-2"]]
    assert (world.pusher.counts, world.platform.calls_for_room) == ({"JobsSent": 1, "LinesSent": 2}, 1)
    state = world.tables.states.get(world.store_id)
    assert [*state.job_ids.values()] == [*world.platform.jobs]
    assert world.tables.states.claim(world.store_id, world.now) is not None


def test_store_with_a_job_waits(world: CatalogueWorld) -> None:
    """While a result is to come nothing is sent, and the visit says since when something waits."""
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    world.push()
    later(world, "KW-1", replace(ON, price=Decimal(3)))
    assert world.pusher.serve(world.store_id) == world.now
    assert len(world.platform.calls) == 1


def test_store_of_another_sender_waits(world: CatalogueWorld) -> None:
    """A store that another sender takes at the last moment is left to that one, and its changes wait."""
    later(world, "KW-1", replace(ON, price=Decimal(2)))

    def taken() -> None:
        assert world.tables.states.claim(world.store_id, world.now)

    world.platform.before_a_call = taken
    assert world.pusher.serve(world.store_id) == world.now
    assert world.platform.calls == []


def test_store_that_was_sent_meanwhile(world: CatalogueWorld) -> None:
    """What a sender read before another one sent a newer value, and was done, is sent no more."""
    later(world, "KW-1", replace(ON, price=Decimal(2)))

    def sent() -> None:
        world.platform.before_a_call = lambda: None
        later(world, "KW-1", replace(ON, price=Decimal(3)))
        world.come_to_rest()

    world.platform.before_a_call = sent
    world.pusher.serve(world.store_id)
    assert [call["KW-1"].price for call in world.platform.calls] == [Decimal(3)]
    assert world.platform.shown["KW-1"].price == Decimal(3)


def test_late_job_after_newer_values(world: CatalogueWorld) -> None:
    """A job that the platform works off only after newer values makes the newest values go again."""
    for price in (2, 3):
        for sku in ("KW-1", "KW-2"):
            later(world, sku, replace(ON, price=Decimal(price)))
        # The first job is given up meanwhile, and the store waits no more because of it.
        world.pass_time(31)
        world.now += 31 * MINUTE
        world.push()
    older, newer = world.platform.jobs
    world.work(newer)
    assert world.tables.changes.first(world.store_id, 1) == []
    world.work(older)
    assert world.platform.shown["KW-1"].price == Decimal(2)
    world.come_to_rest()
    assert world.platform.shown["KW-1"].price == Decimal(3)


@pytest.mark.parametrize(
    ("is_failed", "told", "price"),
    [
        (False, PROCESSED, None),
        (False, LineOutcome(Outcome.REFUSED, "locked"), Decimal(2)),
        (True, PROCESSED, None),
        (True, LineOutcome(Outcome.REFUSED, "locked"), None),
    ],
)
def test_line_that_a_result_leaves_out(
    world: CatalogueWorld, is_failed: bool, told: LineOutcome, price: Decimal | None
) -> None:
    """A line that a result leaves out was processed only if the job did not fail and its result lists refused lines
    only."""
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    world.push()
    [place] = world.unfinished()
    (world.outcomes.failed if is_failed else world.outcomes.finished)(place, {"KW-1": told})
    assert world.product("KW-2").confirmed.price == price


def test_waits_end_on_time(world: CatalogueWorld) -> None:
    """After failed jobs a store waits until its time, and after a lost call two minutes."""
    state = world.tables.states.get(world.store_id)
    assert not world.pusher.may_send(replace(state, not_before=world.now + SECOND))
    assert world.pusher.may_send(replace(state, not_before=world.now))
    assert not world.pusher.may_send(replace(state, unfinished={7: world.now - 2 * MINUTE + SECOND}))
    assert world.pusher.may_send(replace(state, unfinished={7: world.now - 2 * MINUTE}))


def test_more_than_a_job_holds(world: CatalogueWorld) -> None:
    """The products that one job does not hold wait from now on, and are sent by the next visit."""
    skus = [f"sku-{number}" for number in range(11)]
    for sku in skus:
        world.tables.products.change(world.store_id, sku, lambda row: replace(row, values=ON))
    world.tables.changes.add(world.store_id, skus, world.now)
    world.now += MINUTE
    assert world.pusher.serve(world.store_id) == world.now
    assert [len(call) for call in world.platform.calls] == [8]
    world.come_to_rest()
    assert {sku for call in world.platform.calls for sku in call} == {*skus}


def test_nothing_new_is_not_sent(world: CatalogueWorld) -> None:
    """A change that says what the platform has already is forgotten without a call."""
    later(world, "KW-1", ON)
    assert world.pusher.serve(world.store_id) is None
    assert (world.platform.calls, world.tables.changes.first(world.store_id, 1)) == ([], [])


# -- a lone line ------------------------------------------------------------------------------------------------------


def test_lone_quantity_has_company(world: CatalogueWorld) -> None:
    """A lone quantity goes with a product on sale, which is only put on sale once more."""
    later(world, "KW-1", replace(ON, quantity=9))
    world.push()
    assert world.platform.calls == [{"KW-1": Values(active=True, quantity=9), "KW-2": replace(ON, price=None)}]


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (replace(ON, active=False, cap=5), Values(active=False, quantity=0)),
        (Values(price=Decimal(7), cap=5), Values(price=Decimal(7), cap=5)),
        (Values(active=True, quantity=3), Values(active=True, quantity=3)),
    ],
)
def test_company_of_another_kind(dynamodb: Any, values: Values, sent: Values) -> None:
    """Where nothing is on sale, one that is off goes along, and else whatever is known of one; it needs no price."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    for sku in ("KW-1", "KW-2"):
        world.say(sku, values, NOW)
    world.come_to_rest()
    world.platform.calls.clear()
    later(world, "KW-1", Values(quantity=9, active=True))
    world.push()
    [call] = world.platform.calls
    assert (call["KW-2"], call["KW-1"].quantity) == (sent, 9)


def test_lone_product_of_a_store(dynamodb: Any) -> None:
    """A store of one product sends it alone: there is no company."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    world.say("KW-1", ON, NOW)
    assert world.pusher.serve(world.store_id) is None
    assert [[*call] for call in world.platform.calls] == [["KW-1"]]


# -- off at once ------------------------------------------------------------------------------------------------------


def test_product_goes_off_at_once(world: CatalogueWorld) -> None:
    """An urgent product goes off alone, also while a job is under way; the platform's word counts at once."""
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    world.push()
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)
    assert world.pusher.serve(world.store_id) == world.now
    assert world.platform.calls[1:] == [{"KW-1": OFF}]
    assert (world.pusher.counts, world.platform.calls_for_room) == ({"JobsSent": 2, "LinesSent": 3}, 2)
    assert world.product("KW-1").confirmed.active is False


def test_on_again_after_an_off_without_a_word(world: CatalogueWorld) -> None:
    """An off may have taken effect though its response was lost: that the product is on sale again is sent."""
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)
    world.platform.fails = "after"
    with pytest.raises(EffectUnknownError):
        world.pusher.serve(world.store_id)
    later(world, "KW-1", ON)
    world.come_to_rest()
    assert world.platform.shown["KW-1"].active is True


def test_product_that_is_on_sale_again(world: CatalogueWorld) -> None:
    """One that comes on sale again before its call is not switched off."""
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)
    row = world.product("KW-1")

    def on_again() -> None:
        world.platform.before_a_call = lambda: None
        later(world, "KW-1", ON)

    world.platform.before_a_call = on_again
    after = world.pusher.switch_off(world.store_id, row)
    assert (world.platform.calls, after.values.active, after.confirmed.active) == ([], True, None)


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.NOT_FOUND])
def test_refused_off_is_left_to_a_job(world: CatalogueWorld, failure: Failure) -> None:
    """A product that the platform refuses to switch off alone goes in a job, which tells why."""
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)
    world.platform.unknown_skus, world.platform.unknown_alone = {"KW-1"}, failure
    row = world.pusher.switch_off(world.store_id, world.product("KW-1"))
    assert (row.sku, row.confirmed.active, world.pusher.counts) == ("KW-1", None, {})


def test_off_that_the_platform_does_not_take(world: CatalogueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform takes nothing now, the visit ends with its error."""
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)

    def busy(*_: Any) -> None:
        raise PartnerApiError(Failure.RATE_LIMITED)

    monkeypatch.setattr(world.platform, "put_products", busy)
    with pytest.raises(PartnerApiError) as error:
        world.pusher.serve(world.store_id)
    assert error.value.failure is Failure.RATE_LIMITED


def test_off_that_becomes_a_job(world: CatalogueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An off that the platform takes as a job is noted by the platform's id, for its result."""
    later(world, "KW-1", replace(ON, active=False), is_urgent=True)
    put = world.platform.put_products
    monkeypatch.setattr(world.platform, "put_products", lambda *them: put(*them)._replace(job_id="late"))
    row = world.pusher.switch_off(world.store_id, world.product("KW-1"))
    place = world.tables.jobs.find("late")
    assert place is not None
    job = world.tables.jobs.get(place)
    assert job is not None
    assert (place.alone, job.number, job.lines, job.sent_at) == ("late", 0, {"KW-1": OFF}, world.now)
    assert (row.sku, row.confirmed.active) == ("KW-1", None)


@pytest.mark.parametrize(("skus", "lines"), [("a", [1]), ("ab", [2]), ("!abc", [1, 2])], ids=["one", "two", "halves"])
def test_taken_job_is_no_outcome(dynamodb: Any, monkeypatch: pytest.MonkeyPatch, skus: str, lines: Any) -> None:
    """The lines of a job that was taken are open until its result: of one line or more, and of a halved call."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    put, world.platform.bad_skus = world.platform.put_products, {"!"}
    monkeypatch.setattr(world.platform, "put_products", lambda *them: put(*them)._replace(job_id=f"late{[*them[1]]}"))
    for sku in skus:
        world.say(sku, ON, NOW)
    world.push()
    found = [world.tables.jobs.get(place) for place in world.unfinished()]
    assert sorted(len(job.lines) for job in found if job) == lines
    for sku in skus:
        row = world.product(sku)
        assert (row.confirmed.are_said, row.refused.are_said) == (False, sku == "!")


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_refused_call_says_why(world: CatalogueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that no line is to blame for ends its job with the platform's words, and the store is free at once."""

    def refuse(*_: Any) -> None:
        raise CallRefusedError("401", "NO_ACCESS", "no access to the catalogue")

    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    monkeypatch.setattr(world.platform, "put_products", refuse)
    with pytest.raises(CallRefusedError):
        world.pusher.serve(world.store_id)
    job = next(world.tables.jobs.newest(world.store_id, 1))
    assert (job.state, job.failure) == (JobState.SETTLED, "refused: no access to the catalogue")
    assert world.unfinished() == []
    assert world.tables.states.claim(world.store_id, world.now) is not None


def test_call_that_is_not_taken_says_why(world: CatalogueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that the platform did not take has ended, with the reason."""

    def busy(*_: Any) -> None:
        raise PartnerApiError(Failure.RATE_LIMITED)

    later(world, "KW-1", replace(ON, price=Decimal(2)))
    monkeypatch.setattr(world.platform, "put_products", busy)
    with pytest.raises(PartnerApiError):
        world.pusher.serve(world.store_id)
    job = next(world.tables.jobs.newest(world.store_id, 1))
    assert (job.state, job.failure[:11]) == (JobState.SETTLED, "not taken: ")
    assert (world.unfinished(), world.pusher.counts) == ([], {})


def test_unknown_product_in_a_halved_call(world: CatalogueWorld) -> None:
    """Where a call is halved, a product that the platform does not know is refused by its name."""
    world.platform.bad_skus, world.platform.unknown_skus = {"KW-1"}, {"KW-2"}
    world.platform.unknown_alone = Failure.NOT_FOUND
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    world.push()
    assert world.product("KW-2").refusal == "the platform does not know the product"
    assert world.product("KW-1").refusal == "a bad line"
    assert world.tables.states.get(world.store_id).not_before is None


def test_halves_of_a_refused_call(world: CatalogueWorld) -> None:
    """A refused call goes again in halves, each with room and a job of its own. What is taken alone goes again."""
    world.platform.bad_skus = {"KW-1"}
    for sku in ("KW-1", "KW-2"):
        later(world, sku, replace(ON, price=Decimal(2)))
    world.push()
    assert [sorted(call) for call in world.platform.calls] == [["KW-1", "KW-2"], ["KW-1"], ["KW-2"]]
    assert world.platform.calls_for_room == 3
    jobs = [*world.tables.jobs.newest(world.store_id, 3)]
    assert [(job.state, job.failure) for job in jobs] == [
        *((JobState.SETTLED, ""), (JobState.SETTLED, ""), (JobState.SETTLED, "refused: a bad line")),
    ]
    assert (world.product("KW-1").refusal, world.unfinished()) == ("a bad line", [])
    assert [change.skus for change in world.tables.changes.first(world.store_id, 9)] == [["KW-2"]]


def test_call_of_any_length_is_halved(dynamodb: Any) -> None:
    """A call of more than a thousand lines is halved as a short one is, and all but the bad line are taken."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    world.pusher.job_lines = 1_200
    world.platform.bad_skus = {"KW-700"}
    for number in range(1_200):
        world.say(f"KW-{number}", ON, NOW)
    with suppress(CallRefusedError):
        world.push()
    sizes = [len(call) for call in world.platform.calls if "KW-700" in call]
    assert (sizes[0], sizes[-1]) == (1_200, 1)
    assert all(half in {whole // 2, whole - whole // 2} for whole, half in pairwise(sizes))
    refused = [row.sku for row in world.tables.products.all_of(world.store_id) if row.refusal]
    assert refused == ["KW-700"]


def test_unknown_lone_product_goes_in_company(world: CatalogueWorld) -> None:
    """A lone product that the platform does not find goes again beside another one, in a job with room of its own."""
    world.platform.unknown_skus, world.platform.unknown_alone = {"KW-1"}, Failure.NOT_FOUND
    later(world, "KW-1", replace(ON, price=Decimal(2)))
    world.push()
    assert [[*call] for call in world.platform.calls] == [["KW-1"], ["KW-1", "KW-2"]]
    assert world.platform.calls_for_room == 2
    assert world.tables.states.get(world.store_id).last_job == world.tables.jobs.find("job-2")[1]  # type: ignore[index]
    assert world.tables.states.claim(world.store_id, world.now) is not None


def test_unknown_product_without_company(dynamodb: Any) -> None:
    """Where the store has no other product, nobody can tell whether the product or the store is unknown."""
    world = CatalogueWorld(dynamodb, TABLE, f"store-{next(STORES)}")
    world.say("KW-1", ON, NOW)
    world.platform.unknown_skus, world.platform.unknown_alone = {"KW-1"}, Failure.NOT_FOUND
    with pytest.raises(PartnerApiError) as error:
        world.pusher.serve(world.store_id)
    assert (error.value.failure, len(world.platform.calls)) == (Failure.NOT_FOUND, 1)


def test_platform_that_is_not_set_up(world: CatalogueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the account may not write its catalogue at all, no product is to blame, and nothing goes again."""
    calls = []

    def refuse(*them: Any) -> None:
        calls.append(them)
        raise PlatformNotFoundError

    later(world, "KW-1", replace(ON, price=Decimal(2)))
    monkeypatch.setattr(world.platform, "put_products", refuse)
    with pytest.raises(PlatformNotFoundError):
        world.pusher.serve(world.store_id)
    assert len(calls) == 1


def test_few_go_alone(world: CatalogueWorld) -> None:
    """Ten urgent products go alone in one visit; the others go together."""
    world.pusher.job_lines = 50
    skus = [f"sku-{number}" for number in range(12)]
    for sku in skus:
        world.tables.products.change(world.store_id, sku, lambda row: replace(row, values=OFF))
    world.tables.changes.add(world.store_id, skus, world.now, is_urgent=True)
    world.push()
    assert [len(call) for call in world.platform.calls] == [*([1] * 10), 2]
