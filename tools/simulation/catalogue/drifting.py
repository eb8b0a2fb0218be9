"""Days after a catalogue's trouble: the platform changes products by itself, its exports tell of it, and every
difference is told, and repaired unless a guard holds it. Raises Violation."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from partner_orders.catalogue.to_send import NO_MARGINS, is_waiting
from partner_orders.drift.differences import Finding
from partner_orders.drift.guards import Guard, Repair
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from tools.local.simulated_platform.catalogue_records import Shown
from tools.simulation.catalogue.chain import STORES
from tools.simulation.catalogue.edits import Edit, edit, forget_export
from tools.simulation.catalogue.environment import chance_of
from tools.simulation.catalogue.expected import shown_as
from tools.simulation.catalogue.world import MARGINS, CatalogueWorld
from tools.simulation.violation import Violation

EDITS = 6
COMPARED_WITHIN = 30 * 60.0
# Then what was settled is no news, by however wrong a clock.
QUIET_SECONDS = 900.0
_FIELDS = ("price", "active", "cap")

# The fields of a product that differ: what the chain wants and what the platform shows.
type Differing = dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Day:
    """A day's exports. ``differing``: what differed when they were written, by store and product; ``refused``: the
    products of which something was refused then; ``reports``: what was told of it, by store."""

    differing: dict[tuple[str, str], Differing]
    refused: set[tuple[str, str]]
    reports: dict[str, DriftReport]


def let_days_pass(world: CatalogueWorld) -> Counter[str]:
    """Two days of calm, on the first of which the platform changes products. How many differences were how."""
    chance = chance_of(world.seed, "edits of a calm day")
    before = len(world.edits)
    for _ in range(EDITS):
        edit(world, chance)
    first = _day(world)
    _check_told(first)
    _check_repairs(world, first, world.edits[before:])
    second = _day(world)
    _check_told(second)
    _check_left(first, second)
    account: Counter[str] = Counter()
    for report in first.reports.values():
        account.update({f"differences {repair.value}": number for repair, number in report.repairs.items()})
    return account


def left_as_shown(world: CatalogueWorld) -> set[tuple[str, str]]:
    """The products that a guard kept from being repaired, by store: they stay as the platform made them."""
    return {
        (store_id, told.found.sku)
        for store_id, report in _reports(world).items()
        for told in report.listed
        if told.repair is Repair.BEYOND_GUARDS
    }


def _day(world: CatalogueWorld) -> Day:
    """The next exports of all stores are compared, and what is repaired is on the platform."""
    kernel = world.kernel
    kernel.run(kernel.seconds + QUIET_SECONDS)
    before, differing, refused = _reports(world), _differing(world), _refused(world)
    for store_id in STORES:
        forget_export(world, store_id)
    until = kernel.seconds + COMPARED_WITHIN
    while any(before.get(store_id) == _reports(world).get(store_id) for store_id in STORES):
        if kernel.seconds > until:
            raise Violation("after half an hour of calm, the exports of the stores are not compared")
        kernel.run(kernel.seconds + 60)
    world.come_to_rest()
    return Day(differing, refused, _reports(world))


def _refused(world: CatalogueWorld) -> set[tuple[str, str]]:
    rows = ((store_id, row) for store_id in STORES for row in world.tables.products.all_of(store_id))
    return {(store_id, row.sku) for store_id, row in rows if row.refused.are_said}


def _reports(world: CatalogueWorld) -> dict[str, DriftReport]:
    """What the last comparison of each store found. By a clock that is wrong it may seem to be older than others."""
    table = DriftTable(world.dynamodb.client, world.table)
    last = {store_id: report.compared_at for store_id, report in table.all().items()}
    all_of_them = (report for store_id in last for report in table.of_store(store_id, 1_000))
    return {report.store_id: report for report in all_of_them if report.compared_at == last[report.store_id]}


def _differing(world: CatalogueWorld) -> dict[tuple[str, str], Differing]:
    """What differs now, by the documented rules alone: products that were not refused."""
    found = {}
    for store_id in STORES:
        margins, shown = MARGINS.get(store_id, NO_MARGINS), world.catalogue.shown(store_id)
        for row in world.tables.products.all_of(store_id):
            if row.refused.are_said or is_waiting(row, margins):
                continue
            fields = _fields(shown_as(row.values, margins, row.sku), shown[row.sku])
            if fields:
                found[store_id, row.sku] = fields
    return found


def _fields(wanted: tuple[Any, ...], shown: Shown) -> Differing:
    pairs = zip(_FIELDS, wanted, (shown.price, shown.active, shown.cap), strict=True)
    return {name: (one, other) for name, one, other in pairs if one is not None and other is not None and one != other}


def _check_told(day: Day) -> None:
    """Every difference is told with both values, and nothing else of a product that was not refused."""
    for store_id, report in day.reports.items():
        if report.problem:
            raise Violation(f"{store_id}: the export was not compared: {report.problem}")
        told = {
            (store_id, one.found.sku): {
                name: (value, getattr(one.found.shown, name)) for name, value in one.found.ours.said.items()
            }
            for one in report.listed
            if one.found.finding is Finding.DIFFERENT and (store_id, one.found.sku) not in day.refused
        }
        expected = {key: fields for key, fields in day.differing.items() if key[0] == store_id}
        if told != expected:
            raise Violation(f"{store_id}: what differs is {expected}, and told is {told}")


def _check_repairs(world: CatalogueWorld, day: Day, edits: list[Edit]) -> None:
    """What is within the guards has the chain's values again; what is beyond them is as the platform made it."""
    far = {(one.store_id, one.sku) for one in edits if one.is_far}
    for store_id, report in day.reports.items():
        shown = world.catalogue.shown(store_id)
        for one in report.listed:
            key, fields = (store_id, one.found.sku), day.differing.get((store_id, one.found.sku))
            if fields is None:
                continue
            _check_verdict(world, key, fields, one.repair, report.guards, key in far)
            is_repaired = one.repair is Repair.REPAIRED
            wrong = [
                name
                for name, (wanted, made) in fields.items()
                # A product may keep another one company in a call, and goes on or off sale with that.
                if getattr(shown[one.found.sku], name) != (wanted if is_repaired else made)
                and (is_repaired or name != "active")
            ]
            if wrong:
                raise Violation(f"{key} is {one.repair or 'left'}, and the platform shows {shown[one.found.sku]}")


