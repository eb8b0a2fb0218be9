"""The gateway against DynamoDB: moto's, and Amazon's own emulator where it can run."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import MAX_KEYS, UNPROCESSED_PAUSES, ConditionFailedError, Index, Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, at_most, equals, less, present
from tests.support.orders_table import TABLE, Calls
from tests.support.template import TEMPLATE, table_of_the_template
from tools.simulation import dynamodb_local

NO_RANGE = Range()
BY_TIME = Index(keys.BY_TIME, "listed_under", "listed_at")
BY_EXTERNAL_ORDER_ID = Index(keys.BY_EXTERNAL_ORDER_ID, "external_order_id", "")
ORDER = keys.order("o-1")
NEEDS_DYNAMODB_LOCAL = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java"),
]
EVERY_KIND: dict[str, Any] = {
    "text": "Khayaban-e-Saadi ﷺ",
    "empty": "",
    "zero": 0,
    "negative": -12,
    "money": Decimal("669.05"),
    "yes": True,
    "no": False,
    "bytes": b"\x00\xff",
    "no_bytes": b"",
    "nothing": None,
    "list": ["a", 0, None, ["b"]],
    "empty_list": [],
    "map": {"status": "RECEIVED", "body": b"x", "inner": {"zero": 0}},
    "empty_map": {},
}


@pytest.fixture(scope="module", params=["moto", pytest.param("dynamodb-local", marks=NEEDS_DYNAMODB_LOCAL)])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client with no retries of its own."""
    if request.param == "moto":
        with mock_aws():
            yield boto3.client("dynamodb")
    else:
        with dynamodb_local.started() as url:
            yield boto3.client("dynamodb", endpoint_url=url)


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return table_of_the_template(TEMPLATE)


@pytest.fixture
def dynamodb(client: Any, definition: dict[str, Any]) -> Iterator[Any]:
    client.create_table(TableName=TABLE, **definition)
    yield client
    client.delete_table(TableName=TABLE)


@pytest.fixture
def table(dynamodb: Any) -> Table:
    return Table(dynamodb, TABLE)


def put_listed(table: Table, count: int) -> None:
    """Orders o-0, o-1, ... of one store, a minute apart."""
    for number in range(count):
        row = {"listed_under": "STORE#s-1", "listed_at": f"08:{number:02d}", "external_order_id": f"x-{number}"}
        table.put(keys.order(f"o-{number}"), row)


def times(rows: Iterator[dict[str, Any]]) -> list[str]:
    return [row["listed_at"] for row in rows]


# -- rows -----------------------------------------------------------------------------------------------------------


def test_row_comes_back_as_it_was_put(table: Table) -> None:
    """A row with every kind of value comes back with the same values and types."""
    table.put(ORDER, EVERY_KIND)
    row = table.get(ORDER)
    assert row == EVERY_KIND | {"pk": ORDER.pk, "sk": ORDER.sk}
    assert {name: type(value) for name, value in row.items() if name in EVERY_KIND} == {
        name: type(value) for name, value in EVERY_KIND.items()
    }


def test_stored_format_is_the_documented_one(table: Table, dynamodb: Any) -> None:
    """The stored format is DynamoDB's own, as documented."""
    table.put(ORDER, {"version": 0, "e#1": {"body": b"x", "redacted": True}})
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "ORDER#o-1"}, "sk": {"S": "ORDER"}})["Item"]
    assert item == {
        "pk": {"S": "ORDER#o-1"},
        "sk": {"S": "ORDER"},
        "version": {"N": "0"},
        "e#1": {"M": {"body": {"B": b"x"}, "redacted": {"BOOL": True}}},
    }


def test_row_that_does_not_exist_is_none(table: Table) -> None:
    """A row that does not exist is None."""
    assert table.get(ORDER) is None
    assert table.get(ORDER, consistent=False) is None


