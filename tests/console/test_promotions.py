"""``promotions``: what is refused before anything is sent, what is put and ended, and what is shown of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partner_orders.catalogue.settlement import Outcome as Settled
from partner_orders.clock import now
from partner_orders.promotions import state as after
from partner_orders.promotions.job_result import LeftOut
from partner_orders.promotions.promotion import Promotion, promotion_of
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.wish import Channel, Outcome
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.promotions import ending, rules
from tests.support.catalogue_stack import BUCKET, OTHER_STORE, STORE, Catalogue
from tests.support.console import Ran
from tests.support.promotion_documents import discount, document

type Run = Callable[..., Ran]
type Write = Callable[..., str]
WHY = ("--why", "dairy week", "--yes")


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """Two stores with two products each."""
    for store_id in (STORE, OTHER_STORE):
        catalogue.enrol(store_id, is_promoting=True)
        for sku, price in (("KW-100", "3.55"), ("KW-101", "4")):
            catalogue.say(sku, store_id, price=Decimal(price), active=True)
    return catalogue


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a document of promotions, each with these changes, and gives its path."""

    def written(*changes: dict[str, Any], name: str = "promotions.json") -> str:
        content = [document(vendors=[STORE, OTHER_STORE], conditions=days(1, 8)) | one for one in changes or ({},)]
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return str(tmp_path / name)

    return written


def days(start: float, end: float) -> dict[str, str]:
    return {"start_time": in_days(start), "end_time": in_days(end)}


# Of one test all documents have the same times, by which promotions are known.
_began = [now()]


@pytest.fixture(autouse=True)
def _begin() -> None:
    _began[:] = [now()]


