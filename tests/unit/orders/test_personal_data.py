"""What is left of an order without personal data: nothing that a person may have written."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.exact_json import parse
from partner_orders.orders.personal_data import personal_part, redacted, without_personal_data
from tests.support.orders import as_bytes, order

WORDS = "ask Ayesha Khan, 0300 1234567"

FULL: dict[str, Any] = order(
    promotion_status="NONE",
    cancellation={"reason": "TOO_BUSY", "cancelled_by": "VENDOR", "post_picked_up": False},
    sys={
        **order()["sys"],
        "created_by": WORDS,
        "updated_by": WORDS,
        "webhook_status": {"last": WORDS},
    },
)
FULL["items"][0] |= {
    "replaced_id": "line-0",
    "instructions": WORDS,
    "discount": 5,
    "container_deposit": "0.25",
    "image_url": "https://images.example.com/1.jpg",
    "original_pricing": FULL["items"][0]["pricing"],
    "promotion": [{"name": "Fresh week", "discount_amount": 5, "sponsorships": [{"sponsor": "VENDOR", "amount": 5}]}],
}
FULL["payment"] |= {
    "additional_fees": {"small_order_fee": 3.0},
    "discounts": [{"name": WORDS, "value": -5}],
    "vouchers": [WORDS],
}

# The texts that the platform's systems and the shop's catalogue give: not what somebody wrote about a person.
IMPERSONAL = {
    *("order_id", "external_order_id", "order_code", "status"),
    *("client.id", "client.name", "client.chain_id", "client.country_code", "client.store_id"),
    *("client.external_partner_config_id", "items._id", "items.sku", "items.barcode", "items.name"),
    *("items.replaced_id", "items.image_url"),
}


def places(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place of an order: its path without list positions, what holds it, and its key there."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        below = f"{path}.{key}".lstrip(".") if isinstance(value, dict) else path
        yield below, value, key
        if isinstance(item, dict | list):
            yield from places(item, below)


def left_of(body: dict[str, Any]) -> Any:
    """The body without personal data, parsed as the functions parse it."""
    parsed: Any = parse(json.dumps(body, default=float).encode())
    return without_personal_data(parsed)


@pytest.mark.parametrize("planted", [WORDS, [WORDS], [[WORDS]], {"note": WORDS}, [{"note": WORDS}], {WORDS: [WORDS]}])
def test_free_text_is_redacted(planted: Any) -> None:
    """Free text stays only in fields that the platform or the catalogue fills."""
    left = set()
    for number in range(sum(1 for _ in places(FULL))):
        copied = copy.deepcopy(FULL)
        path, holder, key = [*places(copied)][number]
        holder[key] = planted
        if WORDS in redacted(as_bytes(copied)).decode():
            left.add(path)
    assert left <= IMPERSONAL
    if planted == WORDS:
        assert left == IMPERSONAL


def test_unknown_fields_are_redacted() -> None:
    """A field that we do not know is redacted."""
    for number in range(sum(1 for _ in places(FULL))):
        copied = copy.deepcopy(FULL)
        _, holder, _ = [*places(copied)][number]
        if isinstance(holder, dict) and "small_order_fee" not in holder:
            holder["a_new_field"] = 3001234567
            assert "3001234567" not in redacted(as_bytes(copied)).decode()


@pytest.mark.parametrize("reason", ["TOO_BUSY", "ITEM_UNAVAILABLE", "CLOSED", "OTHER", "MISTAKE", "DELIVERY_FAILED"])
def test_reason_code_is_kept(reason: str) -> None:
    """A cancellation reason that is a code is kept."""
    cancellation = {"reason": reason, "cancelled_by": "LOGISTICS", "post_picked_up": True}
    assert left_of(order(cancellation=cancellation))["cancellation"] == cancellation


@pytest.mark.parametrize("who", ["CUSTOMER", "VENDOR", "LOGISTICS", "PLATFORM"])
def test_known_canceller_is_kept(who: str) -> None:
    """Who cancelled is kept if it is one of the platform's own names."""
    cancellation = {"reason": "TOO_BUSY", "cancelled_by": who}
    assert left_of(order(cancellation=cancellation))["cancellation"] == cancellation


