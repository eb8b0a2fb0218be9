"""What is stored stays readable, both ways: rows and messages of each release by this version, and those of this
version by the release, to which a stack may be rolled back."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support import released
from tests.support.orders_table import TABLE
from tests.support.released import MESSAGES, READ, json_of, releases, rows_of

EACH_RELEASE = pytest.mark.parametrize("release", releases(), ids=lambda release: release.name)

type Row = dict[str, Any]


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What was read of the release's rows and is not now. Fields may be added."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{path}.{name} is not read any more"
            else:
                yield from lost(value, after[name], f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif before != after:
        yield f"{path} was {before}, and is {after}"


def changed(before: Row, after: Row, path: str) -> Iterator[str]:
    """What the release would miss in a row of this version. Attributes may be added; those of the release stay, with
    their types."""
    for name, value in before.items():
        [(kind, content)] = value.items()
        place = f"{path} {name}"
        if name not in after:
            yield f"{place} is not written any more"
        elif kind not in after[name]:
            yield f"{place} was of the type {kind}, and is of {[*after[name]]}"
        elif kind == "M":
            yield from changed(content, after[name][kind], place)


def by_key(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """Rows by their keys; a change's ends with digits of chance."""
    return {(row["pk"]["S"], re.sub(r"Z#[0-9a-f]{8}$", "Z#", row["sk"]["S"])): row for row in rows}


def test_present_version_has_its_folder() -> None:
    """A release adds its folder: .venv/bin/python -m tests.support.released."""
    assert version("partner-orders") in {release.name for release in releases()}


@EACH_RELEASE
def test_rows_of_a_release_are_read(release: Path) -> None:
    """This version reads of a release's rows and messages at least what the release read of them."""
    now = released.read(rows_of(release), json_of(release, MESSAGES))
    assert [*lost(json_of(release, READ), now)] == []


@EACH_RELEASE
def test_release_could_read_our_rows(release: Path) -> None:
    """A row that this version writes has every attribute that the release wrote, of the same type."""
    ours, problems = released.written(), []
    for table, rows in rows_of(release).items():
        written = by_key(ours[table])
        for key, row in by_key(rows).items():
            if key not in written:
                problems.append(f"{table}: no row {key} is written any more")
            else:
                problems += changed(row, written[key], f"{table} {key}:")
    assert problems == []


@EACH_RELEASE
def test_release_could_read_our_messages(release: Path) -> None:
    """A message of this version has the envelope of the release with the same schema version, or the release would
    reject it, and the body within is packed in the same way."""
    ours = released.messages()
    for name, text in json_of(release, MESSAGES).items():
        theirs, envelope = json.loads(text), json.loads(ours[name])
        assert {key: envelope.get(key) for key in theirs if key != "body"} == {
            key: value for key, value in theirs.items() if key != "body"
        }
        packed, expected = (base64.b64decode(it["body"]) for it in (envelope, theirs))
        assert zlib.decompress(packed) == zlib.decompress(expected)


def test_samples_have_each_kind_of_row() -> None:
    """The samples have a row of each kind that is worth keeping across releases."""
    rows = released.written()
    orders, catalogue = rows[TABLE], rows[released.CATALOGUE]
    kinds = {key[1].partition("#")[0] for key in by_key(orders)}
    assert kinds >= {
        "ORDER",
        "EVENT",
        "ANSWERS",
        "REJECTED",
        "STORE",
        "ALIAS",
        "LEASE",
        "POSITION",
        "BACKFILL",
        "REPORT",
    }
    assert {key[0].partition("#")[0] for key in by_key(orders)} >= {"ERASURES", "STORES"}
    partitions = {key[0].partition("#")[0] for key in by_key(catalogue)}
    expected = {"STORE", "STORES", "CHANGES", "JOBS", "JOB", "FILES", "HELD", "DRIFT", "STATUSES", "PROMOTIONS"}
    assert partitions >= expected | {"PROMOTION_WISHES", "UPLOADS"}


@pytest.mark.parametrize(
    ("before", "after", "problems"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {}, [".a is not read any more"]),
        ({"a": [1]}, {"a": [2]}, [".a[0] was 1, and is 2"]),
        ({"a": [1]}, {"a": [1, 2]}, [".a was [1], and is [1, 2]"]),
    ],
)
def test_lost_fields_are_named(before: Any, after: Any, problems: list[str]) -> None:
    """The comparison names what is not read any more, and lets fields be added."""
    assert [*lost(before, after)] == problems


@pytest.mark.parametrize(
    ("after", "problems"),
    [
        ({"a": {"M": {"b": {"S": "2"}}}, "c": {"N": "1"}}, []),
        ({}, ["row a is not written any more"]),
        ({"a": {"S": ""}}, ["row a was of the type M, and is of ['S']"]),
        ({"a": {"M": {"b": {"N": "1"}}}}, ["row a b was of the type S, and is of ['N']"]),
    ],
)
def test_changed_attributes_are_named(after: Row, problems: list[str]) -> None:
    """The comparison names attributes that are gone or of another type, also within maps."""
    assert [*changed({"a": {"M": {"b": {"S": "1"}}}}, after, "row")] == problems


def test_every_row_says_the_version_of_its_form() -> None:
    """Whatever kind of row it is, in whichever table, it has a schema_version."""
    unsaid = {
        (table, key["pk"]["S"], key["sk"]["S"])
        for table, rows in released.written().items()
        for key in rows
        if "schema_version" not in key
    }
    assert unsaid == set()
