"""The page of promotions: what runs where, one promotion, and the changes that it offers."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from partner_orders.clock import now
from partner_orders.promotions.state import PromotionState
from partner_orders_console.operations.promotions import putting
from tests.support.catalogue_stack import OTHER_STORE, STORE, Catalogue
from tests.support.desk import Browser, facts
from tests.support.promotion_documents import discount, document

type Open = Callable[..., Browser]


@pytest.fixture
def promotion(catalogue: Catalogue, tmp_path: Path) -> PromotionState:
    """A promotion of one product in one of two stores, which starts tomorrow."""
    for store_id in (STORE, OTHER_STORE):
        catalogue.enrol(store_id, is_promoting=True)
        catalogue.say("KW-100", store_id, price=Decimal("3.55"), active=True)
    times = {"start_time": _in_days(1), "end_time": _in_days(8)}
    content = document(vendors=[STORE], conditions=times, discount=discount(), display_name={"en_PK": "<b>Dairy</b>"})
    (tmp_path / "promotion.json").write_text(json.dumps(content), encoding="utf-8")
    plan = putting.plan(catalogue.stack, tmp_path / "promotion.json", putting.Allowed())
    assert not plan.problems
    putting.put(catalogue.stack, plan, "dairy week")
    [state] = catalogue.stack.promotions.all().values()
    return state


def _in_days(number: float) -> str:
    return (now() + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_calendar_shows_what_runs(browser: Browser, promotion: PromotionState) -> None:
    """Each promotion has a bar over the weeks, and leads to its page; its name is never taken for markup."""
    html = browser.get("/promotions").text
    assert f'href="/promotions/{promotion.promotion_id}"' in html
    assert '<rect class="bar not_sent"' in html
    assert "&lt;b&gt;Dairy&lt;/b&gt;" in html
    assert "1 promotion in five weeks" in browser.text("/promotions/calendar")


def test_calendar_of_a_store_and_of_other_weeks(browser: Browser, promotion: PromotionState) -> None:
    """Only what names the store, and runs in the weeks that are asked for, is shown."""
    assert "1 promotion in" in browser.text(f"/promotions?store={STORE}")
    assert "No promotion runs" in browser.text(f"/promotions?store={OTHER_STORE}")
    for day in ("2020-01-01", "2031-01-01"):
        assert "No promotion runs in the five weeks" in browser.text(f"/promotions?from={day}")
    assert "1 promotion in" in browser.text("/promotions?from=nonsense")


def test_one_promotion(browser: Browser, promotion: PromotionState) -> None:
    """A promotion is shown with its facts, products and history."""
    page = browser.get(f"/promotions/{promotion.promotion_id}").text
    assert facts(page)["latest"] == "put: waiting"
    shown = browser.text(f"/promotions/{promotion.promotion_id}")
    assert all(text in shown for text in ("KW-100", "FINAL_PRICE", "2.95", "dairy week", "not sent"))
    assert browser.get("/promotions/nothing").status_code == 404


def test_end_on_the_desk(open_desk: Open, catalogue: Catalogue, promotion: PromotionState) -> None:
    """The desk ends a promotion after a question, and only where changes are allowed."""
    assert "End it now" not in open_desk().text(f"/promotions/{promotion.promotion_id}")
    browser = open_desk(allows_changes=True)
    assert "End it now" in browser.text(f"/promotions/{promotion.promotion_id}")
    said = browser.change("end-promotion", promotion=promotion.promotion_id, why="sold out")
    assert "The end of <b>Dairy</b> is sent within minutes" in said
    [state] = catalogue.stack.promotions.all().values()
    assert (state.wish.is_end, state.wish.why) == (True, "sold out")
    assert "has ended already" in browser.change("end-promotion", promotion=promotion.promotion_id, why="again")
