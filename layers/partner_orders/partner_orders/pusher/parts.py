"""What both functions that send are made of: the platform's client within the request budget, tables and outcomes."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from partner_orders.aws import clients
from partner_orders.aws.event_bus import EventBus
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.store_settings import KnownSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import PassedSeconds, now
from partner_orders.platform.budgeted_requests import RequestBudgetTable
from partner_orders.platform.catalogue import PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.promotions import PlatformPromotions
from partner_orders.platform.request_budget import Share
from partner_orders.platform.session import platform_session
from partner_orders.platform.store_status import PlatformStoreStatus
from partner_orders.promotions.bodies import Bodies, Bucket
from partner_orders.promotions.table import PromotionsTable
from partner_orders.pusher.patience import PatientRequests
from partner_orders.pusher.promotion_events import PromotionEvents
from partner_orders.pusher.promotions import Promotions
from partner_orders.pusher.pushing import Pusher
from partner_orders.pusher.refusals import Refusals
from partner_orders.pusher.status_events import StatusEvents
from partner_orders.pusher.statuses import Statuses
from partner_orders.settings import Settings
from partner_orders.store_status.table import StatusesTable

WRITERS = 16
AWS_CALLS = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=WRITERS,
    # The SDK's check of what we send is a part of a line's work; the tests have it on.
    parameter_validation=False,
)
# In one event's life the bus waits for nobody.
BUS_CALLS = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})


@dataclass(frozen=True, kw_only=True)
class SenderSettings(Settings):
    """Of both functions. ``event_bus_name`` may be empty."""

    catalogue_table_name: str
    request_budget_table_name: str
    partner_api_secret_arn: str
    partner_api_base_url: str
    chain_id: str
    rate_limit_per_minute: int
    cap_field: str
    event_bus_name: str = ""


@dataclass(frozen=True)
class Parts:
    """What a function that sends has."""

    dynamodb: Any
    tables: Tables
    known: KnownSettings
    client: PartnerApiClient
    platform: PlatformCatalogue
    refusals: Refusals
    outcomes: Outcomes
    pusher: Pusher


def parts(settings: SenderSettings, executor: Executor, job_lines: int) -> Parts:
    """The parts of a function, by its settings."""
    dynamodb = clients.client("dynamodb", AWS_CALLS)
    tables = Tables.named(dynamodb, settings.catalogue_table_name)
    known = KnownSettings(tables.settings)
    client = _client(settings, dynamodb, Share.CATALOGUE)
    platform = PlatformCatalogue(client, settings.chain_id, settings.cap_field)
    refusals = Refusals(_bus(settings))
    outcomes = Outcomes(tables, now, known.margins, executor, refusals.tell)
    pusher = Pusher(platform, tables, outcomes, now, known.margins, job_lines)
    return Parts(dynamodb, tables, known, client, platform, refusals, outcomes, pusher)


@dataclass(frozen=True)
class StatusParts:
    """What sees to the stores' status. Its client has a share of the request budget of its own."""

    client: PartnerApiClient
    statuses: Statuses
    events: StatusEvents


def status_parts(settings: SenderSettings, made: Parts, seconds: Callable[[], float], checks_in: bool) -> StatusParts:
    """The same of the stores' status; ``seconds`` is a clock as PassedSeconds is."""
    client = _client(settings, made.dynamodb, Share.STORE_STATUS)
    table = StatusesTable(made.dynamodb, settings.catalogue_table_name)
    platform, events = PlatformStoreStatus(client, settings.chain_id), StatusEvents(_bus(settings))
    return StatusParts(client, Statuses(table, platform, events, seconds, checks_in), events)


@dataclass(frozen=True)
class PromotionParts:
    """What sees to promotions. Its client has the catalogue's share of the request budget, and time of its own."""

    client: PartnerApiClient
    promotions: Promotions
    events: PromotionEvents


def promotion_parts(
    settings: SenderSettings, made: Parts, seconds: Callable[[], float], s3: Bucket, bucket_name: str
) -> PromotionParts:
    """The same of promotions, whose bodies are in a bucket; ``seconds`` is a clock as PassedSeconds is."""
    client = _client(settings, made.dynamodb, Share.CATALOGUE)
    table, bodies = PromotionsTable(made.dynamodb, settings.catalogue_table_name), Bodies(s3, bucket_name)
    platform, events = PlatformPromotions(client, settings.chain_id), PromotionEvents(_bus(settings))
    return PromotionParts(client, Promotions(table, bodies, platform, events, seconds), events)


def _client(settings: SenderSettings, dynamodb: Any, share: Share) -> PartnerApiClient:
    budget = RequestBudgetTable(dynamodb, settings.request_budget_table_name, settings.rate_limit_per_minute)
    # One at a time: a permit that is not used within seconds is lost to others.
    limit = PatientRequests(budget, share, 1, PassedSeconds(), time.sleep)
    session, base_url = platform_session(), settings.partner_api_base_url
    secrets = clients.client("secretsmanager", AWS_CALLS)
    credentials = PartnerApiCredentials(secrets, settings.partner_api_secret_arn, base_url.rstrip("/"), session, limit)
    return PartnerApiClient(base_url, credentials, session, limit, now, time.sleep)


def _bus(settings: SenderSettings) -> EventBus | None:
    name = settings.event_bus_name
    return EventBus(clients.client("events", BUS_CALLS), name) if name else None
