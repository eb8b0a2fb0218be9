"""DynamoDB in plain values: rows, keys, conditions and updates.

Nothing outside ``aws/`` knows attribute types, expressions or the codes of DynamoDB's errors.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from botocore.exceptions import ClientError

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes, to_attributes
from partner_orders.aws.keys import Key
from partner_orders.aws.update import SCHEMA_VERSION, Condition, Update, absent, render

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# What BatchGetItem takes in one request.
MAX_KEYS = 100
# What BatchWriteItem takes in one request.
MAX_WRITES = 25
# Seconds before keys that DynamoDB left unprocessed are requested again: a throttled table may stay so.
UNPROCESSED_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)

type Returned = Literal["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD"]


class ConditionFailedError(Exception):
    """A write's condition did not hold. ``row`` is the row that is there, if it was asked for and there is one."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.row = row


class Range(NamedTuple):
    """A condition on a sort key; the bounds are included. Without any bound, every row of the partition."""

    first: str | None = None
    last: str | None = None
    prefix: str | None = None


WHOLE_PARTITION = Range()


class Index(NamedTuple):
    """A keys-only index, by the names of its partition attribute and, where there is one, its sort attribute."""

    name: str | None
    partition: str
    sort: str


PRIMARY = Index(None, "pk", "sk")
BY_TIME = Index(keys.BY_TIME, "listed_under", "listed_at")
BY_EXTERNAL_ORDER_ID = Index(keys.BY_EXTERNAL_ORDER_ID, "external_order_id", "")
BY_ORDER_CODE = Index(keys.BY_ORDER_CODE, "store_order_code", "listed_at")
OPEN_ORDERS = Index(keys.OPEN_ORDERS, "open", "listed_at")