def _check_verdict(
    world: CatalogueWorld,
    key: tuple[str, str],
    fields: Differing,
    repair: Repair,
    guards: tuple[Guard, ...],
    is_far: bool,
) -> None:
    """A far price waits for a person, and nothing waits without a reason."""
    if repair not in {Repair.REPAIRED, Repair.BEYOND_GUARDS}:
        raise Violation(f"{key} differs, and is neither repaired nor held: {repair!r}")
    if "price" in fields and _is_far(*fields["price"]) and repair is Repair.REPAIRED:
        raise Violation(f"{key}: a price far from the platform's was sent without a person: {fields['price']}")
    if repair is Repair.BEYOND_GUARDS and not guards:
        raise Violation(f"{key} is held, and nobody says why")
    may_be_held = is_far or "price" in fields or fields.get("active", (None,))[0] is False
    if repair is Repair.BEYOND_GUARDS and not may_be_held:
        raise Violation(f"{key} is held for {guards}, and only {fields} differs")
    if repair is Repair.BEYOND_GUARDS and world.few > len(fields) + EDITS and Guard.SWITCHED_OFF in guards:
        raise Violation(f"{key} is held for too many products that go off sale, of which there are few")


def _is_far(wanted: Any, shown: Any) -> bool:
    return bool(abs(wanted - shown) * 100 > 35 * shown)


def _check_left(first: Day, second: Day) -> None:
    """On the second day only what was beyond the guards differs."""
    for store_id, report in first.reports.items():
        left = {one.found.sku for one in report.listed if one.repair is Repair.BEYOND_GUARDS}
        differing = {sku for store, sku in second.differing if store == store_id}
        if differing - left:
            raise Violation(f"{store_id}: {sorted(differing - left)} were repaired, and differ again")
