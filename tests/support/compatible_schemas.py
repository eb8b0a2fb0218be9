"""What a change of a published schema breaks, for whoever wrote to it or reads what we write.

Where we **read** (requests), whatever was accepted stays accepted: no field is removed or newly required, no type, enum
or bound is narrowed. Where we **write** (events, responses), whatever was promised stays promised: no field is removed
or may be missing that was always there, no type or bound is widened. Fields, enum values and kinds of events may be
added in both. Keywords that these rules do not know have to stay as they are.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_WORDS = {"title", "description", "examples", "example", "default", "deprecated", "$schema", "$id", "$defs", "$comment"}
_KNOWN = {
    "type",
    "enum",
    "const",
    "pattern",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "oneOf",
    "anyOf",
}
_KNOWN |= {"allOf", *_LOWER, *_UPPER}
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_INFINITE = float("inf")


class Direction(StrEnum):
    """Who has to go on understanding whom."""

    READ = "read"
    WRITE = "write"


class Document(NamedTuple):
    """A document with the version that was released."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]

    def breaks(self, old: Any, new: Any, direction: Direction, path: str = "$") -> Iterator[str]:
        """What a schema of the new document breaks of one of the old document, a sentence each."""
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        if not isinstance(old, dict) or not isinstance(new, dict):
            if old != new:
                yield f"{path}: {old} became {new}"
            return
        yield from _of_values(old, new, direction, path)
        yield from _of_bounds(old, new, direction, path)
        yield from self._of_fields(old, new, direction, path)
        if "items" in old:
            yield from self.breaks(old["items"], new.get("items", {}), direction, f"{path}[]")
        for keyword in ("oneOf", "anyOf"):
            yield from self._of_alternatives(old.get(keyword, ()), new.get(keyword, ()), direction, f"{path}.{keyword}")
        parts, present = old.get("allOf", ()), new.get("allOf", ())
        if len(parts) != len(present):
            yield f"{path}: allOf has {len(present)} parts in place of {len(parts)}"
        for number, (before, after) in enumerate(zip(parts, present, strict=False)):
            yield from self.breaks(before, after, direction, f"{path}.allOf[{number}]")
        for keyword in sorted((old.keys() | new.keys()) - _KNOWN - _WORDS):
            if old.get(keyword) != new.get(keyword):
                yield f"{path}: {keyword} changed, and no rule says whether that is compatible"

    def _of_fields(self, old: Any, new: Any, direction: Direction, path: str) -> Iterator[str]:
        fields, present = old.get("properties", {}), new.get("properties", {})
        for name in fields:
            if name not in present:
                yield f"{path}.{name}: it was removed"
            else:
                yield from self.breaks(fields[name], present[name], direction, f"{path}.{name}")
        before, after = {*old.get("required", ())}, {*new.get("required", ())}
        if direction is Direction.READ:
            yield from (f"{path}.{name}: it is newly required" for name in sorted(after - before))
            if old.get("additionalProperties") is not False and new.get("additionalProperties") is False:
                yield f"{path}: unknown fields are newly refused"
        else:
            yield from (f"{path}.{name}: it may newly be missing" for name in sorted(before - after))

    def _of_alternatives(self, old: Any, new: Any, direction: Direction, path: str) -> Iterator[str]:
        """Each alternative that there was is still there. Where we write, only kinds of objects may be added."""
        for number, before in enumerate(old):
            problems = [[*self.breaks(before, after, direction, f"{path}[{number}]")] for after in _same(before, new)]
            if not problems:
                yield f"{path}[{number}]: it was removed"
            elif all(problems):
                yield from min(problems, key=len)
        if direction is Direction.WRITE and old:
            for number, after in enumerate(new):
                is_object = _resolved(self.new, after).get("type") == "object"
                covered = any(not [*self.breaks(before, after, direction)] for before in old)
                if not is_object and not covered:
                    yield f"{path}: alternative {number} was added"


def breaks_of_schema(old: Mapping[str, Any], new: Mapping[str, Any], direction: Direction) -> list[str]:
    """What a new JSON Schema breaks of the released one."""
    return [*Document(old, new).breaks(old, new, direction)]