def test_put_row_has_the_key_it_was_put_by(table: Table) -> None:
    """A row is put under the given key, even if it was read under another one and still holds that."""
    table.put(ORDER, {"status": "A"})
    row = table.get(ORDER)
    assert row is not None
    table.put(keys.order("o-2"), row)
    assert table.get(keys.order("o-2")) == {"pk": "ORDER#o-2", "sk": "ORDER", "status": "A"}


def test_put_replaces_the_whole_row(table: Table) -> None:
    """A put replaces the whole row."""
    table.put(ORDER, {"a": 1, "b": 2})
    table.put(ORDER, {"a": 0})
    assert table.get(ORDER) == {"pk": ORDER.pk, "sk": ORDER.sk, "a": 0}


def test_put_new_leaves_an_existing_row(table: Table) -> None:
    """A put of a new row leaves an existing one unchanged."""
    table.put_new(ORDER, {"a": 1})
    table.put_new(ORDER, {"a": 2})
    assert (table.get(ORDER) or {})["a"] == 1


def test_deleted_row_is_gone(table: Table) -> None:
    """A deleted row is gone, and deleting it again is not an error."""
    table.put(ORDER, {})
    table.delete(ORDER)
    table.delete(ORDER)
    assert table.get(ORDER) is None


def test_each_method_is_one_request(table: Table, dynamodb: Any) -> None:
    """Each method takes one request."""
    calls = Calls(dynamodb)
    table.put(ORDER, {})
    table.put_new(ORDER, {})
    table.update(ORDER, Update().increment("version"))
    table.get(ORDER)
    [*table.get_many([ORDER])]
    [*table.query(ORDER.pk)]
    table.first(ORDER.pk, NO_RANGE, Index(None, "pk", "sk"))
    table.scan_page()
    table.index_partitions(BY_TIME, "STORE#", NO_RANGE)
    table.delete(ORDER)
    requests = ["PutItem"] * 2 + ["UpdateItem", "GetItem", "BatchGetItem", "Query", "Query", "Scan", "Scan"]
    assert calls.made == [*requests, "DeleteItem"]


# -- many rows ------------------------------------------------------------------------------------------------------


def test_rows_are_read_in_hundreds(table: Table, dynamodb: Any) -> None:
    """Many rows are read a hundred at a time."""
    put_listed(table, 3)
    calls = Calls(dynamodb)
    rows = [*table.get_many(keys.order(f"o-{number}") for number in range(2 * MAX_KEYS + 1))]
    assert sorted(row["pk"] for row in rows) == ["ORDER#o-0", "ORDER#o-1", "ORDER#o-2"]
    assert calls.made == ["BatchGetItem"] * 3


def test_named_attributes_are_read_alone(table: Table) -> None:
    """Of many rows only the named attributes are read, also those with a reserved word as their name."""
    table.put(ORDER, {"status": "RECEIVED", "order_code": "0417"})
    table.put(keys.order("o-2"), {"order_code": "0418"})
    rows = [*table.get_many([ORDER, keys.order("o-2")], attributes=("pk", "status"))]
    assert sorted(rows, key=len) == [{"pk": "ORDER#o-2"}, {"pk": ORDER.pk, "status": "RECEIVED"}]


def test_no_keys_are_no_request(table: Table, dynamodb: Any) -> None:
    """Reading no keys makes no request."""
    calls = Calls(dynamodb)
    assert [*table.get_many([])] == []
    assert calls.made == []


class Unprocessing:
    """DynamoDB that reads only the first key of each request, and none of the first ``idle`` requests."""

    def __init__(self, client: Any, idle: int = 0) -> None:
        self._client = client
        self._idle = idle
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        wanted = RequestItems[TABLE]["Keys"]
        self.asked.append(len(wanted))
        read = wanted[:1] if len(self.asked) > self._idle else []
        left = wanted[len(read) :]
        response: dict[str, Any] = {"Responses": {}}
        if read:
            response = self._client.batch_get_item(RequestItems={TABLE: {"Keys": read}})
        return response | {"UnprocessedKeys": {TABLE: {"Keys": left}} if left else {}}