@pytest.mark.parametrize("who", [WORDS, "AYESHA", "AYESHA_KHAN", "MISTAKE", "customer", "", 1])
def test_possible_name_is_redacted(who: Any) -> None:
    """Who cancelled is redacted if it may be a person's name."""
    assert left_of(order(cancellation={"cancelled_by": who}))["cancellation"] == {"cancelled_by": None}


@pytest.mark.parametrize(
    "reason",
    [WORDS, "AYESHA", "CUSTOMER", "AYESHA KHAN", "Too busy", "0300_1234567", "TOO_BUSY\n", "_", 3001234567, [WORDS]],
)
def test_reason_in_words_is_redacted(reason: Any) -> None:
    """A cancellation reason in words is redacted."""
    left = left_of(order(cancellation={"reason": reason, "post_picked_up": True}))["cancellation"]
    assert left == {"reason": None, "post_picked_up": True}


@pytest.mark.parametrize("cancellation", [WORDS, "TOO_BUSY", 3001234567])
def test_scalar_cancellation_is_redacted(cancellation: Any) -> None:
    """A cancellation that is not an object is redacted."""
    assert left_of(order(cancellation=cancellation))["cancellation"] is None


@pytest.mark.parametrize("flag", [True, False, None, "true", "False", 1, "0", Decimal("1.0"), Decimal("0.0")])
def test_flags_are_kept(flag: Any) -> None:
    """A flag is kept in whatever form it is written."""
    told = order(cancellation={"post_picked_up": flag}, isPreorder=flag)
    left = left_of(told)
    assert (left["cancellation"], left["isPreorder"]) == (told["cancellation"], flag)


@pytest.mark.parametrize("flag", [2, Decimal("0.5"), "1.0", WORDS])
def test_invalid_flag_is_redacted(flag: Any) -> None:
    """A value that is not a flag is redacted in the place of one."""
    left = left_of(order(cancellation={"post_picked_up": flag}, isPreorder=flag))
    assert (left["cancellation"], left["isPreorder"]) == ({"post_picked_up": None}, None)


@pytest.mark.parametrize(
    "fees",
    [
        *(
            {"fee": 3.0},
            [3.0],
            {},
            None,
            {"fee": "1.50"},
            ["5", f" 5{' ' * 100}"],
            {"small": {"amount": 3, "rate": ["0.5"]}},
        ),
        *({"x" * 64: 1}, {"fee_2": None, "free": True}, [[{"value": "1.5"}]]),
    ],
)
def test_fee_amounts_are_kept(fees: Any) -> None:
    """Fees keep their amounts, in every known shape."""
    payment = {**order()["payment"], "additional_fees": fees}
    assert left_of(order(payment=payment))["payment"] == payment


@pytest.mark.parametrize(
    ("fees", "left"),
    [
        ({"Tip for Ali Khan": 5, "0300": 5, "": 5, "tip-for-ali": 5, "x" * 65: 5, "café": 5, "tip": 5}, {"tip": 5}),
        ({"tip": WORDS, "fee": "1,50"}, {"tip": None, "fee": None}),
        ([{"name": WORDS, "value": "1.5"}, WORDS], [{"name": None, "value": "1.5"}, None]),
    ],
)
def test_texts_in_fees_are_redacted(fees: Any, left: Any) -> None:
    """Texts in fees are redacted, and so are names of fees that may be sentences."""
    payment = {**order()["payment"], "additional_fees": fees}
    assert left_of(order(payment=payment))["payment"] == {**payment, "additional_fees": left}


