"""What the gateway to DynamoDB asks gets the same from the simulated DynamoDB, moto and DynamoDB Local."""

from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.aws.dynamodb import BY_TIME, WHOLE_PARTITION, ConditionFailedError, Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, absent, all_of, any_of, at_most, equals, less, present
from tests.support.contracts import FAKE, LOCAL, MOTO
from tests.support.orders_table import TABLE

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("dynamodb", [FAKE, MOTO, LOCAL], indirect=True)]

KEY = Key("p", "s")


@pytest.fixture
def table(dynamodb: Any) -> Table:
    return Table(dynamodb, TABLE)


def test_updates(table: Table) -> None:
    """Values are set, kept, counted, set within a map and removed in one write, by what was there before it."""
    table.put(KEY, {"count": 4, "gone": "x", "map": {"a": 1, "b": [1, "two"]}, "bytes": b"\0\xff", "flag": True})
    update = Update().increment("count", 2).increment("runs").default("gone", "y").default("new", "z")
    update.set_to_next("next", of="count").set_in(("map", "a"), 2).remove("map", "b").remove("bytes")
    row = table.update(KEY, update, returned="ALL_NEW")
    assert row == {
        "pk": "p", "sk": "s", "count": 6, "gone": "x", "map": {"a": 2}, "flag": True, "runs": 1, "new": "z", "next": 5,
    }  # fmt: skip
    assert table.update(KEY, Update().set("count", 7).set("gone", "x"), returned="UPDATED_OLD")["count"] == 6
    assert table.get(KEY) == row | {"count": 7}
    table.delete(KEY)
    assert table.get(KEY) is None
    assert table.update(KEY, Update().set("a", 1), returned="ALL_OLD") == {}


def test_conditions(table: Table) -> None:
    """A write whose condition does not hold changes nothing, and shows the row that is there if it is asked to."""
    table.put(KEY, {"number": 10, "text": "b"})
    holding = [
        absent("other"),
        present("text"),
        equals("number", 10),
        less("number", 11),
        less("text", "ba"),
        at_most("number", 10),
        any_of(equals("text", "a"), less("number", 100)),
        all_of(present("text"), any_of(absent("other"), present("pk"))),
    ]
    failing = [present("other"), less("number", 9), equals("text", "B"), less("other", 5)]
    for number, condition in enumerate(holding):
        table.update(KEY, Update().set("step", number).only_if(condition))
    for condition in failing:
        with pytest.raises(ConditionFailedError) as failure:
            table.update(KEY, Update().set("step", -1).only_if(condition), row_on_failure=True)
        assert failure.value.row == {"pk": "p", "sk": "s", "number": 10, "text": "b", "step": len(holding) - 1}
    with pytest.raises(ConditionFailedError) as failure:
        table.put(KEY, {}, absent("pk"))
    assert failure.value.row is None
    table.put_new(KEY, {"text": "another"})
    assert table.get(KEY) == {"pk": "p", "sk": "s", "number": 10, "text": "b", "step": len(holding) - 1}


def test_queries(table: Table) -> None:
    """Rows come in the order of the bytes of their sort keys, by range and prefix, in either direction, up to a
    number."""
    names = ["a", "a#1", "a#2", "B", "ä", "\U0001f600", "\uffff", "b"]
    for name in names:
        table.put(Key("q", name), {"name": name})
    table.put(Key("other", "a"), {})
    in_order = sorted(names, key=str.encode)

    def found(sort: Range = WHOLE_PARTITION, **options: Any) -> list[str]:
        return [row["sk"] for row in table.query("q", sort, **options)]

    assert found() == in_order
    assert found(newest_first=True, consistent=True) == in_order[::-1]
    assert found(Range(prefix="a#")) == ["a#1", "a#2"]
    assert found(Range(first="a#1")) == in_order[in_order.index("a#1") :]
    assert found(Range(first="a", last="a#1")) == ["a", "a#1"]
    assert [found(limit=most) for most in (1, 3, 99)] == [in_order[:1], in_order[:3], in_order]
    assert [*table.query("empty")] == []


def test_large_partitions_come_in_pages(table: Table) -> None:
    """A partition of more than 1 MiB is read whole."""
    for number in range(5):
        table.put(Key("large", str(number)), {"text": "x" * 300_000})
    assert [row["sk"] for row in table.query("large")] == ["0", "1", "2", "3", "4"]


def test_many_keys(table: Table) -> None:
    """Any number of rows is read by their keys; those that are not there are left out."""
    for number in range(120):
        table.put(Key("many", str(number)), {})
    wanted = [Key("many", str(number)) for number in range(0, 240, 2)]
    assert {row["sk"] for row in table.get_many(wanted, consistent=True)} == {str(n) for n in range(0, 120, 2)}


def test_attributes(table: Table) -> None:
    """Of rows that are read by their keys, only the named attributes come."""
    table.put(Key("many", "1"), {"status": "RECEIVED", "other": 1})
    table.put(Key("many", "2"), {"other": 2})
    wanted = [Key("many", str(number)) for number in (1, 2, 3)]
    rows = sorted(table.get_many(wanted, attributes=["sk", "status"]), key=str)
    assert rows == [{"sk": "1", "status": "RECEIVED"}, {"sk": "2"}]