def test_unprocessed_keys_are_retried(table: Table, dynamodb: Any) -> None:
    """Keys that DynamoDB leaves unprocessed are requested again, after growing pauses."""
    put_listed(table, 3)
    client, pauses = Unprocessing(dynamodb), list[float]()
    rows = Table(cast("Any", client), TABLE, pauses.append).get_many(keys.order(f"o-{number}") for number in range(3))
    assert sorted(row["pk"] for row in rows) == ["ORDER#o-0", "ORDER#o-1", "ORDER#o-2"]
    assert client.asked == [3, 2, 1]
    assert pauses == [*UNPROCESSED_PAUSES[:2]]


def test_unprocessed_keys_end_as_throttling(dynamodb: Any) -> None:
    """Keys that stay unprocessed after all pauses are reported as throttling."""
    client, pauses = Unprocessing(dynamodb, idle=1_000), list[float]()
    with pytest.raises(ClientError) as raised:
        [*Table(cast("Any", client), TABLE, pauses.append).get_many([ORDER])]
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert raised.value.operation_name == "BatchGetItem"
    assert client.asked == [1] * (len(UNPROCESSED_PAUSES) + 1)
    assert pauses == [*UNPROCESSED_PAUSES]


# -- queries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "minutes"),
    [
        (Range(), [0, 1, 2, 3, 4]),
        (Range("08:01", "08:03"), [1, 2, 3]),
        (Range("08:03"), [3, 4]),
        (Range(last="08:01"), [0, 1]),
        (Range("08:02", "08:02"), [2]),
        (Range(prefix="08:0"), [0, 1, 2, 3, 4]),
        (Range(prefix="09"), []),
    ],
)
def test_range_includes_its_bounds(table: Table, sort: Range, minutes: list[int]) -> None:
    """A range includes its bounds, in either direction."""
    put_listed(table, 5)
    expected = [f"08:{minute:02d}" for minute in minutes]
    assert times(table.query("STORE#s-1", sort, BY_TIME)) == expected
    assert times(table.query("STORE#s-1", sort, BY_TIME, newest_first=True)) == expected[::-1]
    assert times(table.listed("STORE#s-1", BY_TIME, 9, sort)) == expected
    assert times(table.listed("STORE#s-1", BY_TIME, 9, sort, newest_first=True)) == expected[::-1]
    for newest_first, ends in ((False, expected[:1]), (True, expected[-1:])):
        row = table.first("STORE#s-1", sort, BY_TIME, newest_first)
        assert ([row["listed_at"]] if row else []) == ends


def test_query_reads_one_partition_in_order(table: Table) -> None:
    """A query of the table reads one partition, ordered by sort key."""
    for key in (ORDER, keys.order_event("o-1", "b"), keys.order_event("o-1", "a"), keys.order("o-2")):
        table.put(key, {})
    rows = table.query(keys.order_partition("o-1"), consistent=True)
    assert [row["sk"] for row in rows] == ["EVENT#a", "EVENT#b", "ORDER"]
    rows = table.query(keys.order_partition("o-1"), Range(prefix=keys.EVENT))
    assert [row["sk"] for row in rows] == ["EVENT#a", "EVENT#b"]


def test_index_without_a_sort_key_is_queried(table: Table) -> None:
    """An index without a sort key can be queried."""
    put_listed(table, 3)
    assert [row["pk"] for row in table.query("x-1", index=BY_EXTERNAL_ORDER_ID)] == ["ORDER#o-1"]


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (1, 1), (2, 2), (9, 5), (None, 5)])
def test_limit_is_a_number_of_rows(table: Table, limit: int | None, count: int) -> None:
    """A limit is a number of rows."""
    put_listed(table, 5)
    rows = table.query("STORE#s-1", index=BY_TIME, newest_first=True, limit=limit)
    assert times(rows) == [f"08:{minute:02d}" for minute in (4, 3, 2, 1, 0)][:count]
    if limit:
        assert times(table.listed("STORE#s-1", BY_TIME, limit)) == [f"08:{minute:02d}" for minute in range(5)][:count]


