"""Reading an order object: one walk gives values for the model, the canonical text for the digest, and problems.

The walk follows a description of the fields that is generated from the model, so model and digest read alike. The
canonical text has sorted keys and values by meaning. For the fields we know null is the same as absent, and volatile
fields are left out. A part that cannot be read enters the text as the JSON that came; the model counts it as absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from json.encoder import encode_basestring_ascii as quote
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from partner_orders.exact_json import Json, number_by_value
from partner_orders.orders.fields import Kind, UnreadableError, read_value
from partner_orders.orders.model import Order

# Fields that change without the order changing, by path. GET shows them, the webhook does not (docs/platform.md 3.7).
VOLATILE = frozenset({"sys.webhook_status"})
# What customers give and a masked copy hides, by path: with the fields below.
MASKABLE = frozenset({"customer", "comment", "items.instructions"})
# A batch of ten bodies has to fit the function's memory. No order has as many parts as this in all its lists.
MAX_LISTED = 10_000
MAX_PARTS = 20_000


@dataclass(frozen=True)
class Field:
    """How a field is described: a value of a kind, an object, a list of either, or an object or a text."""

    path: str
    kind: Kind | None = None
    fields: Mapping[str, "Field"] | None = None
    element: "Field | None" = None
    is_volatile: bool = False
    is_maskable: bool = False


@dataclass
class Reading:
    """``values`` for the model, ``canonical`` for the digest. ``richness`` counts the values that are neither null nor
    empty nor masked with ``*``, and ``unmasked`` those of them that are personal. ``problems`` are sorted paths without
    list positions, each with what was wrong; they quote no value."""

    values: dict[str, Any]
    canonical: str
    richness: int
    unmasked: int
    problems: dict[str, str]


def read_order(order: dict[str, Json]) -> Reading:
    """Read an order object as parsed."""
    walk = _Walk()
    values = walk.read_object(order, known_fields())
    return Reading(values, "".join(walk.out), walk.richness, walk.unmasked, dict(sorted(walk.problems.items())))


def canonical_text(value: Json, described: Field) -> str:
    """The canonical text of a part of an order."""
    walk = _Walk()
    if value is None:
        walk.write_raw(value)
    else:
        walk.read_field(value, described)
    return "".join(walk.out)


class _Walk:
    """One pass over an order: canonical text is appended to ``out`` while the values are read."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.problems: dict[str, str] = {}
        self.richness = 0
        self.unmasked = 0
        self._parts = 0

    def read_object(self, value: dict[str, Json], fields: Mapping[str, Field]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        separator = "{"
        for name in sorted(value):
            item, described = value[name], fields.get(name)
            if described is not None and (item is None or described.is_volatile):
                continue
            mark = len(self.out)
            self.out.append(f"{separator}{quote(name)}:")
            if described is None:
                self.write_raw(item)
            else:
                read = self.read_field(item, described)
                if len(self.out) == mark + 1:  # It means that there is none.
                    self.out.pop()
                    continue
                if read is not None:
                    values[name] = read
            separator = ","
        self.out.append("{}" if separator == "{" else "}")
        return values

    def read_field(self, value: Json, described: Field) -> Any:
        """The value of a known field that is not null; None where it cannot be read. Appends its canonical text."""
        mark = len(self.out)
        try:
            return self._read(value, described)
        except UnreadableError as error:
            del self.out[mark:]
            self.problems.setdefault(described.path, str(error))
            self.write_raw(value)
            return None

    def _read(self, value: Json, described: Field) -> Any:
        if described.fields is not None and isinstance(value, dict):
            return self.read_object(value, described.fields)
        if described.element is not None:
            return self._read_list(value, described.element)
        if described.kind is None:
            raise UnreadableError("Input should be a valid dictionary")
        if described.kind in (Kind.CONTAINER, Kind.ANY):
            if described.kind is Kind.CONTAINER and not isinstance(value, dict | list):
                raise UnreadableError("Input should be a valid dictionary or list")
            self.write_raw(value)
            return value
        read, canonical = read_value(described.kind, value)
        if canonical is not None:
            self.out.append(canonical)
            self._count(value, described)
        return read

    def _read_list(self, value: Json, element: Field) -> list[Any]:
        if not isinstance(value, list):
            if element.kind is None or isinstance(value, dict):
                raise UnreadableError("Input should be a valid list")
            value = [value]
        self._parts += len(value)
        if len(value) > MAX_LISTED or self._parts > MAX_PARTS:
            raise UnreadableError(f"List should have at most {MAX_LISTED} items, and all lists {MAX_PARTS}")
        self.out.append("[")
        values = []
        for item in value:
            if item is None:
                self.problems.setdefault(element.path, "Input should not be null")
                self.out.append("null")
            elif (read := self.read_field(item, element)) is not None:
                values.append(read)
            self.out.append(",")
        self.out.append("]")
        return values

    def _count(self, value: Json, described: Field) -> None:
        says = not isinstance(value, str) or (bool(value) and "*" not in value)
        self.richness += says
        self.unmasked += says and described.is_maskable

    def write_raw(self, value: Json) -> None:
        """The canonical text of what we do not know or cannot read: as it stands, with keys sorted and numbers by
        value."""
        match value:
            case dict():
                separator = "{"
                for name in sorted(value):
                    self.out.append(f"{separator}{quote(name)}:")
                    separator = ","
                    self.write_raw(value[name])
                self.out.append("{}" if separator == "{" else "}")
            case list():
                self.out.append("[")
                for item in value:
                    self.write_raw(item)
                    self.out.append(",")
                self.out.append("]")
            case str():
                self.out.append(quote(value))
                self.richness += bool(value) and "*" not in value
            case None:
                self.out.append("null")
            case bool():
                self.out.append("true" if value else "false")
                self.richness += 1
            case _:
                self.out.append(number_by_value(value))
                self.richness += 1


@cache
def known_fields() -> dict[str, Field]:
    """The fields we know, by name, as the model describes them."""
    return _fields(Order, "")


def _fields(model: type[BaseModel], prefix: str) -> dict[str, Field]:
    fields = {}
    for name, described in model.model_fields.items():
        whole = Annotated[described.annotation, *described.metadata] if described.metadata else described.annotation
        spelled = described.alias or name
        fields[spelled] = _field(whole, f"{prefix}{spelled}")
    return fields


def _field(annotation: Any, path: str) -> Field:
    kind, model, element = _parts_of(annotation)
    return Field(
        path,
        kind,
        None if model is None else _fields(model, f"{path}."),
        None if element is None else _field(element, path),
        is_volatile=path in VOLATILE,
        is_maskable=any(path == place or path.startswith(f"{place}.") for place in MASKABLE),
    )


def _parts_of(annotation: Any) -> tuple[Kind | None, type[BaseModel] | None, Any]:
    """The kind, the model and the element of a list that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return None, annotation, None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated and (named := [it for it in arguments[1:] if isinstance(it, Kind)]):
        return named[0], None, None
    if origin is tuple:
        return None, None, arguments[0]
    if origin in (Union, UnionType):
        found = [_parts_of(argument) for argument in arguments if argument is not NoneType]
        kinds, models, elements = zip(*found, strict=True)
        return next(filter(None, kinds), None), next(filter(None, models), None), next(filter(None, elements), None)
    raise TypeError(f"a field of the model is described by no kind: {annotation}")
