"""What a simulated till says of the orders that it picks, and whether the platform has them so in the end."""

from collections import Counter
from typing import Any

KINDS = ("ready", "short", "missing", "replaced", "added", "weighed", "updated", "bagged", "cancelled")
# Where stores accept their orders, and cannot cancel them.
ACCEPTING_KINDS = ("ready", "short", "missing", "replaced", "added", "weighed", "updated", "bagged", "accepted")
# What an order is after an answer that says nothing of its lines.
_STATUSES = {"cancel": "CANCELLED", "accept": "ACCEPTED"}


def weights(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is said of the lines that are sold by weight: that each weighs what was ordered."""
    return [
        {"id": line["_id"], "weight": line["pricing"]["weight"]}
        for line in lines
        if line["pricing"]["pricing_type"] == "KG"
    ]


def answers_to(change: dict[str, Any], kind: str, ready_at: str = "") -> list[dict[str, Any]]:
    """What the till says of an order of a change event, by the kind of picking: one answer after the other.
    ``ready_at`` is what it promises of an order that it accepts, in UTC."""
    lines, order_id = change["order"]["items"], change["order_id"]
    first = lines[0]
    weighed = weights(lines)
    said: dict[str, Any] = {"answer_id": f"till-{order_id[:8]}-1", "sequence": change["sequence"], "kind": "ready"}
    of_others = [line for line in weighed if line["id"] != first["_id"]]
    match kind:
        case "accepted":
            accepted = said | {"kind": "accept", "ready_at": ready_at}
            return [accepted, said | {"answer_id": f"till-{order_id[:8]}-2", "lines": weighed}]
        case "cancelled":
            return [said | {"kind": "cancel", "reason": "ITEM_UNAVAILABLE"}]
        case "missing":
            return [said | {"lines": [{"id": first["_id"], "not_found": True}, *of_others]}]
        case "replaced":
            other = {"sku": "TILL-REPLACEMENT", "quantity": 2, "unit_price": 1.25, "name": "A replacement"}
            return [said | {"lines": [{"id": first["_id"], "replaced_by": [other]}, *of_others]}]
        case "added":
            return [said | {"lines": weighed, "added": [{"sku": "TILL-BAG", "quantity": 1, "unit_price": 0.1}]}]
        case "bagged":
            return [said | {"kind": "update", "added": [{"sku": "TILL-BAG", "quantity": 1, "unit_price": 0.1}]}]
        case "short":
            counted = [
                {"id": line["_id"], "quantity": 1} for line in lines if line["pricing"]["pricing_type"] == "UNIT"
            ]
            return [said | {"lines": [*counted, *weighed]}]
        case "updated":
            update = said | {"kind": "update", "lines": [{"id": first["_id"], "not_found": True}]}
            ready = said | {"answer_id": f"till-{order_id[:8]}-2", "lines": of_others}
            return [update, ready]
        case _:
            return [said | {"lines": weighed}]


def differences(placed: dict[str, Any], applied: list[dict[str, Any]], body: dict[str, Any]) -> str:
    """What of an order is not as the applied answers say; empty if all is. ``placed`` is the order as it was placed,
    ``body`` as the platform has it now."""
    last = applied[-1]
    if last["kind"] in _STATUSES:
        return "" if body["status"] == _STATUSES[last["kind"]] else f"it is {body['status']}"
    if last["kind"] == "ready" and body["status"] not in {"READY_FOR_PICKUP", "DISPATCHED"}:
        return f"it is {body['status']}"
    shown = {line["_id"]: line for line in body["items"]}
    changes = {change["id"]: change for answer in applied for change in answer.get("lines", [])}
    for line in placed["items"]:
        wanted, there = changes.get(line["_id"], {}), shown.get(line["_id"])
        if there is None or not _is_as_said(line, wanted, there):
            return f"line {line['_id']} is {there and there['status']}"
    new = Counter(line["sku"] for line in body["items"] if line["_id"] not in {one["_id"] for one in placed["items"]})
    added = [one["sku"] for answer in applied for one in answer.get("added", [])]
    added += [one["sku"] for change in changes.values() for one in change.get("replaced_by", [])]
    return "" if new == Counter(added) else f"new lines are {dict(new)}"


def _is_as_said(line: dict[str, Any], wanted: dict[str, Any], there: dict[str, Any]) -> bool:
    if wanted.get("not_found"):
        return bool(there["status"] == "NOT_FOUND")
    if wanted.get("replaced_by"):
        return bool(there["status"] == "REPLACED")
    if there["status"] != "IN_CART":
        return False
    if "weight" in wanted:
        return abs(float(there["pricing"]["weight"]) - float(wanted["weight"])) < 0.0005
    return float(there["pricing"]["quantity"]) == float(wanted.get("quantity", line["pricing"]["quantity"]))