def test_first_of_nothing_is_none(table: Table) -> None:
    """The first row of an empty result is None."""
    assert table.first("STORE#s-1", NO_RANGE, BY_TIME) is None


def test_query_reads_every_page(table: Table, dynamodb: Any) -> None:
    """A query reads every page; a page is 1 MB."""
    for number in range(4):
        table.put(keys.order_event("o-1", str(number)), {"body": bytes(390_000)})
    calls = Calls(dynamodb)
    assert [row["sk"] for row in table.query(ORDER.pk)] == [f"EVENT#{number}" for number in range(4)]
    assert calls.made == ["Query", "Query"]


@pytest.mark.parametrize(
    ("sort", "stores"),
    [
        (Range("08:00", "08:01"), {"STORE#", "STORE#a"}),
        (Range("08:02"), {"STORE#b"}),
        (Range(last="08:00"), {"STORE#"}),
        (Range(), {"STORE#", "STORE#a", "STORE#b"}),
    ],
)
def test_index_partitions_are_named_once(table: Table, sort: Range, stores: set[str]) -> None:
    """The partitions of an index are named once, by their prefix and a range."""
    listed = [("STORE#", "08:00"), ("STORE#a", "08:01"), ("STORE#a", "08:01"), ("STORE#b", "08:02")]
    for number, (listed_under, listed_at) in enumerate([*listed, ("REJECTED", "08:01")]):
        table.put(keys.order(f"o-{number}"), {"listed_under": listed_under, "listed_at": listed_at})
    assert table.index_partitions(BY_TIME, "STORE#", sort) == stores


def test_scan_continues_after_the_last_key(table: Table) -> None:
    """A scan continues after the last key of the page before."""
    for number in range(4):
        table.put(keys.order_event("o-1", str(number)), {"body": bytes(390_000)})
    rows, after = table.scan_page()
    assert 0 < len(rows) < 4
    assert after == {"pk": rows[-1]["pk"], "sk": rows[-1]["sk"]}
    rest, end = table.scan_page(after)
    assert sorted(row["sk"] for row in [*rows, *rest]) == [f"EVENT#{number}" for number in range(4)]
    assert end == {}


def test_scan_of_an_empty_table_ends_at_once(table: Table) -> None:
    """A scan of an empty table ends at once."""
    assert table.scan_page() == ([], {})


# -- updates --------------------------------------------------------------------------------------------------------


def test_update_makes_a_row_if_missing(table: Table) -> None:
    """An update makes the row if it is missing."""
    assert table.update(ORDER, Update().set("status", "A").increment("version")) == {}
    assert table.get(ORDER) == {"pk": ORDER.pk, "sk": ORDER.sk, "status": "A", "version": 1}


def test_every_kind_of_value_can_be_set(table: Table) -> None:
    """Every kind of value can be set by an update."""
    update = Update()
    for name, value in EVERY_KIND.items():
        update.set(name, value)
    table.update(ORDER, update)
    assert table.get(ORDER) == EVERY_KIND | {"pk": ORDER.pk, "sk": ORDER.sk}


def test_default_does_not_replace_a_zero(table: Table) -> None:
    """A default does not replace a zero, an empty text or a false."""
    table.put(ORDER, {"zero": 0, "empty": "", "no": False})
    update = Update().default("zero", 1).default("empty", "x").default("no", value=True).default("new", 0)
    table.update(ORDER, update)
    row = {"pk": ORDER.pk, "sk": ORDER.sk, "zero": 0, "empty": "", "no": False, "new": 0}
    assert table.get(ORDER) == row


def test_increments_count_from_their_start(table: Table) -> None:
    """Increments count from their start value."""
    update = Update().increment("version").increment("bytes", -3, start=10).increment("none", 0)
    for _ in range(2):
        table.update(ORDER, update)
    row = table.get(ORDER) or {}
    assert (row["version"], row["bytes"], row["none"]) == (2, 4, 0)


