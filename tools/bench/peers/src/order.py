"""The order as the platform sends it, as a Powertools parser model. Fields that it does not name are let through."""

from decimal import Decimal

from aws_lambda_powertools.utilities.parser import BaseModel
from pydantic import ConfigDict


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")


class Client(Model):
    id: str | None = None
    name: str | None = None
    chain_id: str
    country_code: str | None = None
    store_id: str
    external_partner_config_id: str | None = None


class Address(Model):
    country: str | None = None
    city: str | None = None
    street: str | None = None
    number: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    zipcode: str | None = None
    instructions: str | None = None


class Customer(Model):
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    delivery_address: Address | None = None


class Pricing(Model):
    pricing_type: str | None = None
    unit_price: Decimal | None = None
    total_price: Decimal | None = None
    quantity: Decimal | None = None
    weight: Decimal | None = None


class Item(Model):
    sku: str | None = None
    name: str | None = None
    barcode: list[str] | None = None
    status: str | None = None
    pricing: Pricing | None = None
    original_pricing: Pricing | None = None


class Payment(Model):
    sub_total: Decimal | None = None
    order_total: Decimal | None = None
    total_taxes: Decimal | None = None
    type: str | None = None


class Sys(Model):
    created_at: str
    updated_at: str | None = None


class Order(Model):
    order_id: str
    external_order_id: str
    order_code: str
    status: str
    order_type: str | None = None
    transport_type: str | None = None
    promised_for: str | None = None
    comment: str | None = None
    client: Client
    customer: Customer | None = None
    items: list[Item]
    payment: Payment | None = None
    sys: Sys
