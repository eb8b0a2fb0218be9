"""Small order objects in the contract's shape, changed by keyword."""

import copy
import json
from typing import Any

CHAIN_ID = "8c6a1f0e-52b7-4d39-b1e8-0f4f7d2a9c11"

_ORDER: dict[str, Any] = {
    "order_id": "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801",
    "external_order_id": "k4vd-2611-r8mz",
    "order_code": "0417",
    "status": "RECEIVED",
    "order_type": "DELIVERY",
    "transport_type": "LOGISTICS_DELIVERY",
    "isPreorder": False,
    "accepted_for": None,
    "promised_for": "2026-10-14T08:55:00.000Z",
    "comment": "No plastic bags",
    "client": {
        "id": "3b0f2d51-7a1c-4e8d-9a44-6c2f1d90b7e3",
        "name": "Greenbasket Clifton",
        "chain_id": CHAIN_ID,
        "country_code": "pk",
        "store_id": "q7xk",
        "external_partner_config_id": "GB-CLIFTON-01",
    },
    "customer": {
        "_id": "cst_5f81b3",
        "first_name": "Amna",
        "last_name": "R.",
        "phone_number": "+92300123441",
        "delivery_address": {"city": "Karachi", "street": "Khayaban-e-Saadi", "latitude": 24.8138, "longitude": 67.03},
    },
    "items": [
        {
            "_id": "line-1",
            "sku": "GB-100231",
            "barcode": ["8961008201234"],
            "name": "Full cream milk 1 L",
            "pricing": {"pricing_type": "UNIT", "unit_price": 345.0, "total_price": 690.0, "quantity": 2, "weight": 0},
            "status": "NOT_PROCESSED",
        }
    ],
    "payment": {"sub_total": 690.0, "order_total": 669.0, "delivery_fee": 79, "discount": -100.0, "type": "PAID"},
    "sys": {"created_at": "2026-10-14T08:12:44.107Z", "updated_at": "2026-10-14T08:12:44.107Z"},
}
# Fields of an order whose body hardly compresses, so that it has a row of its own.
LARGE: dict[str, Any] = {
    "items": [{"_id": str(number), "sku": f"{number * 104729:x}{number * 7919:x}"} for number in range(900)]
}


def order(minute: int | None = None, **fields: Any) -> dict[str, Any]:
    """An order object; ``minute`` of its hour sets ``sys.updated_at``."""
    made = copy.deepcopy(_ORDER) | fields
    if minute is not None:
        made["sys"] = made["sys"] | {"updated_at": f"2026-10-14T08:{minute:02d}:00.000Z"}
    return made


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
