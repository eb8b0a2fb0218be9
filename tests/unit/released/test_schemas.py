"""What is published stays compatible with each release: the change events, and the answers API."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.compatible_schemas import Direction, breaks_of_api, breaks_of_schema
from tests.support.released import releases

ROOT = Path(__file__).parents[3]
EVENTS, API = "change-event.v1.schema.json", "answers-api.yaml"

type Change = Callable[[Any], object]


def loaded(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.name)
def test_change_events_stay_compatible(release: Path) -> None:
    """A subscriber of a release understands the change events of this version."""
    assert breaks_of_schema(loaded(release / EVENTS), loaded(ROOT / "docs" / EVENTS), Direction.WRITE) == []


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.name)
def test_answers_api_stays_compatible(release: Path) -> None:
    """A till that was written for a release can go on as it is."""
    assert breaks_of_api(loaded(release / API), loaded(ROOT / "docs" / API)) == []


# -- the rules ---------------------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 60},
        "kind": {"enum": ["ready", "cancel"]},
        "count": {"type": "integer", "minimum": 0},
        "note": {"type": ["string", "null"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}}},
}


def of(name: str, **changes: Any) -> Change:
    """Change a property; None removes a keyword."""

    def change(schema: Any) -> None:
        found = schema["properties"][name]
        found.update({key: value for key, value in changes.items() if value is not None})
        for key in (key for key, value in changes.items() if value is None):
            del found[key]

    return change


@pytest.mark.parametrize(
    ("change", "breaks_readers_of_ours", "breaks_writers_to_us"),
    [
        (lambda it: it["properties"].update(more={"type": "string"}), False, False),
        (lambda it: it["properties"].pop("note"), True, True),
        (lambda it: it["$defs"]["line"]["properties"].pop("sku"), True, True),
        (lambda it: it["required"].append("kind"), False, True),
        (lambda it: it["required"].remove("id"), True, False),
        (lambda it: it.update(additionalProperties=False), False, True),
        (of("kind", enum=["ready", "cancel", "accept"]), False, False),
        (of("kind", enum=["ready"]), True, True),
        (of("kind", enum=None), True, False),
        (of("id", enum=["a"]), False, True),
        (of("note", type="string"), False, True),
        (of("id", type=["string", "null"]), True, False),
        (of("count", type="number"), True, False),
        (of("id", type=None), True, False),
        (of("id", maxLength=40), False, True),
        (of("id", maxLength=80), True, False),
        (of("id", maxLength=None), True, False),
        (of("count", minimum=1), False, True),
        (of("id", pattern="^a"), False, True),
        (of("id", format="uuid"), True, True),
        (of("id", description="words"), False, False),
    ],
)
def test_rules_of_both_directions(change: Change, breaks_readers_of_ours: bool, breaks_writers_to_us: bool) -> None:
    """Each kind of change breaks those who read what we write, those who write what we read, both, or nobody."""
    new = copy.deepcopy(SCHEMA)
    change(new)
    assert bool(breaks_of_schema(SCHEMA, new, Direction.WRITE)) == breaks_readers_of_ours
    assert bool(breaks_of_schema(SCHEMA, new, Direction.READ)) == breaks_writers_to_us


def test_kinds_of_events_may_be_added() -> None:
    """A kind of object may be added to alternatives, and none removed; a value that may newly be null is a break."""
    old = loaded(ROOT / "docs" / EVENTS)
    new = copy.deepcopy(old)
    new["$defs"]["another"] = {"type": "object", "required": ["id"]}
    new["oneOf"].append({"$ref": "#/$defs/another"})
    assert breaks_of_schema(old, new, Direction.WRITE) == []
    assert breaks_of_schema(new, old, Direction.WRITE) != []
    new["$defs"]["order"]["properties"]["received_at"] = {"anyOf": [{"$ref": "#/$defs/instant"}, {"type": "null"}]}
    assert any("received_at" in problem for problem in breaks_of_schema(old, new, Direction.WRITE))


ANSWER = "/stores/{store_id}/orders/{order_id}/answers"


@pytest.mark.parametrize(
    ("change", "is_a_break"),
    [
        (lambda it: it["paths"].update({"/new": {"get": {"responses": {}}}}), False),
        (lambda it: it["paths"].pop(ANSWER), True),
        (lambda it: it["paths"][ANSWER].pop("get"), True),
        (lambda it: it["paths"][ANSWER]["post"]["responses"].pop("202"), True),
        (lambda it: it["paths"][ANSWER]["post"]["responses"].update({"418": {"description": "a pot"}}), False),
        (lambda it: it["components"]["schemas"]["AcceptedAnswer"]["required"].clear(), True),
        (lambda it: it["components"]["schemas"]["Shown"]["properties"].pop("by"), True),
        (lambda it: it["components"]["schemas"]["Shown"]["properties"].update(more={}), False),
        (lambda it: it.update(security=[]), True),
        (
            lambda it: it["paths"][ANSWER]["parameters"].append(
                {"name": "till", "in": "query", "required": True, "schema": {"type": "string"}}
            ),
            True,
        ),
    ],
)
def test_rules_of_the_api(change: Change, is_a_break: bool) -> None:
    """Routes, responses and fields of responses stay; parameters and fields of requests are not newly required."""
    old = loaded(ROOT / "docs" / API)
    new = copy.deepcopy(old)
    change(new)
    assert bool(breaks_of_api(old, new)) == is_a_break
