"""Whatever a message says, it is read as files of stores, as nothing, or as a problem with a reason."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.loader.file_event import (
    FileEvent,
    FileEvents,
    UnreadableMessageError,
    file_events,
    release_message,
)

BUCKET = "catalogue-files"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["Records", "eventSource", "eventName", "s3", "bucket", "object", "key", "name", "versionId"])


def record(quoted: Any, **changed: Any) -> dict[str, Any]:
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:CompleteMultipartUpload",
        "s3": {"bucket": {"name": BUCKET}, "object": {"key": quoted, "versionId": "v", "sequencer": "0A"}},
    } | changed


def events(*records: Any) -> FileEvents:
    return file_events(json.dumps({"Records": [*records]}), BUCKET)


@given(st.sampled_from(["lists", "changes"]), NAMES, NAMES)
@example("lists", "q7zk", "all of 1+1 stores.csv")
def test_keys(kind: str, store_id: str, name: str) -> None:
    """A key is what it was before S3 encoded it."""
    key = f"{kind}/{store_id}/{name}"
    assert events(record(quote_plus(key, safe="/"))).files == [FileEvent(store_id, key, "v")]
    assert FileEvent(store_id, key, "v").is_whole_list == (kind == "lists")
    assert file_events(release_message(store_id, key, "v"), BUCKET).files == [FileEvent(store_id, key, "v", True)]


@given(st.one_of(JSON, st.dictionaries(WORDS, JSON | st.dictionaries(WORDS, JSON, max_size=3), max_size=4)))
def test_anything(value: Any) -> None:
    """A message of any form names no file by chance, and breaks nothing."""
    for text in (json.dumps(value), json.dumps({"Records": [value]})):
        with suppress(UnreadableMessageError):
            assert file_events(text, BUCKET).files == []


@pytest.mark.parametrize(
    ("quoted", "problem"),
    [("lists/q7zk/%ff", "not UTF-8"), ("lists/q7zk/" + "a" * 800, "over 700 bytes"), (7, "not S3's")],
)
def test_bad_record_beside_a_good_one(quoted: Any, problem: str) -> None:
    """A record that cannot be read costs no other."""
    found = events(record(quoted), record("lists/q7zk/a.csv"))
    assert found.files == [FileEvent("q7zk", "lists/q7zk/a.csv", "v")]
    assert problem in found.problems[0]


def test_bucket_without_versions() -> None:
    """Where a bucket keeps no versions, the only one is read."""
    only = record("a", s3={"bucket": {"name": BUCKET}, "object": {"key": "lists/q7zk/a.csv"}})
    assert events(only).files == [FileEvent("q7zk", "lists/q7zk/a.csv", "null")]


@pytest.mark.parametrize("version_id", [7, "v" * 200, "\ud800"])
def test_bad_version_id(version_id: Any) -> None:
    """A version id that S3 never gives is refused."""
    content = {"key": "lists/q7zk/a.csv", "versionId": version_id}
    found = events(record("a", s3={"bucket": {"name": BUCKET}, "object": content}))
    assert (found.files, len(found.problems)) == ([], 1)