def test_set_to_next_uses_the_old_number(table: Table) -> None:
    """Setting to the next number uses the number from before the update."""
    table.put(ORDER, {"sequence": 4})
    table.update(ORDER, Update().set_to_next("sequence", "sequence").set_to_next("republished", "sequence"))
    row = table.get(ORDER) or {}
    assert (row["sequence"], row["republished"]) == (5, 5)


def test_set_all_removes_none_but_no_zero(table: Table) -> None:
    """Setting many values removes those that are None and stores a zero."""
    table.put(ORDER, {"open": "OPEN", "count": 3, "paid": True})
    table.update(ORDER, Update().set_all({"open": None, "count": 0, "paid": False, "not_there": None}))
    assert table.get(ORDER) == {"pk": ORDER.pk, "sk": ORDER.sk, "count": 0, "paid": False}


def test_map_entry_is_removed_by_its_path(table: Table) -> None:
    """An entry of a map is removed by its path, whatever characters the map's name has."""
    table.put(ORDER, {"e#1.2": {"status": "A", "body": b"x"}, "e#2": {"body": b"y"}})
    table.update(ORDER, Update().remove("e#1.2", "body"))
    row = table.get(ORDER) or {}
    assert (row["e#1.2"], row["e#2"]) == ({"status": "A"}, {"body": b"y"})


def test_hundred_bodies_go_in_one_update(table: Table) -> None:
    """A hundred bodies are removed in one update."""
    names = [f"e#{number:032x}" for number in range(100)]
    table.put(ORDER, {"version": 1, "body_bytes": 100} | {name: {"status": "A", "body": b"x"} for name in names})
    update = Update().increment("body_bytes", -100).increment("version").only_if(equals("version", 1))
    for name in names:
        update.remove(name, "body")
    table.update(ORDER, update, row_on_failure=True)
    row = table.get(ORDER) or {}
    assert (row["version"], row["body_bytes"]) == (2, 0)
    assert all(row[name] == {"status": "A"} for name in names)


def test_reserved_words_are_usable_names(table: Table) -> None:
    """Reserved words can be used as names of attributes."""
    update = Update().set("status", "A").set("name", "B").default("values", 0).remove("open").increment("size")
    table.update(ORDER, update.only_if(absent("key")))
    row = table.get(ORDER) or {}
    assert (row["status"], row["name"], row["values"], row["size"]) == ("A", "B", 0, 1)


def test_update_returns_what_was_asked_for(table: Table) -> None:
    """An update returns what was asked for, and nothing by default."""
    table.put(ORDER, {"version": 0, "status": "A"})
    before = {"pk": ORDER.pk, "sk": ORDER.sk, "version": 0, "status": "A"}
    assert table.update(ORDER, Update().increment("version"), "UPDATED_OLD") == {"version": 0}
    assert table.update(ORDER, Update().increment("version"), "ALL_OLD") == before | {"version": 1}
    assert table.update(ORDER, Update().increment("version")) == {}


# -- conditions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (absent("status"), False),
        (absent("other"), True),
        (present("status"), True),
        (present("other"), False),
        (equals("version", 0), True),
        (equals("version", 1), False),
        (equals("version", "0"), False),
        (equals("status", "A"), True),
        (less("version", 1), True),
        (less("version", 0), False),
        (less("other", 1), False),
        (at_most("version", 0), True),
        (at_most("version", -1), False),
        (any_of(absent("status"), equals("version", 0)), True),
        (any_of(absent("status"), equals("version", 1)), False),
        (all_of(present("status"), any_of(absent("other"), less("other", 1))), True),
        (all_of(absent("other"), any_of(absent("status"), less("version", 0))), False),
    ],
)
def test_write_happens_if_its_condition_holds(table: Table, condition: Condition, holds: bool) -> None:
    """A write happens if its condition holds, and raises otherwise."""
    table.put(ORDER, {"version": 0, "status": "A"})
    writes = (
        lambda: table.update(ORDER, Update().set("written", 1).only_if(condition)),
        lambda: table.put(ORDER, {"version": 0, "status": "A", "written": 1}, condition),
    )
    for write in writes:
        if holds:
            write()
        else:
            with pytest.raises(ConditionFailedError):
                write()
        assert ("written" in (table.get(ORDER) or {})) is holds


