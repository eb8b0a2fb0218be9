"""Promotions for tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, body_of, digest_of, ended
from partner_orders.promotions.wish import Wish

NOW = datetime(2026, 5, 6, 10, tzinfo=UTC)
STORE = "s0"


def promotion(
    name: str = "Dairy week",
    vendors: tuple[str, ...] = (STORE,),
    skus: tuple[str, ...] = ("KW-1", "KW-2"),
    price: str = "2.95",
    starts: datetime = NOW,
    ends: datetime = NOW + timedelta(days=3),
) -> Promotion:
    discounts = (Discount(skus, Subtype.FINAL_PRICE, Decimal(price)),)
    return Promotion(vendors, Kind.STRIKETHROUGH, "TRADING", {"en_PK": name}, starts, ends, discounts)


def wish_of(
    promoted: Promotion, at: datetime = NOW, not_before: datetime | None = None, after: str = ""
) -> Callable[[int], Wish]:
    """A wish of a promotion, which ends it where it is not active."""
    digest = digest_of(body_of(promoted))
    return lambda number: Wish(
        number, digest, not promoted.is_active, "a person", "because", at, not_before=not_before, after=after
    )


def end_of(promoted: Promotion, at: datetime = NOW, not_before: datetime | None = None) -> Callable[[int], Wish]:
    return wish_of(ended(promoted), at, not_before)


class BucketOfTest:
    """A bucket of S3 in this process, as far as bodies need one."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.before: Callable[[str], None] = lambda _call: None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> Any:  # noqa: ARG002, N803
        self.before("PutObject")
        self.objects[f"{Bucket}/{Key}"] = Body

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803

        self.before("GetObject")
        content = self.objects.get(f"{Bucket}/{Key}")
        if content is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(content)}