@pytest.fixture
def indexed(table: Table) -> Table:
    """Thirty rows of three partitions of an index, and one that is not in the index."""
    for number in range(30):
        listed = {"listed_under": f"STORE#{number % 3}", "listed_at": f"{number // 6:02d}", "other": "x"}
        table.put(Key(f"p{number}", "s"), listed)
    table.put(Key("p30", "s"), {"listed_at": "01"})
    return table


def test_index(indexed: Table) -> None:
    """An index holds the keys of the rows that have its attributes, in the order of its sort key, page by page."""

    def found(sort: Range = WHOLE_PARTITION, **options: Any) -> list[str]:
        return [row["pk"] for row in indexed.query("STORE#1", sort, BY_TIME, **options)]

    assert {*next(indexed.query("STORE#1", index=BY_TIME))} == {"pk", "sk", "listed_under", "listed_at"}
    times = [row["listed_at"] for row in indexed.query("STORE#1", index=BY_TIME, page_size=3)]
    assert times == sorted(times)
    assert sorted(found(page_size=3)) == sorted(f"p{number}" for number in range(1, 30, 3))
    assert sorted(found(page_size=3, newest_first=True)) == sorted(found())
    for sort in (Range("01", "02"), Range(first="03"), Range(last="01"), Range(prefix="0"), WHOLE_PARTITION):
        listed = indexed.listed("STORE#1", BY_TIME, 99, sort)
        assert [row["listed_at"] for row in listed] == [
            row["listed_at"] for row in indexed.query("STORE#1", sort, BY_TIME)
        ]
    assert {*found(Range("01", "02"))} == {"p7", "p10", "p13", "p16"}
    assert {*found(limit=2)} == {"p1", "p4"}
    assert indexed.count("STORE#1", BY_TIME) == 10
    first = indexed.first("STORE#2", Range(first="03"), BY_TIME, newest_first=True)
    assert first is not None
    assert first["pk"] in {"p26", "p29"}


def test_scanned_index(indexed: Table) -> None:
    """The partitions of an index are found by the beginnings of their names; its rows are those of all of them."""
    assert indexed.index_partitions(BY_TIME, "STORE#", WHOLE_PARTITION) == {"STORE#0", "STORE#1", "STORE#2"}
    assert indexed.index_partitions(BY_TIME, "STORE#2", WHOLE_PARTITION) == {"STORE#2"}
    assert indexed.index_partitions(BY_TIME, "STORE#", Range(last="00")) == {"STORE#0", "STORE#1", "STORE#2"}
    rows = [*indexed.index_rows(BY_TIME)]
    assert {row["pk"] for row in rows} == {f"p{number}" for number in range(30)}
    assert {*rows[0]} == {"pk", "sk", "listed_under", "listed_at"}


def test_scan(table: Table) -> None:
    """A table of several pages is read to its end, although each page is deleted before the next is read."""
    for number in range(12):
        table.put(Key(f"p{number}", "s"), {"text": "x" * 300_000})
    pages: list[list[str]] = []
    after: dict[str, str] = {}
    while not pages or after:
        rows, after = table.scan_page(after)
        pages.append([row["pk"] for row in rows])
        table.delete_many(Key(row["pk"], row["sk"]) for row in rows)
    assert len(pages) > 1
    assert sorted(chain(*pages)) == sorted(f"p{number}" for number in range(12))
    assert table.scan_page() == ([], {})


@pytest.mark.parametrize(("partition", "options"), [("", {}), ("STORE#1", {"consistent": True})])
def test_refused_queries(table: Table, partition: str, options: dict[str, Any]) -> None:
    """An empty key, and a consistent read of an index, are refused."""
    with pytest.raises(ClientError, match="ValidationException"):
        [*table.query(partition, index=BY_TIME, **options)]


def overlapping() -> Update:
    return Update().set("a", 1).remove("a")


def of_nothing() -> Update:
    return Update().set_to_next("a", of="not there")


def too_large() -> Update:
    return Update().set("a", "x" * 410_000)


@pytest.mark.parametrize("update", [overlapping, of_nothing, too_large, Update], ids=lambda made: made.__name__)
def test_refused_updates(table: Table, update: Any) -> None:
    """What DynamoDB refuses is refused."""
    with pytest.raises(ClientError, match="ValidationException"):
        table.update(KEY, update())


def test_many_deletions(table: Table) -> None:
    """More rows than fit in one request are deleted; those that are not there do no harm, and others stay."""
    for number in range(60):
        table.put(Key("many", str(number)), {})
    table.delete_many(Key("many", str(number)) for number in range(1, 70))
    assert [row["sk"] for row in table.query("many", consistent=True)] == ["0"]


def test_refused_requests(dynamodb: Any) -> None:
    """Placeholders that nobody uses, and keys that come twice, are refused."""
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET #0 = :0",
            ExpressionAttributeNames={"#0": "a", "#1": "b"},
            ExpressionAttributeValues={":0": {"S": "x"}},
        )
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [key, key]}})