def test_failed_condition_returns_the_row(table: Table) -> None:
    """A failed condition hands back the row if asked to, and none otherwise."""
    table.put(ORDER, EVERY_KIND)
    update = Update().set("zero", 1).only_if(absent("pk"))
    with pytest.raises(ConditionFailedError) as failed:
        table.update(ORDER, update, row_on_failure=True)
    assert failed.value.row == EVERY_KIND | {"pk": ORDER.pk, "sk": ORDER.sk}
    with pytest.raises(ConditionFailedError) as failed:
        table.update(ORDER, update)
    assert failed.value.row is None


def test_failed_put_returns_the_row(table: Table) -> None:
    """A failed condition of a put hands back the row that is there, if asked for."""
    table.put(ORDER, {"a": 1})
    with pytest.raises(ConditionFailedError) as failed:
        table.put(ORDER, {"a": 2}, absent("pk"), row_on_failure=True)
    assert failed.value.row == {"pk": ORDER.pk, "sk": ORDER.sk, "a": 1}
    with pytest.raises(ConditionFailedError) as failed:
        table.put(ORDER, {"a": 2}, absent("pk"))
    assert failed.value.row is None


def test_failed_condition_may_have_no_row(table: Table) -> None:
    """A failed condition on a missing row hands back none."""
    with pytest.raises(ConditionFailedError) as failed:
        table.update(ORDER, Update().set("a", 1).only_if(present("pk")), row_on_failure=True)
    assert failed.value.row is None


def test_update_can_be_repeated(table: Table) -> None:
    """An update can be repeated with its condition."""
    update = Update().increment("version").only_if(any_of(absent("version"), less("version", 2)))
    for _ in range(2):
        table.update(ORDER, update)
    with pytest.raises(ConditionFailedError):
        table.update(ORDER, update)
    assert (table.get(ORDER) or {})["version"] == 2


def test_other_errors_are_botocores(table: Table, dynamodb: Any) -> None:
    """Errors other than a failed condition are botocore's own."""
    missing = Table(dynamodb, "missing")
    writes = (
        lambda: missing.put(ORDER, {}),
        lambda: missing.put_new(ORDER, {}),
        lambda: missing.update(ORDER, Update().set("a", 1).only_if(absent("pk"))),
        lambda: missing.delete(ORDER),
        lambda: missing.get(ORDER),
        lambda: [*missing.query(ORDER.pk)],
    )
    for write in writes:
        with pytest.raises(ClientError) as raised:
            write()
        assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_key_of_any_text_is_found(table: Table) -> None:
    """A key of any kind of text is found."""
    for order_id in ("a#b", "ﷺ", "'; DROP", " "):
        key = Key(keys.order_partition(order_id), keys.ORDER)
        table.put(key, {"id": order_id})
        assert (table.get(key) or {})["id"] == order_id
        assert [row["id"] for row in table.get_many([key])] == [order_id]


def test_rows_say_the_version_of_their_form(client: Any, table: Table) -> None:
    """A table with a version writes it into each row that does not say its own, whether it is put or updated."""
    versioned, own = Table(client, TABLE, schema_version=1), {"schema_version": 2}
    writes: dict[str, Callable[[Key], object]] = {
        "put": lambda key: versioned.put(key, {"a": 1}),
        "put with its own": lambda key: versioned.put(key, own),
        "updated": lambda key: versioned.update(key, Update().set("a", 1)),
        "updated with its own": lambda key: versioned.update(key, Update().set_all(own)),
        "less": lambda key: versioned.update(key, Update().remove("a")),
    }
    for key, write in writes.items():
        write(keys.order(key))
        row = table.get(keys.order(key))
        assert row is not None
        assert row["schema_version"] == (2 if "own" in key else 1), key