def breaks_of_api(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What a new OpenAPI document breaks of the released one: requests are read, responses are written."""
    document = Document(old, new)
    problems = [] if old.get("security") == new.get("security") else ["security: it changed"]
    for path, before in old["paths"].items():
        after = new["paths"].get(path, {})
        for method in (name for name in _METHODS if name in before):
            place = f"{method} {path}"
            if method in after:
                problems += _of_operation(document, before, after, method, place)
            else:
                problems.append(f"{place}: it was removed")
    return problems


def _of_operation(document: Document, before: Any, after: Any, method: str, place: str) -> Iterator[str]:
    yield from _of_parameters(document, before, after, method, place)
    body, new_body = before[method].get("requestBody"), after[method].get("requestBody")
    if new_body and new_body.get("required") and not (body and body.get("required")):
        yield f"{place}: a body is newly required"
    yield from _of_content(document, body, new_body, Direction.READ, f"{place}: request")
    for status, response in before[method]["responses"].items():
        if status not in after[method]["responses"]:
            yield f"{place}: the response {status} was removed"
            continue
        pair = _resolved(document.old, response), _resolved(document.new, after[method]["responses"][status])
        yield from _of_content(document, *pair, Direction.WRITE, f"{place}: {status}")


def _of_parameters(document: Document, before: Any, after: Any, method: str, place: str) -> Iterator[str]:
    old = _parameters(document.old, before, method)
    for name, parameter in _parameters(document.new, after, method).items():
        if name not in old and parameter.get("required"):
            yield f"{place}: the parameter {name} is newly required"
        elif name in old:
            schemas = old[name].get("schema", {}), parameter.get("schema", {})
            yield from document.breaks(*schemas, Direction.READ, f"{place}: {name}")
    yield from (
        f"{place}: the parameter {name} was removed" for name in old.keys() - _parameters(document.new, after, method)
    )


def _parameters(document: Mapping[str, Any], path: Any, method: str) -> dict[str, Any]:
    found = [_resolved(document, it) for it in (*path.get("parameters", ()), *path[method].get("parameters", ()))]
    return {parameter["name"]: parameter for parameter in found}


def _of_content(document: Document, old: Any, new: Any, direction: Direction, place: str) -> Iterator[str]:
    contents, present = (old or {}).get("content", {}), (new or {}).get("content", {})
    for kind, content in contents.items():
        if kind in present:
            yield from document.breaks(content.get("schema", {}), present[kind].get("schema", {}), direction, place)
        else:
            yield f"{place}: {kind} was removed"


def _of_values(old: Any, new: Any, direction: Direction, path: str) -> Iterator[str]:
    before, after = _types(old), _types(new)
    narrow, wide = (before, after) if direction is Direction.READ else (after, before)
    if wide and (not narrow or not {"number" if it == "integer" and "number" in wide else it for it in narrow} <= wide):
        yield f"{path}: the type {old.get('type')} became {new.get('type')}"
    values = old.get("enum", [old["const"]] if "const" in old else None)
    present = new.get("enum", [new["const"]] if "const" in new else None)
    if values is not None and present is None and direction is Direction.WRITE:
        yield f"{path}: any value is newly possible"
    elif values is None and present is not None and direction is Direction.READ:
        yield f"{path}: only some values are newly accepted"
    elif values is not None and present is not None:
        yield from (f"{path}: the value {value} was removed" for value in values if value not in present)
    pattern, wanted = old.get("pattern"), new.get("pattern")
    is_dropped = wanted is None and direction is Direction.READ
    is_added = pattern is None and direction is Direction.WRITE
    if pattern != wanted and not is_dropped and not is_added:
        yield f"{path}: the pattern {pattern} became {wanted}"


def _of_bounds(old: Any, new: Any, direction: Direction, path: str) -> Iterator[str]:
    for names, sign in ((_LOWER, 1), (_UPPER, -1)):
        for name in names:
            before, after = (sign * it.get(name, -sign * _INFINITE) for it in (old, new))
            if (after > before) if direction is Direction.READ else (after < before):
                yield f"{path}: {name} changed from {old.get(name)} to {new.get(name)}"


def _types(schema: Any) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else {*types}


def _same(before: Any, alternatives: Any) -> list[Any]:
    """The alternatives that may stand for one: that of the same name, if it has a name and there is one."""
    named = [after for after in alternatives if "$ref" in before and after.get("$ref") == before["$ref"]]
    return named or ([] if "$ref" in before else [*alternatives])


def _resolved(document: Mapping[str, Any], schema: Any) -> Any:
    """A schema without its reference; what stands beside the reference counts, too."""
    while isinstance(schema, dict) and "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found | {name: value for name, value in schema.items() if name != "$ref"}
    return schema
