"""The order object as the platform sends it (docs/platform.md 3).

Open on purpose: unknown fields are kept, unknown enum values are plain strings, and only ``order_id`` and ``status``
are required. A field of a wrong type is refused, and the refusal never quotes the value.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
)

from partner_orders.exact_json import MalformedJsonError, bounded_decimal, number_by_value
from partner_orders.orders import lifecycle


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("should be a number")
    try:
        return bounded_decimal(str(value).strip())
    except MalformedJsonError:
        raise ValueError("should be a finite number of bounded size") from None


# What programs write that have no time: year 1, or 1970. Taken for a time, the order would have expired long ago.
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("should be a time in ISO 8601")
    if not value.strip():
        return None
    try:
        instant = parse_instant(value)
    except ValueError:
        raise ValueError("should be a time in ISO 8601") from None
    return instant if instant > _NO_TIME else None


def parse_instant(text: str) -> datetime:
    """Parse ISO 8601 into UTC; a time without a zone is UTC (docs/platform.md 4.2). Raises ValueError."""
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time out of range") from None


def _barcodes(value: Any) -> Any:
    # One live client meets a bare string where the rest see an array (docs/platform.md 3.4).
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _absent(value: Any) -> Any:
    return {} if value is None else value


def _status(value: Any) -> Any:
    return lifecycle.normalise(value) if isinstance(value, str) else value


def _identifier(value: Any) -> Any:
    # As the digest reads it: 10 and 10.0 are one event, so they name one order.
    return number_by_value(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


Number = Annotated[Decimal, PlainValidator(_number)]
Instant = Annotated[datetime | None, PlainValidator(_instant)]
# Identifiers become keys of the table, which have a size: two of them and a prefix within 2,048 bytes.
# The longest number parse() lets through has 196 characters.
# The constraints stand first: after the validator they would be said of items, not of characters.
Identifier = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), BeforeValidator(_identifier)]
RequiredIdentifier = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), BeforeValidator(_identifier)
]

T = TypeVar("T")
# A batch of ten bodies has to fit the function's memory. One body could hold 87,000 empty lines, or as many wrong ones:
# more are refused than any order has, and of wrong ones the first is named.
MAX_LISTED = 10_000
Several = Annotated[list[T], Field(max_length=MAX_LISTED), FailFast()]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        # Built with the whole order, the first time one comes; each part on its own would never be used.
        defer_build=True,
    )


class Client(_Part):
    """The store, in the platform's words (docs/platform.md 3.2)."""

    id: Identifier | None = None
    name: str | None = None
    chain_id: Identifier | None = None
    country_code: str | None = None
    store_id: Identifier | None = None
    external_partner_config_id: Identifier | None = None


class DeliveryAddress(_Part):
    country: str | None = None
    city: str | None = None
    street: str | None = None
    number: str | None = None
    latitude: Number | None = None
    longitude: Number | None = None
    company: str | None = None
    block: str | None = None
    building: str | None = None
    apartment: str | None = None
    entrance: str | None = None
    intercom: str | None = None
    floor: str | None = None
    suburb: str | None = None
    zipcode: str | None = None
    instructions: str | None = None
    formattedAddress: str | None = None  # noqa: N815 (the platform's own name)


class Customer(_Part):
    """Personal data; may be masked or empty (docs/platform.md 3.3)."""

    id: str | None = Field(default=None, alias="_id")
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    tax_id: str | None = None
    national_id: str | None = None
    loyalty_card: str | None = None
    delivery_address: DeliveryAddress | None = None


class Pricing(_Part):
    """Decimal major units. For weighed lines (``KG``, ``WEIGHT``) the amount is ``weight`` in kg
    (docs/platform.md 3.4)."""

    pricing_type: str | None = None
    unit_price: Number | None = None
    quantity: Number | None = None
    weight: Number | None = None
    weighted_pieces: Number | None = None
    total_price: Number | None = None
    min_quantity: Number | None = None
    max_quantity: Number | None = None
    vat_percent: Number | None = None


class Sponsorship(_Part):
    sponsor: str | None = None
    amount: Number | None = None


class Promotion(_Part):
    name: str | None = None
    discount_amount: Number | None = None
    sponsorships: Several[Sponsorship] | None = None


class Item(_Part):
    id: str | None = Field(default=None, alias="_id")
    sku: str | None = None
    barcode: Annotated[Several[str] | None, BeforeValidator(_barcodes)] = None
    name: str | None = None
    pricing: Pricing | None = None
    original_pricing: Pricing | None = None
    status: Annotated[str | None, BeforeValidator(_status)] = None
    replaced_id: str | None = None
    instructions: str | None = None
    discount: Number | None = None
    container_deposit: Number | None = None
    image_url: str | None = None
    promotion: Several[Promotion] | None = None


class Discount(_Part):
    name: str | None = None
    value: Number | None = None


class Payment(_Part):
    """Decimal major units; the sign of ``discount`` is not stable (docs/platform.md 3.5)."""

    sub_total: Number | None = None
    order_total: Number | None = None
    delivery_fee: Number | None = None
    service_fee: Number | None = None
    difference_to_minimum: Number | None = None
    container_charge: Number | None = None
    additional_fees: dict[str, Any] | list[Any] | None = None
    discount: Number | None = None
    discounts: Several[Discount] | None = None
    vouchers: list[Any] | None = None
    total_taxes: Number | None = None
    collect_at_pickup: Number | None = None
    type: str | None = None


class Cancellation(_Part):
    """``post_picked_up``: cancelled after the rider collected, so still a sale (docs/platform.md 3.6)."""

    reason: str | None = None
    cancelled_by: str | None = None
    post_picked_up: bool | None = None


class Sys(_Part):
    created_at: Instant = None
    created_by: str | None = None
    updated_at: Instant = None
    updated_by: str | None = None
    webhook_status: Any = None


class Order(_Part):
    """One observation of an order: the whole object with its status (docs/platform.md 3.1)."""

    order_id: RequiredIdentifier
    external_order_id: Identifier | None = None
    order_code: Identifier | None = None
    status: Annotated[RequiredIdentifier, BeforeValidator(_status)]
    order_type: str | None = None
    transport_type: str | None = None
    isPreorder: bool | None = None  # noqa: N815 (the platform's own name)
    accepted_for: Instant = None
    promised_for: Instant = None
    comment: str | None = None
    promotion_status: str | None = None
    client: Annotated[Client, BeforeValidator(_absent)] = Client()
    customer: Customer | None = None
    items: Several[Item] | None = None
    payment: Payment | None = None
    # One old copy of the specification shows a plain string (docs/platform.md 3.6).
    cancellation: Cancellation | str | None = None
    sys: Annotated[Sys, BeforeValidator(_absent)] = Sys()

    @property
    def occurred_at(self) -> datetime | None:
        """The platform's own clock: ``sys.updated_at``, else ``sys.created_at`` (docs/platform.md 3.7)."""
        return self.sys.updated_at or self.sys.created_at

    @property
    def post_picked_up(self) -> bool | None:
        return self.cancellation.post_picked_up if isinstance(self.cancellation, Cancellation) else None


def problems(error: ValidationError) -> list[str]:
    """What was wrong, field by field (``items.0.sku: Input should be ...``), without any value of the input."""
    return [
        f"{'.'.join(str(part) for part in issue['loc'])}: {issue['msg']}"
        for issue in error.errors(include_input=False, include_context=False, include_url=False)
    ]