def test_figures_are_kept() -> None:
    """The figures, times and status of an order are kept unchanged."""
    left = json.loads(redacted(as_bytes(FULL)))
    assert left["items"][0]["pricing"] == FULL["items"][0]["pricing"]
    assert left["items"][0]["container_deposit"] == "0.25"
    assert left["payment"]["discounts"] == [{"value": -5}]
    assert left["sys"] == order()["sys"]
    assert (left["status"], left["promised_for"]) == (FULL["status"], FULL["promised_for"])


def test_personal_part_complements_the_rest() -> None:
    """The personal part is exactly what redaction removes."""
    body = order(comment=WORDS, order_code=WORDS, a_new_field=[1, {"note": WORDS}], isPreorder={"note": WORDS})
    body["payment"] = {"sub_total": [WORDS], "order_total": WORDS, "discounts": [1, WORDS]}
    body["items"] = [*body["items"], {"sku": WORDS, "instructions": WORDS}]
    parsed: Any = parse(as_bytes(body))
    taken: Any = personal_part(parsed)
    assert taken == {
        "customer": parsed["customer"],
        "comment": WORDS,
        "a_new_field": [1, {"note": WORDS}],
        "isPreorder": {"note": WORDS},
        "payment": {"sub_total": [WORDS], "order_total": WORDS, "discounts": [1, WORDS]},
        "items": [{"instructions": WORDS}],
    }
    assert personal_part(without_personal_data(parsed)) == {}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FULL, "other"]), inner, max_size=4),
    max_leaves=20,
)


@given(ANYTHING)
def test_redaction_is_idempotent(body: Any) -> None:
    """Redacting a redacted body changes nothing."""
    once = redacted(as_bytes(body))
    assert redacted(once) == once


@pytest.mark.parametrize(
    "words", ["Amna R.", "AMNA", "for Amna", "92300123441", 92300123441, "amna_r", "DELIVERY for Amna"]
)
def test_words_in_place_of_a_code_are_redacted(words: Any) -> None:
    """A type, a status or a promotion's name that does not look like a code is redacted."""
    line = order()["items"][0] | {"status": words, "promotion": [{"name": words, "discount_amount": 5}]}
    body = order(order_type=words, promotion_status=words, items=[line], payment={"type": words, "order_total": 1})
    left = left_of(body)
    assert (left["order_type"], left["promotion_status"], left["payment"]["type"]) == (None, None, None)
    assert (left["items"][0]["status"], "name" in left["items"][0]["promotion"][0]) == (None, False)
    assert left["items"][0]["promotion"][0]["discount_amount"] == 5


def test_words_that_the_platform_sends_are_kept() -> None:
    """A word that is no code by its form is kept where the platform is known to send it."""
    pricing, promotions = ["KG", "UNIT", "WEIGHT"], ["VENDOR", "PLATFORM", "PARTNER", "SUPPLIER"]
    lines: list[dict[str, Any]] = [{"status": word} for word in ("ADDITION", "REPLACED", "PICKED", "CONFIRMED")]
    lines += [{name: {"pricing_type": word}} for name in ("pricing", "original_pricing") for word in pricing]
    lines += [{"promotion": [{"sponsorships": [{"sponsor": word} for word in promotions]}]}]
    for word, status in (("DELIVERY", "AVAILABLE"), ("PICKUP", "UNAVAILABLE")):
        body = {"items": lines, "order_type": word, "transport_type": word, "promotion_status": status}
        assert left_of(body) == body


@pytest.mark.parametrize("code", ["NOT_PROCESSED", "PARTNER_DELIVERY"])
def test_codes_in_their_places_are_kept(code: str) -> None:
    """A code that looks like one is kept where it belongs, also one that the platform adds."""
    left = left_of(order(order_type=code, promotion_status=code, payment={"type": code}))
    assert (left["order_type"], left["promotion_status"], left["payment"]["type"]) == (code, code, code)
