"""Versions: which one counts, and which are refused."""

from datetime import UTC, datetime, timedelta

import pytest

from partner_orders.catalogue.version import VersionError, stated_version, version_of_file
from tests.support.fixed_clock import NOW

STORED_AT = NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("in/GB-1/20261014T081500Z.csv", datetime(2026, 10, 14, 8, 15, tzinfo=UTC)),
        ("list_2026-10-14T08-15-30.csv", datetime(2026, 10, 14, 8, 15, 30, tzinfo=UTC)),
        ("list-20261014-0815.csv", datetime(2026, 10, 14, 8, 15, tzinfo=UTC)),
        ("20261013_0700-20261014_0815.csv", datetime(2026, 10, 14, 8, 15, tzinfo=UTC)),
        ("20261014T081500Z/list.csv", STORED_AT),
        ("in/20261014T081500Z/list.csv", STORED_AT),
        ("list.csv", STORED_AT),
        ("list-20261331-2559.csv", STORED_AT),
        ("5012345678900202610140815.csv", STORED_AT),
    ],
)
def test_version_of_a_file(name: str, expected: datetime) -> None:
    """The time in the file's own name counts, the last of several; else the time at which it was stored."""
    assert version_of_file(name, STORED_AT, NOW) == expected


def test_stated_version() -> None:
    """A column states a time with its offset, to the millisecond."""
    assert stated_version("2026-10-14T10:15:00.999456+02:00", NOW) == datetime(2026, 10, 14, 8, 15, 0, 999000, UTC)
    assert stated_version("2010-01-01T00:00:00Z", NOW) == datetime(2010, 1, 1, tzinfo=UTC)


NO_TIME = "use a time with its offset, such as 2026-10-14T08:15:00Z"
TOO_OLD = "2009-12-31T23:59:59+00:00 is before 2010; check the clock that wrote it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NO_TIME),
        ("yesterday", NO_TIME),
        ("2026-10-14", NO_TIME),
        ("2026-10-14T08:15:00", NO_TIME),
        ("2009-12-31T23:59:59Z", TOO_OLD),
    ],
)
def test_version_that_is_none(text: str, problem: str) -> None:
    """What is no time with an offset, or no time of a product, is refused with what to use."""
    with pytest.raises(VersionError) as refused:
        stated_version(text, NOW)
    assert str(refused.value) == problem


def test_version_ahead() -> None:
    """Ten minutes ahead is taken; more would let nothing newer win until then."""
    ahead = NOW + timedelta(minutes=10)
    assert stated_version(ahead.isoformat(), NOW) == ahead
    with pytest.raises(VersionError, match="more than 10 minutes ahead"):
        stated_version((ahead + timedelta(seconds=1)).isoformat(), NOW)


def test_local_time_in_a_name() -> None:
    """A name with a time ahead is refused with how that time was read; the time of an upload is not."""
    ahead = "2026-10-14T11:15:00+00:00 is more than 10 minutes ahead; check the clock that wrote it"
    in_utc = "The time in a file's name is read as UTC: name the file with its time in UTC, or without a time."
    with pytest.raises(VersionError) as refused:
        version_of_file("artikel_20261014_1115.csv", STORED_AT, NOW)
    assert str(refused.value) == f"{ahead}. {in_utc}"
    with pytest.raises(VersionError) as refused:
        version_of_file("artikel.csv", datetime(2026, 10, 14, 11, 15, tzinfo=UTC), NOW)
    assert str(refused.value) == ahead
