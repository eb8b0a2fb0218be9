"""The order object as the platform sends it (docs/platform.md 3): the one description of its fields.

``orders/reading.py`` reads a body by this description, for the model and for the digest alike. Open on purpose: unknown
fields are stored with the body, unknown enum values are plain strings, and only ``order_id`` and ``status`` are
required.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from partner_orders.orders.fields import Kind

# How long the platform shows an order, and so lets anybody change it.
LONGEST_LIFE = timedelta(days=60)

Text = Annotated[str | None, Kind.TEXT]
Identifier = Annotated[str | None, Kind.IDENTIFIER]
Status = Annotated[str | None, Kind.STATUS]
Number = Annotated[Decimal | None, Kind.NUMBER]
Instant = Annotated[datetime | None, Kind.INSTANT]
Flag = Annotated[bool | None, Kind.FLAG]
Container = Annotated[Any, Kind.CONTAINER]
Anything = Annotated[Any, Kind.ANY]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        # Built with the whole order, the first time one comes; each part on its own would never be used.
        defer_build=True,
    )


class Client(_Part):
    """The store, in the platform's words (docs/platform.md 3.2)."""

    id: Identifier = None
    name: Text = None
    chain_id: Identifier = None
    country_code: Text = None
    store_id: Identifier = None
    external_partner_config_id: Identifier = None


class DeliveryAddress(_Part):
    country: Text = None
    city: Text = None
    street: Text = None
    number: Text = None
    latitude: Number = None
    longitude: Number = None
    company: Text = None
    block: Text = None
    building: Text = None
    apartment: Text = None
    entrance: Text = None
    intercom: Text = None
    floor: Text = None
    suburb: Text = None
    zipcode: Text = None
    instructions: Text = None
    formattedAddress: Text = None  # noqa: N815 (the platform's own name)


class Customer(_Part):
    """Personal data; may be masked or empty (docs/platform.md 3.3)."""

    id: Text = Field(default=None, alias="_id")
    first_name: Text = None
    last_name: Text = None
    phone_number: Text = None
    tax_id: Text = None
    national_id: Text = None
    loyalty_card: Text = None
    delivery_address: DeliveryAddress | None = None


class Pricing(_Part):
    """Decimal major units. For weighed lines (``KG``, ``WEIGHT``) the amount is ``weight`` in kg
    (docs/platform.md 3.4)."""

    pricing_type: Text = None
    unit_price: Number = None
    quantity: Number = None
    weight: Number = None
    weighted_pieces: Number = None
    total_price: Number = None
    min_quantity: Number = None
    max_quantity: Number = None
    vat_percent: Number = None


class Sponsorship(_Part):
    sponsor: Text = None
    amount: Number = None


class Promotion(_Part):
    name: Text = None
    discount_amount: Number = None
    sponsorships: tuple[Sponsorship, ...] | None = None


class Line(_Part):
    id: Text = Field(default=None, alias="_id")
    sku: Text = None
    # One live client meets a bare string where the rest see an array (docs/platform.md 3.4).
    barcode: tuple[Annotated[str, Kind.TEXT], ...] | None = None
    name: Text = None
    pricing: Pricing | None = None
    original_pricing: Pricing | None = None
    status: Status = None
    replaced_id: Text = None
    instructions: Text = None
    discount: Number = None
    container_deposit: Number = None
    image_url: Text = None
    promotion: tuple[Promotion, ...] | None = None


class Discount(_Part):
    name: Text = None
    value: Number = None


class Payment(_Part):
    """Decimal major units; the sign of ``discount`` is not stable (docs/platform.md 3.5)."""

    sub_total: Number = None
    order_total: Number = None
    delivery_fee: Number = None
    service_fee: Number = None
    difference_to_minimum: Number = None
    container_charge: Number = None
    additional_fees: Container = None
    discount: Number = None
    discounts: tuple[Discount, ...] | None = None
    vouchers: Container = None
    total_taxes: Number = None
    collect_at_pickup: Number = None
    type: Text = None


class Cancellation(_Part):
    """``post_picked_up``: cancelled after the rider collected, so still a sale (docs/platform.md 3.6)."""

    reason: Text = None
    cancelled_by: Text = None
    post_picked_up: Flag = None


class Sys(_Part):
    created_at: Instant = None
    created_by: Text = None
    updated_at: Instant = None
    updated_by: Text = None
    webhook_status: Anything = None


class Order(_Part):
    """One observation of an order: the whole object with its status (docs/platform.md 3.1)."""

    order_id: Annotated[str, Kind.IDENTIFIER]
    external_order_id: Identifier = None
    order_code: Identifier = None
    status: Annotated[str, Kind.STATUS]
    order_type: Text = None
    transport_type: Text = None
    isPreorder: Flag = None  # noqa: N815 (the platform's own name)
    accepted_for: Instant = None
    promised_for: Instant = None
    comment: Text = None
    promotion_status: Text = None
    client: Client = Client()
    customer: Customer | None = None
    items: tuple[Line, ...] | None = None
    payment: Payment | None = None
    # One old copy of the specification shows a plain string (docs/platform.md 3.6).
    cancellation: Cancellation | Text = None
    sys: Sys = Sys()

    @property
    def occurred_at(self) -> datetime | None:
        """The platform's own clock: ``sys.updated_at``, else ``sys.created_at`` (docs/platform.md 3.7).

        An order is not changed more than 60 days after it was created (docs/platform.md 4.2), so such a time is none.
        """
        created_at, updated_at = self.sys.created_at, self.sys.updated_at
        if created_at and updated_at and updated_at - created_at > LONGEST_LIFE:
            return created_at
        return updated_at or created_at

    @property
    def post_picked_up(self) -> bool | None:
        return self.cancellation.post_picked_up if isinstance(self.cancellation, Cancellation) else None
