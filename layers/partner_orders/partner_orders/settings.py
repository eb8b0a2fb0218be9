"""What each function reads from its environment; the template sets every one of these."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


class MissingSettingError(RuntimeError):
    """A variable that the template sets is missing or not what it should be."""


@dataclass(frozen=True)
class _Settings:
    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the fields of this class, in upper case. Raises MissingSettingError."""
        values: dict[str, str | int] = {}
        for setting in fields(cls):
            name = setting.name.upper()
            text = environment.get(name, "")
            if not text:
                raise MissingSettingError(f"the environment variable {name} is not set; template.yaml sets it")
            if setting.type is int and not text.isdecimal():
                raise MissingSettingError(f"the environment variable {name} should be a whole number")
            values[setting.name] = int(text) if setting.type is int else text
        return cls(**values)


@dataclass(frozen=True)
class WebhookSettings(_Settings):
    order_events_queue_url: str
    webhook_secret_arn: str


@dataclass(frozen=True)
class ConsumerSettings(_Settings):
    orders_table_name: str
    order_events_queue_url: str
    chain_id: str
    order_retention_days: int
    rejected_retention_days: int


@dataclass(frozen=True)
class ReconcilerSettings(_Settings):
    orders_table_name: str
    order_events_queue_url: str
    partner_api_secret_arn: str
    partner_api_base_url: str
    chain_id: str
    rate_limit_per_minute: int
    order_retention_days: int


@dataclass(frozen=True)
class PublisherSettings(_Settings):
    """``publish_personal_data`` is ``true`` or ``false``."""

    orders_table_name: str
    event_bus_name: str
    publisher_dead_letters_url: str
    publish_personal_data: str
