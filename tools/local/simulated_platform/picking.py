"""What the platform makes of a PUT on an order: the store's own picking (docs/platform.md 8.1, 8.2)."""

import json
import random
from dataclasses import replace
from datetime import datetime
from typing import Any

from tools.local.simulated_platform.basket import money, random_uuid
from tools.local.simulated_platform.lives import Body, Life, Step, timestamp, to_text

UPDATE_CART = "UPDATE_CART"
_OPEN = ("RECEIVED", "ACCEPTED")
_REASONS = ("CLOSED", "ITEM_UNAVAILABLE", "TOO_BUSY")
_LINE_STATUSES = ("IN_CART", "NOT_FOUND", "REPLACED", "ADDITION", "NOT_PROCESSED")


class RefusedError(ValueError):
    """The platform refuses a PUT, and changes nothing. The text is the message of its 400."""


def answered(life: Life, present: Step, content: Any, now: datetime, accepts: bool, chance: random.Random) -> Life:
    """The life of an order once a PUT was taken: from now on it is as the store said, and nothing more is to come.
    ``accepts`` is for a brand whose stores accept orders. Raises RefusedError."""
    if not isinstance(content, dict) or content.get("order_id") != life.order_id:
        raise RefusedError("order_id: must match the path")
    body: Body = json.loads(to_text(present.body))
    status = _next_status(content, body, accepts)
    if status not in {"CANCELLED", "ACCEPTED"}:
        body["items"] = _lines(content.get("items"), body["items"], chance)
    if status is not None:
        body["status"] = status
    if status == "ACCEPTED":
        body["accepted_for"] = content.get("accepted_for")
    if status == "CANCELLED":
        body["cancellation"] = {"reason": _reason(content), "cancelled_by": "VENDOR", "post_picked_up": False}
    body["sys"]["updated_at"] = timestamp(max(now, present.at))
    is_told = status not in {None, "ACCEPTED"}
    step = Step(now, body, by_webhook=is_told)
    return replace(life, steps=(*(step for step in life.steps if step.at <= now), step))


def cancelled(life: Life, present: Step, now: datetime) -> Life:
    """The life of an order that the customer cancels now."""
    body: Body = json.loads(to_text(present.body))
    body |= {"status": "CANCELLED"}
    body["cancellation"] = {"reason": "CUSTOMER_CANCELLATION", "cancelled_by": "CUSTOMER", "post_picked_up": False}
    body["sys"]["updated_at"] = timestamp(now)
    return replace(life, steps=(*(step for step in life.steps if step.at <= now), Step(now, body)))


def with_line_added(life: Life, present: Step, now: datetime, chance: random.Random) -> Life:
    """The life of an order to which somebody adds a line now: its first one, once more."""
    body: Body = json.loads(to_text(present.body))
    body["items"].append(json.loads(json.dumps(body["items"][0])) | {"_id": str(random_uuid(chance))})
    body["sys"]["updated_at"] = timestamp(max(now, present.at))
    return replace(life, steps=(*(step for step in life.steps if step.at <= now), Step(now, body)))


def is_open(status: str) -> bool:
    """Whether an order waits for its store."""
    return status in _OPEN


def _next_status(content: Body, body: Body, accepts: bool) -> str | None:
    """The status that an order gets by a PUT; None if it stays what it is. Raises RefusedError."""
    wanted, present = content.get("status"), body["status"]
    if present not in _OPEN:
        raise RefusedError(f"status: {present} cannot become {wanted}")
    is_own_delivery = body.get("transport_type") == "VENDOR_DELIVERY" and body.get("order_type") != "PICKUP"
    match wanted:
        case "UPDATE_CART":
            return None
        case "READY_FOR_PICKUP" if not is_own_delivery:
            return "READY_FOR_PICKUP"
        case "DISPATCHED" if is_own_delivery:
            return "READY_FOR_PICKUP" if accepts else "DISPATCHED"
        case "ACCEPTED" if accepts and is_own_delivery and present == "RECEIVED":
            return "ACCEPTED"
        case "CANCELLED" if not accepts:
            _reason(content)
            return "CANCELLED"
    raise RefusedError(f"status: {present} cannot become {wanted}")


def _reason(content: Body) -> str:
    cancellation = content.get("cancellation")
    reason = cancellation.get("reason") if isinstance(cancellation, dict) else None
    if reason not in _REASONS:
        raise RefusedError("cancellation.reason: not valid")
    return str(reason)


def _lines(sent: Any, present: list[Body], chance: random.Random) -> list[Body]:
    """The lines of an order after a PUT. Raises RefusedError."""
    if not isinstance(sent, list) or not all(isinstance(line, dict) for line in sent):
        raise RefusedError("items: must be a list")
    known = {line["_id"]: line for line in present}
    if sorted(line["_id"] for line in sent if "_id" in line) != sorted(known):
        raise RefusedError("items: each line of the order must be sent once")
    return [_changed(line, known, chance) for line in sent]


def _changed(sent: Body, known: dict[str, Body], chance: random.Random) -> Body:
    if not sent.get("sku") or sent.get("status") not in _LINE_STATUSES:
        raise RefusedError("items: sku and status are required")
    pricing = sent.get("pricing") or {}
    if "_id" in sent:
        line: Body = json.loads(json.dumps(known[sent["_id"]]))
    else:
        if sent["status"] == "IN_CART" and sent.get("replaced_id") not in known:
            raise RefusedError("items: replaced_id is not a line of the order")
        line = {
            "_id": str(random_uuid(chance)),
            "sku": sent["sku"],
            "barcode": [],
            "name": sent.get("name", sent["sku"]),
            "pricing": {"pricing_type": pricing.get("pricing_type", "UNIT"), "vat_percent": 0},
        }
        if "replaced_id" in sent:
            line["replaced_id"] = sent["replaced_id"]
    line["status"] = sent["status"]
    if sent["status"] not in {"NOT_FOUND", "REPLACED"}:
        _price(line["pricing"], pricing)
    elif sent["status"] == "NOT_FOUND":
        line["pricing"] |= {"quantity": 0, "total_price": 0.0}
    return line


def _price(pricing: Body, sent: Body) -> None:
    """Take over amount and price. Raises RefusedError for a weight that the line does not allow."""
    is_weighed = pricing["pricing_type"] in {"KG", "WEIGHT"}
    weight: float = sent.get("weight") or 0
    if is_weighed and not pricing.get("min_quantity", 0) <= weight <= pricing.get("max_quantity", weight):
        raise RefusedError("items: the weight is out of range")
    for name in ("quantity", "weight", "unit_price"):
        if name in sent:
            pricing[name] = sent[name]
    amount = pricing.get("weight", 0) if is_weighed else pricing.get("quantity", 0)
    pricing["total_price"] = money(float(pricing.get("unit_price", 0)) * float(amount))