class Table:
    """One table. Every method raises botocore's errors; a failed condition is a ConditionFailedError."""

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        sleep: Callable[[float], None] = time.sleep,
        schema_version: int | None = None,
    ) -> None:
        """``schema_version`` is written into each row that does not say its own."""
        self._client: Any = client
        self._name = name
        self._sleep = sleep
        self._schema_version = schema_version

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, key: Key, consistent: bool = True) -> Row | None:
        item = self._client.get_item(TableName=self._name, Key=_key(key), ConsistentRead=consistent).get("Item")
        return None if item is None else from_attributes(item)

    def get_with_time(self, key: Key) -> tuple[Row | None, datetime]:
        """A row, consistent, and the service's time: whole seconds, by the ``Date`` of its response. Raises LookupError
        if the response has none that can be read."""
        response = self._client.get_item(TableName=self._name, Key=_key(key), ConsistentRead=True)
        try:
            now = parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            raise LookupError("DynamoDB's response has no Date that can be read") from None
        item = response.get("Item")
        return (None if item is None else from_attributes(item)), now

    def get_many(self, keys: Iterable[Key], consistent: bool = False, attributes: Sequence[str] = ()) -> Iterator[Row]:
        """The rows that are there, in no order; of each only some ``attributes`` if they are named, for which DynamoDB
        charges as for the whole row. Raises a throttling error for keys that stay unprocessed for seconds."""
        wanted: dict[str, Any] = {"ConsistentRead": True} if consistent else {}
        if attributes:
            names = {f"#{number}": name for number, name in enumerate(attributes)}
            wanted |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        for some in batched(keys, MAX_KEYS, strict=False):
            left: Any = [_key(key) for key in some]
            for pause in (*UNPROCESSED_PAUSES, None):
                response = self._client.batch_get_item(RequestItems={self._name: wanted | {"Keys": left}})
                yield from map(from_attributes, response["Responses"].get(self._name, []))
                unprocessed = response.get("UnprocessedKeys", {})
                left = unprocessed[self._name]["Keys"] if self._name in unprocessed else []
                if not left:
                    break
                self._pause(pause, "BatchGetItem")

    def query(
        self,
        partition: str,
        sort: Range = WHOLE_PARTITION,
        index: Index = PRIMARY,
        newest_first: bool = False,
        limit: int | None = None,
        consistent: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Row]:
        """The rows of a partition in the order of the sort key, page by page; ``page_size`` is the most rows of one,
        where 1 MB of them would take too much memory."""
        paging = _paging(limit) | ({} if page_size is None else {"PageSize": page_size})
        return self._rows(paging, ConsistentRead=consistent, **self._query(partition, sort, index, newest_first))

    def listed(
        self, partition: str, index: Index, limit: int, sort: Range = WHOLE_PARTITION, newest_first: bool = False
    ) -> Iterator[Row]:
        """What query() returns of an index, for lists that people wait for.

        It asks by KeyConditions, the parameter from before expressions. DynamoDB does the same for either. The local
        AWS parses an expression again for each row of the partition, so that a busy day takes it twice as long.
        """
        conditions = {index.partition: _compared("EQ", partition)} | _sort_conditions(index, sort)
        query = {"KeyConditions": conditions, "ScanIndexForward": not newest_first}
        return self._rows(_paging(limit), TableName=self._name, IndexName=index.name, **query)

    def _rows(self, paging: dict[str, int], **query: Any) -> Iterator[Row]:
        pages = self._client.get_paginator("query").paginate(**query, PaginationConfig=paging)
        return (from_attributes(item) for page in pages for item in page["Items"])

    def count(self, partition: str, index: Index = PRIMARY) -> int:
        """How many rows a partition has."""
        pages = self._client.get_paginator("query").paginate(
            **self._query(partition, WHOLE_PARTITION, index, newest_first=False), Select="COUNT"
        )
        return sum(page["Count"] for page in pages)

    def first(self, partition: str, sort: Range, index: Index, newest_first: bool = False) -> Row | None:
        """The first row of a query, in one request that reads one row."""
        response = self._client.query(**self._query(partition, sort, index, newest_first), Limit=1)
        return from_attributes(response["Items"][0]) if response["Items"] else None

    def _query(self, partition: str, sort: Range, index: Index, newest_first: bool) -> dict[str, Any]:
        within, values = _sort_condition(sort)
        return {
            "TableName": self._name,
            **({"IndexName": index.name} if index.name else {}),
            "KeyConditionExpression": f"#p = :p{within}",
            "ExpressionAttributeNames": _names(index, within),
            "ExpressionAttributeValues": to_attributes(values | {":p": partition}),
            "ScanIndexForward": not newest_first,
        }

    def index_partitions(self, index: Index, prefix: str, sort: Range) -> set[str]:
        """The partitions of an index that begin with ``prefix`` and have a row within ``sort``. Reads it whole."""
        within, values = _sort_condition(sort)
        found = self._scan_index(
            index,
            FilterExpression=f"begins_with(#p, :partition){within}",
            ExpressionAttributeNames=_names(index, within),
            ExpressionAttributeValues=to_attributes(values | {":partition": prefix}),
            ProjectionExpression="#p",
        )
        return {str(row[index.partition]) for row in found}

    def index_rows(self, index: Index) -> Iterator[Row]:
        """What an index holds of each row, in no order. Reads it whole."""
        return self._scan_index(index)

    def _scan_index(self, index: Index, **options: Any) -> Iterator[Row]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._name, IndexName=index.name, **options)
        return (from_attributes(item) for page in pages for item in page["Items"])

    def scan_page(self, after: Mapping[str, str] | None = None) -> tuple[list[Row], dict[str, str]]:
        """A page of the whole table, consistent, and the key after which the next begins; empty at the end."""
        start: Any = {"ExclusiveStartKey": to_attributes(after)} if after else {}
        page = self._client.scan(TableName=self._name, ConsistentRead=True, **start)
        return [from_attributes(item) for item in page["Items"]], from_attributes(page.get("LastEvaluatedKey", {}))

    # -- writing ------------------------------------------------------------------------------------------------

    def put(
        self, key: Key, attributes: Mapping[str, Any], condition: Condition | None = None, row_on_failure: bool = False
    ) -> None:
        """Write a whole row by ``key``, also if the attributes hold another key. Raises ConditionFailedError, with the
        row if ``row_on_failure``."""
        row = attributes if self._schema_version is None else {SCHEMA_VERSION: self._schema_version, **attributes}
        expression = render(condition)
        self._write("put_item", Item=to_attributes(row) | _key(key), **expression, **_returned(row_on_failure))

    def put_new(self, key: Key, attributes: Mapping[str, Any]) -> None:
        """Write a whole row unless there is one by this key; then nothing changes."""
        try:
            self.put(key, attributes, absent("pk"))
        except ConditionFailedError:
            return

    def update(self, key: Key, update: Update, returned: Returned = "NONE", row_on_failure: bool = False) -> Row:
        """Change a row in one write, and make it where there is none; the attributes that ``returned`` names, as they
        were before, or are now. Raises ConditionFailedError, with the row if ``row_on_failure``."""
        response = self._write(
            "update_item",
            Key=_key(key),
            **update.expression(self._schema_version),
            **({"ReturnValues": returned} if returned != "NONE" else {}),
            **_returned(row_on_failure),
        )
        return from_attributes(response.get("Attributes", {}))

    def delete(self, key: Key, condition: Condition | None = None) -> None:
        """Delete a row, if there is one. Raises ConditionFailedError."""
        self._write("delete_item", Key=_key(key), **render(condition))

    def delete_many(self, keys: Iterable[Key]) -> None:
        """Delete rows, MAX_WRITES in a request. Raises a throttling error for rows that stay for seconds."""
        for some in batched(keys, MAX_WRITES, strict=False):
            left: Any = [{"DeleteRequest": {"Key": _key(key)}} for key in some]
            for pause in (*UNPROCESSED_PAUSES, None):
                response = self._client.batch_write_item(RequestItems={self._name: left})
                left = response.get("UnprocessedItems", {}).get(self._name, [])
                if not left:
                    break
                self._pause(pause, "BatchWriteItem")

    def _pause(self, seconds: float | None, operation: str) -> None:
        """Wait before what was left unprocessed is requested again. Raises a throttling error after the last pause."""
        if seconds is None:
            error: Any = {"Code": "ProvisionedThroughputExceededException", "Message": "left unprocessed"}
            raise ClientError({"Error": error}, operation)
        self._sleep(seconds)

    def _write(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = getattr(self._client, operation)(TableName=self._name, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            item: Any = error.response.get("Item")
            raise ConditionFailedError(from_attributes(item) if item else None) from None
        return response


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _returned(row_on_failure: bool) -> dict[str, Any]:
    return {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if row_on_failure else {}


def _paging(limit: int | None) -> dict[str, int]:
    return {} if limit is None else {"MaxItems": limit, "PageSize": max(limit, 1)}


def _compared(operator: str, *values: str) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": [{"S": value} for value in values]}


def _sort_conditions(index: Index, sort: Range) -> dict[str, Any]:
    """The conditions of listed() on the sort key."""
    match sort:
        case Range(prefix=str(prefix)):
            return {index.sort: _compared("BEGINS_WITH", prefix)}
        case Range(str(first), str(last)):
            return {index.sort: _compared("BETWEEN", first, last)}
        case Range(str(first), None):
            return {index.sort: _compared("GE", first)}
        case Range(None, str(last)):
            return {index.sort: _compared("LE", last)}
        case _:
            return {}


def _sort_condition(sort: Range) -> tuple[str, dict[str, Any]]:
    """What follows the condition on the partition, and its values."""
    if sort.prefix is not None:
        return " AND begins_with(#s, :prefix)", {":prefix": sort.prefix}
    match sort.first, sort.last:
        case None, None:
            return "", {}
        case str(first), None:
            return " AND #s >= :first", {":first": first}
        case None, str(last):
            return " AND #s <= :last", {":last": last}
        case first, last:
            return " AND #s BETWEEN :first AND :last", {":first": first, ":last": last}


def _names(index: Index, condition: str) -> dict[str, str]:
    """The placeholders of an index's attributes that a condition has; DynamoDB rejects unused ones."""
    return {"#p": index.partition, **({"#s": index.sort} if "#s" in condition else {})}