def in_days(number: float) -> str:
    return (_began[0] + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def states(catalogue: Catalogue) -> list[PromotionState]:
    return [*catalogue.stack.promotions.all().values()]


def body(catalogue: Catalogue, state: PromotionState) -> Promotion:
    return promotion_of(catalogue.stack.promotion_bodies.read(state.promotion_id, state.wish.digest))


def became(catalogue: Catalogue, status: str, **result: Any) -> PromotionState:
    """The platform took the only promotion as a job, which ended so."""
    [state] = states(catalogue)
    table = catalogue.stack.promotions
    state = table.write(after.submitted(table.write(after.claimed(state, "c", now())), "job-1", now()))
    left_out = LeftOut()
    for vendor in result.get("invalid_vendors", ()):
        left_out.vendor(vendor)
    for name, note in (("missing_skus", left_out.missing), ("invalid_discounted_skus", left_out.invalid)):
        for vendor, skus in result.get(name, {}).items():
            for sku in skus:
                note(vendor, sku)
    return table.write(after.answered(state, status, left_out.result(), now()))


# -- putting -----------------------------------------------------------------------------------------------------------


def test_put_keeps_everything(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion that is put waits for the pusher; its body and its document are kept byte for byte."""
    path = write()
    ran = run("promotions", "put", path, *WHY)
    [state] = states(filled)
    assert ran.status == 0, ran
    assert (state.outcome, state.wish.why, state.wish.is_end) == (Outcome.WAITING, "dairy week", False)
    assert state.wish.by == filled.stack.client("sts").get_caller_identity()["Arn"]
    assert body(filled, state).vendors == (STORE, OTHER_STORE)
    kept = filled.stack.promotion_bodies.read_document(state.promotion_id, state.wish.document)
    assert kept == Path(path).read_bytes()
    assert f"promotions/{state.promotion_id}/" in _keys(filled)


def _keys(catalogue: Catalogue) -> str:
    found = catalogue.stack.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return " ".join(one["Key"] for one in found)


def test_dry_run_writes_nothing(run: Run, filled: Catalogue, write: Write) -> None:
    """A dry run shows what would be put and keeps nothing."""
    ran = run("promotions", "put", write(), "--dry-run", "--json")
    [planned] = ran.json["promotions"]
    assert (planned["change"], planned["skus"], planned["stores"]) == ("new", 2, 2)
    assert planned["gives"] == "FINAL_PRICE 2.95 (2 products)"
    assert (states(filled), _keys(filled)) == ([], "")


def test_problems_put_nothing(run: Run, filled: Catalogue, write: Write) -> None:
    """With one bad promotion in a document none is put, and all problems of all are told."""
    path = write({}, {"type": "GIFT"}, {"vendors": ["nowhere"], "reason": "BECAUSE"})
    ran = run("promotions", "put", path, *WHY)
    assert ran.status == 1
    assert all(text in ran.err for text in ("[1].type", "[2].vendors[0]", "[2].reason", "has 3 problems"))
    assert states(filled) == []


FRUIT = {"display_name": {"en_PK": "Fruit"}, "vendors": [OTHER_STORE], "conditions": days(10, 12)}


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ([{"comment": "cheap"}], "[0].comment"),
        ([{"type": "GIFT"}], "[0].type"),
        ([{"discount": discount(sku=["KW-9"])}], "KW-9 is not known"),
        ([{}, {"discount": discount(sku=["KW-9"]), "display_name": {"en_PK": "Bread"}}], "[1].discount[0].sku[0]"),
        ([{}, {"discount": discount(discount_value=1)}], "[1]: has the names"),
        ([{}, {"display_name": {"en_PK": "Bread"}}], "run at the same time"),
        ([{"vendors": [STORE, "r2mm"]}], "is sent by files and others by API"),
    ],
    ids=["form", "rule", "product", "product of the second", "twice", "overlap", "channel"],
)
def test_any_problem_puts_nothing(
    run: Run, filled: Catalogue, write: Write, others: list[dict[str, Any]], says: str
) -> None:
    """A problem of any kind in one promotion keeps the good one beside it from being put."""
    filled.enrol("r2mm", channel=Channel.FILES, is_promoting=True)
    ran = run("promotions", "put", write(*others, FRUIT), *WHY)
    assert (ran.status, says in ran.err, states(filled)) == (1, True, []), ran.err


def test_bad_line_puts_nothing(run: Run, filled: Catalogue, tmp_path: Path) -> None:
    """A line of a CSV document that cannot be read keeps the good ones from being put."""
    path = tmp_path / "promotions.csv"
    line = f"KW-100,FINAL_PRICE,2.95,Dairy,en_PK,{STORE},STRIKETHROUGH,TRADING,{in_days(1)},{in_days(8)}"
    header = "sku,discount_subtype,discount_value,display_name,locale,vendors,type,reason,start_time,end_time"
    path.write_text(f"{header}\n{line}\n{line},one more\n", encoding="utf-8")
    ran = run("promotions", "put", str(path), *WHY)
    assert (ran.status, "line 3: has 11 cells" in ran.err, states(filled)) == (1, True, [])
    path.write_text(f"{header}\n{line}\n", encoding="utf-8")
    assert run("promotions", "put", str(path), *WHY).status == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"discount": discount(sku=["KW-9"])}, "the SKU KW-9 is not known in 148020, q7zk"),
        (
            {"discount": discount(discount_value=3.55)},
            "gets 3.55 as a final price, which is not below its price of 3.55",
        ),
        ({"discount": discount(discount_subtype="ABSOLUTE", discount_value=4)}, "gets 4 off, which is not below"),
    ],
)
def test_products_are_checked(run: Run, filled: Catalogue, write: Write, changes: dict[str, Any], says: str) -> None:
    """A product that a store does not know, and a price that is no lower, is told with its place."""
    ran = run("promotions", "put", write(changes), *WHY)
    assert (ran.status, states(filled)) == (1, [])
    assert "[0].discount[0].sku[0]" in ran.err
    assert says in ran.err


def test_lower_of_two_prices_counts(run: Run, filled: Catalogue, write: Write) -> None:
    """While a new price is on its way, the discount must be below the price that the platform shows as well."""
    filled.settle("KW-100", Settled.PROCESSED)
    filled.say("KW-100", minute=1, price=Decimal(9))
    ran = run("promotions", "put", write({"discount": discount(discount_value=5)}), *WHY)
    assert "not below its price of 3.55" in ran.err


def test_store_outside_the_catalogue(run: Run, filled: Catalogue, write: Write) -> None:
    """A store without a catalogue is promoted with a warning that its products are not checked."""
    filled.stack.orders.stores.set("u1aa", StoreSettings(currency="PKR"))
    ran = run("promotions", "put", write({"vendors": ["u1aa"]}), "--dry-run")
    assert ran.status == 0
    assert "u1aa is not in the catalogue: its products are not checked" in ran.err
    assert "Store u1aa is not in the catalogue: nothing is sent before" in ran.err


def test_no_replacing_while_off(run: Run, filled: Catalogue, write: Write) -> None:
    """While promotions are off in a store, none is ended for another one that would have to wait."""
    run("promotions", "put", write(), *WHY)
    run("promotions", "pause", OTHER_STORE, *WHY)
    ran = run("promotions", "put", write({"conditions": days(1, 9)}), "--replace", *WHY)
    assert (ran.status, "would end and nothing would take its place" in ran.err) == (1, True)
    assert [one.wish.is_end for one in states(filled)] == [False]


def test_products_of_a_bad_form_are_checked(run: Run, filled: Catalogue, write: Write) -> None:
    """A document that is wrong in its form is checked against the products all the same: all problems come at once."""
    bad = {"type": "GIFT", "discount": [*discount(sku=["KW-9"]), *discount(sku=["KW-100"], discount_value=30000)]}
    ran = run("promotions", "put", write(bad), *WHY)
    assert "has 3 problems" in ran.err


def test_put_again_changes_nothing(run: Run, filled: Catalogue, write: Write) -> None:
    """The same document again makes no second promotion, and nothing is sent."""
    run("promotions", "put", write(), *WHY)
    ran = run("promotions", "put", write(), *WHY, "--json")
    assert ran.json["promotions"][0]["change"] == "unchanged"
    assert [state.wish.number for state in states(filled)] == [1]


def test_put_again_after_a_failure(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion that the platform did not take is put again by the same document."""
    run("promotions", "put", write(), *WHY)
    became(filled, "FAILED")
    ran = run("promotions", "put", write(), *WHY, "--json")
    assert ran.json["promotions"][0]["change"] == "again"
    assert [state.wish.number for state in states(filled)] == [2]


def test_fewer_products_take_out_the_rest(run: Run, filled: Catalogue, write: Write) -> None:
    """The same promotion with fewer products still names the others, as not active: so they are taken out."""
    run("promotions", "put", write(), *WHY)
    ran = run("promotions", "put", write({"discount": discount()}), *WHY, "--json")
    [planned] = ran.json["promotions"]
    assert (planned["change"], planned["taken_out"]) == ("changed", ["KW-101"])
    [state] = states(filled)
    assert [(one.skus, one.is_active) for one in body(filled, state).discounts] == [
        (("KW-100",), True),
        (("KW-101",), False),
    ]


def test_correction_after_a_refusal(run: Run, filled: Catalogue, write: Write) -> None:
    """A product that the platform refused is not named again by the corrected promotion."""
    run("promotions", "put", write(), *WHY)
    [state] = states(filled)
    filled.stack.promotions.write(after.refused(after.claimed(state, "c", now()), "unknown SKU KW-101", now()))
    assert run("promotions", "put", write({"discount": discount()}), *WHY).status == 0
    assert [one.skus for one in body(filled, states(filled)[0]).discounts] == [("KW-100",)]


def test_body_that_is_gone(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion whose body is gone from the bucket can be put again, and stops no other one."""
    run("promotions", "put", write(), *WHY)
    [state] = states(filled)
    s3 = filled.stack.client("s3")
    s3.delete_object(Bucket=BUCKET, Key=f"promotions/{state.promotion_id}/{state.wish.digest}.json")
    other = run("promotions", "put", write({"display_name": {"en_PK": "Fruit"}}), "--allow-overlaps", *WHY)
    assert (other.status, "nothing is checked against it" in other.err) == (0, True)
    assert run("promotions", "put", write({"discount": discount()}), "--allow-overlaps", *WHY).status == 0


def test_back_to_an_earlier_end(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion that was replaced by one with another end comes back by --replace only, which ends the other one."""
    run("promotions", "put", write(), *WHY)
    became(filled, "COMPLETED")
    later = write({"conditions": days(1, 9)}, name="later.json")
    run("promotions", "put", later, "--replace", *WHY)
    assert run("promotions", "put", write(), *WHY).status == 1
    assert run("promotions", "put", write(), "--replace", *WHY).status == 0
    assert [one.wish.is_end for one in states(filled)] == [False, True]


def test_other_end_needs_replace(run: Run, filled: Catalogue, write: Write) -> None:
    """Another end would make a second promotion: it is refused, or with --replace the first one is ended before."""
    run("promotions", "put", write(), *WHY)
    [first] = states(filled)
    later = write({"conditions": days(1, 9)})
    refused = run("promotions", "put", later, *WHY)
    assert (refused.status, len(states(filled))) == (1, 1)
    assert f"the promotion {first.promotion_id} has the same names, stores and start" in refused.err
    assert run("promotions", "put", later, "--replace", *WHY).status == 0
    old, new = states(filled)
    assert (old.promotion_id, old.wish.is_end, body(filled, old).is_active) == (first.promotion_id, True, False)
    assert (new.wish.after, new.wish.is_end) == (first.promotion_id, False)


def test_replacing_one_that_runs(run: Run, filled: Catalogue, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promotion that has started can be given another end, although its start is past."""
    run("promotions", "put", write({"conditions": days(0, 8)}), *WHY)
    monkeypatch.setattr(rules, "STARTED_AT_MOST", timedelta(0))
    [state] = states(filled)
    started = write({"conditions": {"start_time": in_days(0), "end_time": in_days(5)}})
    assert run("promotions", "put", started, "--replace", *WHY).status == 0
    assert {one.promotion_id for one in states(filled)} > {state.promotion_id}


def test_another_end_after_it_was_ended(
    run: Run, filled: Catalogue, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion that was ended can be put with another end, although its start is past; no --replace is needed."""
    run("promotions", "put", write({"conditions": days(0, 8)}), *WHY)
    [state] = states(filled)
    run("promotions", "end", state.promotion_id, *WHY)
    became(filled, "COMPLETED")
    monkeypatch.setattr(rules, "STARTED_AT_MOST", timedelta(0))
    other_end = write({"conditions": days(0, 5)})
    assert run("promotions", "put", other_end, *WHY).status == 0
    assert sorted(one.wish.is_end for one in states(filled)) == [False, True]


def test_overlaps_are_named(run: Run, filled: Catalogue, write: Write) -> None:
    """A product that would get two things at a time is refused with both promotions, unless that is allowed."""
    run("promotions", "put", write(), *WHY)
    other = write({"display_name": {"en_PK": "Fruit"}, "conditions": days(2, 3), "vendors": [STORE]})
    ran = run("promotions", "put", other, *WHY)
    assert ran.status == 1
    assert "Dairy week" in ran.err
    assert "run at the same time for KW-100, KW-101 in 148020" in ran.err
    allowed = run("promotions", "put", other, "--allow-overlaps", *WHY)
    assert (allowed.status, len(states(filled))) == (0, 2)
    assert "the platform shows Fruit" in allowed.err


def test_overlap_within_a_document(run: Run, filled: Catalogue, write: Write) -> None:
    """Two promotions of one document for one product at one time are refused."""
    ran = run("promotions", "put", write({}, {"display_name": {"en_PK": "Fruit"}}), *WHY)
    assert (ran.status, states(filled)) == (1, [])
    assert "run at the same time" in ran.err


def test_one_promotion_twice(run: Run, filled: Catalogue, write: Write) -> None:
    """Two entries of a document that the platform would take for one promotion are refused."""
    ran = run("promotions", "put", write({}, {"discount": discount(discount_value=1)}), *WHY)
    assert "[1]: has the names, stores, start and end of [0]" in ran.err


def test_why_is_needed(run: Run, filled: Catalogue, write: Write) -> None:
    """Nothing is put or ended without a word why."""
    ran = run("promotions", "put", write(), "--yes")
    assert (ran.status, "--why" in ran.err, states(filled)) == (1, True, [])


def test_other_files_are_refused(run: Run, filled: Catalogue, tmp_path: Path) -> None:
    """A file that is neither JSON nor CSV by its name, or too long, is refused."""
    (tmp_path / "list.xlsx").write_bytes(b"PK")
    assert "neither .json nor .csv" in run("promotions", "put", str(tmp_path / "list.xlsx"), *WHY).err
    (tmp_path / "long.json").write_bytes(b" " * 20_000_001)
    assert "more than 20,000,000 bytes" in run("promotions", "put", str(tmp_path / "long.json"), *WHY).err


# -- ending ------------------------------------------------------------------------------------------------------------


def test_end_sends_the_same_body(run: Run, filled: Catalogue, write: Write) -> None:
    """An end is the body that was put, with active false and nothing else changed."""
    run("promotions", "put", write(), *WHY)
    became(filled, "COMPLETED")
    before = body(filled, states(filled)[0])
    ran = run("promotions", "end", before.promotion_id, *WHY)
    [state] = states(filled)
    assert ran.status == 0, ran
    assert state.wish.is_end
    assert body(filled, state) == replace(before, is_active=False)
    for skus in ((), ("KW-100",)):
        again = run("promotions", "end", before.promotion_id, *skus, *WHY)
        assert (again.status, "is being ended already" in again.err) == (1, True)
    assert states(filled)[0].wish.number == 2


def test_end_of_what_somebody_changed(
    run: Run, filled: Catalogue, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an operator is asked, somebody else ends the promotion: then it is not brought back."""
    run("promotions", "put", write(), *WHY)
    state = became(filled, "COMPLETED")
    planned = ending.plan_end(filled.stack, state.promotion_id, ["KW-101"])
    whole = ending.plan_end(filled.stack, state.promotion_id)
    run("promotions", "end", state.promotion_id, *WHY)
    for stale in (planned, whole):
        with pytest.raises(OperatorError, match="somebody else changed"):
            ending.do_end(filled.stack, stale, "sold out")
    assert states(filled)[0].wish.is_end


def test_keep_of_what_is_ending(run: Run, filled: Catalogue, write: Write) -> None:
    """An end that the pusher has taken up meanwhile cannot be taken back, and that is said."""
    run("promotions", "put", write(), *WHY)
    state = became(filled, "COMPLETED")
    run("promotions", "end", state.promotion_id, "--at", in_days(4), *WHY)
    [planned] = states(filled)
    filled.stack.promotions.write(after.taken_up(planned, now()))
    with pytest.raises(OperatorError, match="is being ended already"):
        ending.keep(filled.stack, state.promotion_id, "the stock lasts")


def test_change_plans_its_end_anew(run: Run, filled: Catalogue, write: Write) -> None:
    """An end that is set for later ends the changed promotion by its new body; the plan shows that it ends earlier."""
    run("promotions", "put", write(), *WHY)
    state = became(filled, "COMPLETED")
    run("promotions", "end", state.promotion_id, "--at", in_days(4), *WHY)
    ran = run("promotions", "put", write({"discount": discount()}), *WHY, "--json")
    assert ran.json["promotions"][0]["ends_earlier"][:10] == in_days(4)[:10]
    [changed] = states(filled)
    assert changed.planned is not None
    end = promotion_of(filled.stack.promotion_bodies.read(changed.promotion_id, changed.planned.digest))
    assert (end.is_active, end.discounts) == (False, body(filled, changed).discounts)


def test_end_of_products(run: Run, filled: Catalogue, write: Write) -> None:
    """Products are taken out of a promotion that goes on; the last ones end it."""
    run("promotions", "put", write(), *WHY)
    [state] = states(filled)
    assert run("promotions", "end", state.promotion_id, "KW-101", *WHY).status == 0
    shrunk = body(filled, states(filled)[0])
    assert (shrunk.active_skus, shrunk.is_active) == (("KW-100",), True)
    unknown = run("promotions", "end", state.promotion_id, "KW-101", *WHY)
    assert (unknown.status, "1 product not active in the promotion" in unknown.err) == (1, True)
    run("promotions", "end", state.promotion_id, "KW-100", *WHY)
    assert not body(filled, states(filled)[0]).is_active


def test_end_at_a_time(run: Run, filled: Catalogue, write: Write) -> None:
    """An end for later is shown until then, and can be taken back."""
    run("promotions", "put", write(), *WHY)
    state = became(filled, "COMPLETED")
    ran = run("promotions", "end", state.promotion_id, "--at", in_days(4), *WHY)
    assert ran.status == 0, ran
    shown = run("promotions", "show", state.promotion_id, "--json").json
    assert (shown["stage"], shown["planned_end"][:10]) == ("upcoming", in_days(4)[:10])
    assert run("promotions", "keep", state.promotion_id, *WHY).status == 0
    assert run("promotions", "show", state.promotion_id, "--json").json["planned_end"] is None
    assert run("promotions", "keep", state.promotion_id, *WHY).status == 1


def test_end_in_the_stores_zone(run: Run, filled: Catalogue, write: Write) -> None:
    """A time without an offset is the stores' own, as in a document; without their zone it is refused."""
    run("promotions", "put", write(), *WHY)
    state, when = became(filled, "COMPLETED"), in_days(4)[:16]
    refused = run("promotions", "end", state.promotion_id, "--at", when, *WHY)
    assert (refused.status, "the time zone of 148020 is not set" in refused.err) == (1, True)
    for store_id in (STORE, OTHER_STORE):
        filled.stack.orders.stores.set(store_id, StoreSettings(time_zone="Asia/Karachi"))
    assert run("promotions", "end", state.promotion_id, "--at", when, *WHY).status == 0
    planned = states(filled)[0].planned
    assert planned is not None
    assert planned.due == datetime.fromisoformat(f"{when}:00+05:00")


@pytest.mark.parametrize(
    "when", ["yesterday", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00"]
)
def test_end_at_a_strange_time(run: Run, filled: Catalogue, write: Write, when: str) -> None:
    """A time that is none, past, or after the promotion's own end is refused."""
    run("promotions", "put", write(), *WHY)
    ran = run("promotions", "end", states(filled)[0].promotion_id, "--at", when, *WHY)
    assert (ran.status, states(filled)[0].planned) == (1, None)


def test_unknown_promotion(run: Run, filled: Catalogue) -> None:
    """A promotion that is not there is told, with where the ids are."""
    for command in (("show",), ("end", *WHY), ("keep", *WHY)):
        ran = run("promotions", command[0], "nothing", *command[1:])
        assert (ran.status, "promotions list" in ran.err) == (1, True), ran


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_list_and_show(run: Run, filled: Catalogue, write: Write) -> None:
    """A list names each promotion with its stage; one is shown with its products and what the platform left out."""
    run("promotions", "put", write(), *WHY)
    became(filled, "COMPLETED", missing_skus={OTHER_STORE: ["KW-101"]})
    [listed] = run("promotions", "list", "--json").json
    assert (listed["stage"], listed["outcome"], listed["skus"]) == ("upcoming", "done_in_part", 2)
    shown = run("promotions", "show", listed["promotion_id"])
    assert all(text in shown.out for text in ("KW-100", "FINAL_PRICE", "2.95", "dairy week", "left out 1 entry"))
    assert "products that a store does not have" in shown.out
    assert run("promotions", "list", OTHER_STORE, "--json").json
    assert "Dairy week" in run("promotions", "list").out


@pytest.mark.parametrize(
    ("status", "says"), [("FAILED", "it failed, 1 time: the job failed"), ("DUPLICATE", "same promotion already")]
)
def test_what_the_job_says(run: Run, filled: Catalogue, write: Write, status: str, says: str) -> None:
    """A job that failed, or that the platform calls a duplicate, is shown as such."""
    run("promotions", "put", write(), *WHY)
    state = became(filled, status)
    assert says in run("promotions", "show", state.promotion_id).out


def test_list_of_a_store(run: Run, filled: Catalogue, write: Write) -> None:
    """The list of a store has the promotions that name it, and those of every store."""
    run(
        "promotions", "put", write({"vendors": [STORE]}, {"vendors": ["*"], "display_name": {"en_PK": "All"}}, {}), *WHY
    )
    run("promotions", "put", write({"vendors": [STORE]}), *WHY)
    run("promotions", "put", write({"vendors": ["*"], "display_name": {"en_PK": "All"}}), "--allow-overlaps", *WHY)
    names = [one["name"] for one in run("promotions", "list", OTHER_STORE, "--json").json]
    assert names == ["All"]


# -- pause and resume --------------------------------------------------------------------------------------------------


def test_what_is_not_sent_is_shown(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion that waits for a store which is switched off is shown as not sent, with why."""
    run("promotions", "pause", OTHER_STORE, *WHY)
    ran = run("promotions", "put", write({"conditions": days(0, 8)}), *WHY)
    assert "1 promotion waits until promotions are on in all their stores" in ran.err
    [listed] = run("promotions", "list", "--json").json
    assert (listed["stage"], listed["blocked"]) == ("not sent", f"promotions are off in {OTHER_STORE}")
    assert listed["trouble"] == f"it should run and is not sent, since promotions are off in {OTHER_STORE}"
    run("promotions", "resume", OTHER_STORE, *WHY)
    [listed] = run("promotions", "list", "--json").json
    assert (listed["stage"], listed["trouble"]) == ("not sent", None)


def test_refused_change_of_what_runs(run: Run, filled: Catalogue, write: Write) -> None:
    """A promotion that runs goes on where the platform refuses a change of it."""
    run("promotions", "put", write(), *WHY)
    became(filled, "COMPLETED")
    run("promotions", "put", write({"discount": discount()}), *WHY)
    [state] = states(filled)
    filled.stack.promotions.write(after.refused(after.claimed(state, "c", now()), "no", now()))
    [listed] = run("promotions", "list", "--json").json
    assert (listed["stage"], listed["trouble"]) == ("upcoming", "the platform refused its change: no")


def test_stores_of_both_ways(run: Run, filled: Catalogue, write: Write) -> None:
    """Stores that are sent by files get a promotion of their own, which a file must be able to tell."""
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, channel=Channel.FILES))
    both = run("promotions", "put", write(), *WHY)
    assert (both.status, f"the store {OTHER_STORE} is sent by files and others by API" in both.err) == (1, True)
    percent = write({"vendors": [OTHER_STORE], "discount": discount(discount_subtype="PERCENTAGE", discount_value=5)})
    refused = run("promotions", "put", percent, *WHY)
    assert (refused.status, "discount[0].sku[0]: a file takes a strikethrough" in refused.err) == (1, True)
    several = {
        "display_name": {"en_PK": "Two", "ur_PK": "Do"},
        "limits": {"global_limit": 9, "max_discount_per_order": 1},
    }
    told = run("promotions", "put", write({"vendors": [OTHER_STORE], **several}), *WHY).err
    assert "limits.max_discount_per_order: a file has no column" in told
    assert "display_name: a file has one name" in told
    put = run("promotions", "put", write({"vendors": [OTHER_STORE]}), *WHY)
    assert (put.status, "1 promotion goes into the next file of each store" in put.err) == (0, True)
    [state] = states(filled)
    assert state.channel is Channel.FILES
    [listed] = run("promotions", "list", "--json").json
    assert (listed["next"], listed["trouble"]) == ("it is in the next files of its stores", None)
    assert run("promotions", "end", state.promotion_id, *WHY).status == 0


@pytest.mark.parametrize(
    ("off", "why"),
    [
        ("is_promoting", f"promotions are off in {OTHER_STORE}"),
        ("is_sending", f"no files are sent of {OTHER_STORE} (`files on` switches them on)"),
    ],
)
def test_what_a_file_waits_for(run: Run, filled: Catalogue, write: Write, off: str, why: str) -> None:
    """A promotion by file says which store it waits for, and an end that it goes all the same."""
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, channel=Channel.FILES))
    assert run("promotions", "put", write({"vendors": [OTHER_STORE]}), *WHY).status == 0
    switched_off: Any = {off: False}
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, is_promoting=False))
    planned = run("promotions", "put", write({"vendors": [OTHER_STORE]}), "--dry-run", *WHY)
    assert f"Store {OTHER_STORE} is left out of the files until" in planned.err
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, is_promoting=True, is_sending=False))
    paused = run("promotions", "put", write({"vendors": [OTHER_STORE]}, name="paused.json"), "--dry-run", *WHY)
    assert f"left out of the files until `partner-orders files on {OTHER_STORE}`" in paused.err
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, is_sending=True))
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, **switched_off))
    [state] = states(filled)
    [listed] = run("promotions", "list", "--json").json
    assert (listed["blocked"], listed["next"]) == (why, f"nothing, since {why}")
    filled.stack.promotions.write(after.may_run(state))
    [listed] = run("promotions", "list", "--json").json
    assert listed["next"] == f"nothing more, since {why}"
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, channel=Channel.API))
    assert "is sent by the API now: end it" in run("promotions", "list", "--json").json[0]["blocked"]
    filled.tables.settings.change(OTHER_STORE, lambda one: replace(one, channel=Channel.FILES))
    assert run("promotions", "end", state.promotion_id, *WHY).status == 0
    [listed] = run("promotions", "list", "--json").json
    assert (listed["stage"], listed["next"]) == ("ending", "it is in the next files of its stores")
    [state] = states(filled)
    filled.stack.promotions.write(after.submitted(state, "", now()))
    assert run("promotions", "list", "--json").json[0]["stage"] == "ended"


def test_pause_and_resume(run: Run, filled: Catalogue) -> None:
    """Promotions are switched by store, and by whom and why is kept."""
    assert run("promotions", "pause", STORE, *WHY).status == 0
    settings = filled.tables.settings.all()
    assert (settings[STORE].is_promoting, settings[OTHER_STORE].is_promoting) == (False, True)
    assert settings[STORE].reason == "dairy week"
    assert run("promotions", "resume", "all", *WHY).status == 0
    assert filled.tables.settings.all()[STORE].is_promoting
    assert "are on there already" in run("promotions", "resume", "all", *WHY).err
    assert run("promotions", "pause", STORE, "--yes").status == 1
