"""A JSON document of promotions: one in the form of the platform's call, or a list of them (docs/platform.md 10)."""

from decimal import Decimal

from partner_orders.exact_json import Json, MalformedJsonError, number_by_value, parse
from partner_orders_console.operations.promotions.draft import (
    MOST_PROMOTIONS,
    DocumentError,
    Draft,
    DraftDiscount,
    Drafts,
    Problem,
    Said,
)

_FIELDS = ("vendors", "type", "active", "reason", "display_name", "conditions", "limits", "discount")
_CONDITIONS = ("start_time", "end_time", "purchased_quantity", "discounted_quantity")
_DISCOUNT = ("sku", "discount_subtype", "discount_value", "active", "max_quantity")
_EXAMPLE = "docs/promotions.md has an example."


def drafts_of_json(content: bytes) -> Drafts:
    """The promotions of a document. Raises DocumentError for one that holds none."""
    try:
        document = parse(content)
    except MalformedJsonError as error:
        raise DocumentError(f"the document cannot be read: {error}", _EXAMPLE) from None
    found = document if isinstance(document, list) else [document]
    if not found:
        raise DocumentError("the document is an empty list", _EXAMPLE)
    if len(found) > MOST_PROMOTIONS:
        raise DocumentError(f"the document has more than {MOST_PROMOTIONS} promotions", "Split it into several.")
    problems: list[Problem] = []
    drafts = []
    for number, value in enumerate(found):
        place = f"[{number}]" if isinstance(document, list) else ""
        drafts.append(_Reader(place, problems).draft(value))
    return Drafts(drafts, problems)


class _Reader:
    """Reads one promotion; what has another form than expected is a problem, and is taken as not said."""

    def __init__(self, place: str, problems: list[Problem]) -> None:
        self._place = place
        self._problems = problems

    def draft(self, value: Json) -> Draft:
        content = self._object(value, self._place)
        self._refuse_unknown(content, _FIELDS, self._place)
        conditions = self._object(content.get("conditions", {}), self._at("conditions"))
        self._refuse_unknown(conditions, _CONDITIONS, self._at("conditions"))
        limits_at, names_at = self._at("limits"), self._at("display_name")
        return Draft(
            self._place,
            self._texts(content.get("vendors"), self._at("vendors")),
            self._member(content, "type", self._place),
            self._member(content, "active", self._place),
            self._member(content, "reason", self._place),
            self._members(content.get("display_name", {}), names_at),
            self._member(conditions, "start_time", self._at("conditions")),
            self._member(conditions, "end_time", self._at("conditions")),
            self._member(conditions, "purchased_quantity", self._at("conditions")),
            self._member(conditions, "discounted_quantity", self._at("conditions")),
            limits=self._members(content.get("limits", {}), limits_at),
            discounts=tuple(
                self._discount(one, f"{self._at('discount')}[{number}]")
                for number, one in enumerate(self._list(content.get("discount"), self._at("discount")))
            ),
        )

    def _discount(self, value: Json, place: str) -> DraftDiscount:
        content = self._object(value, place)
        self._refuse_unknown(content, _DISCOUNT, place)
        skus = content.get("sku")
        return DraftDiscount(
            self._texts([skus] if isinstance(skus, str) else skus, f"{place}.sku"),
            self._member(content, "discount_subtype", place),
            self._member(content, "discount_value", place),
            self._member(content, "max_quantity", place),
            self._member(content, "active", place),
        )

    def _at(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name

    def _note(self, place: str, what: str) -> None:
        self._problems.append(Problem(place, what))

    def _refuse_unknown(self, content: dict[str, Json], known: tuple[str, ...], place: str) -> None:
        for name in content:
            if name not in known:
                self._note(_under(place, name), f"is not a field of a promotion; here are {', '.join(known)}")

    def _object(self, value: Json, place: str) -> dict[str, Json]:
        if isinstance(value, dict):
            return value
        self._note(place, "use an object: {...}")
        return {}

    def _list(self, value: Json, place: str) -> list[Json]:
        if isinstance(value, list):
            return value
        if value is not None:
            self._note(place, "use a list: [...]")
        return []

    def _texts(self, value: Json, place: str) -> tuple[Said, ...]:
        found = self._list(value, place)
        return tuple(self._text(one, f"{place}[{number}]") for number, one in enumerate(found))

    def _members(self, value: Json, place: str) -> dict[str, Said]:
        content = self._object(value, place)
        return {name: self._text(one, _under(place, name)) for name, one in content.items()}

    def _member(self, content: dict[str, Json], name: str, place: str) -> Said:
        return self._text(content.get(name), _under(place, name))

    def _text(self, value: Json, place: str) -> Said:
        match value:
            case None:
                return Said("", place)
            case bool():
                return Said("true" if value else "false", place)
            case int() | Decimal():
                return Said(number_by_value(value), place)
            case str() if not any("\ud800" <= letter <= "\udfff" for letter in value):
                return Said(value.strip(), place)
        self._note(place, "use a text or a number")
        return Said("", place)


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
