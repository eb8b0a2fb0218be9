"""What must hold of a catalogue after its trouble. Each check raises Violation, saying what it found."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from partner_orders.catalogue.decided import Decided
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.files import Decision, FileRow, FileState, key_and_version
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.to_send import NO_MARGINS, is_waiting
from partner_orders.platform.request_budget import Share, ceiling
from tools.local.simulated_platform.catalogue_records import Shown
from tools.simulation.catalogue.chain import PRICES, STORES, WILD, Fate, Kind, Saying
from tools.simulation.catalogue.drifting import left_as_shown
from tools.simulation.catalogue.expected import (
    Heard,
    Product,
    Spoken,
    is_overshadowed,
    lines_that_count,
    products_of,
    shown_as,
)
from tools.simulation.catalogue.world import (
    MARGINS,
    RATE_LIMIT,
    URGENT_DEAD_URL,
    CatalogueWorld,
)
from tools.simulation.violation import Violation

WINDOW_SECONDS = 60.0
# A pause takes effect within a minute; a call that is under way ends.
PAUSED_WITHIN = 100.0
# Versions of messages are whole milliseconds.
ALIKE = timedelta(milliseconds=2)
_ENDED = {FileState.LOADED, FileState.HELD, FileState.REFUSED, FileState.DROPPED}


class Decisions(NamedTuple):
    """What became of what guards held. ``unheard``: values that are held, or were dropped, by saying and SKU.
    ``released``: those that somebody let through. ``far``: the products of which a far price was, beside which a usual
    one may be far."""

    unheard: set[tuple[int, str, str, Any]]
    released: set[tuple[int, str, str, Any]]
    far: set[tuple[str, str]]

    def heard(self, one: Spoken, name: str) -> Heard:
        sku, value = one.line.sku, getattr(one.line.values, name)
        key = one.saying.number, sku, name, value
        if is_overshadowed(one, name):
            return Heard.NO
        is_far = name == "price" and value == PRICES[sku] * WILD
        is_beside_far = name == "price" and (one.saying.store_id, sku) in self.far
        if key in self.unheard:
            # A message that comes again is measured again.
            may_come_again = one.saying.kind is Kind.URGENT or key in self.released
            return Heard.PERHAPS if may_come_again else Heard.NO
        if is_far and key not in self.released:
            return Heard.PERHAPS if is_beside_far else Heard.NO
        return Heard.YES


def check_catalogue(world: CatalogueWorld) -> Counter[str]:
    """Every store, at rest. How many products are how. Raises Violation."""
    for wrong in world.trespasses:
        raise Violation(wrong)
    _requests(world)
    world.wishing.check()
    world.promoting.check()
    _pauses(world)
    decisions = _decisions(world)
    taken = [*_taken(world)]
    _urgent_refusals(world)
    _guards(world, taken, decisions)
    account: Counter[str] = Counter()
    for store_id in STORES:
        mine = [saying for saying in taken if saying.store_id == store_id]
        products = products_of(mine, decisions.heard, switches_absent_off=store_id == STORES[0])
        account += _store(world, store_id, products)
    account["values held"] = len(decisions.unheard)
    return account


def _requests(world: CatalogueWorld) -> None:
    """The platform was never asked more often than the catalogue may."""
    most = ceiling(Share.CATALOGUE, RATE_LIMIT)
    times = sorted(at for at, _ in world.asked)
    first = 0
    for number, at in enumerate(times):
        while at - times[first] >= WINDOW_SECONDS:
            first += 1
        if number - first + 1 > most:
            raise Violation(f"the platform was asked {number - first + 1} times within a minute")


def _pauses(world: CatalogueWorld) -> None:
    """Nothing is sent to a store that is switched off."""
    for at, store_id in world.puts:
        for pause in world.pauses:
            if pause.store_id == store_id and pause.begins + PAUSED_WITHIN < at < pause.ends:
                raise Violation(f"{store_id} was sent something {at - pause.begins:.0f} s after it was switched off")


# -- what was taken ---------------------------------------------------------------------------------------------------


def _taken(world: CatalogueWorld) -> Iterator[Saying]:
    """What was said and loaded. A file or message that should have been, or should not, is a violation."""
    files = {
        (row.file.key, row.file.version_id): row
        for store_id in {saying.store_id for saying, _ in world.said}
        for row in world.tables.files.of_store(store_id)
    }
    for saying, version_id in world.said:
        if saying.kind is Kind.URGENT:
            if saying.fate is Fate.TAKEN:
                yield saying
            continue
        row = files.get((saying.key, version_id))
        if row is None or row.state not in _ENDED:
            raise Violation(f"the file {saying.key} has no outcome")
        _file(world, saying, row)
        if row.state is FileState.LOADED:
            yield saying


def _file(world: CatalogueWorld, saying: Saying, row: FileRow) -> None:
    is_to_be_refused = saying.fate is Fate.REFUSED or not lines_that_count(saying)
    if (row.state is FileState.REFUSED) is not is_to_be_refused:
        raise Violation(f"the file {saying.key} is {row.state}: {row.problem or row.reasons}")
    if row.state is FileState.HELD and world.few > len(PRICES):
        raise Violation(f"the file {saying.key} is held: {row.reasons}")
    # Somebody may drop a file while its report is written.
    if row.report_key not in world.bucket.objects and row.state is not FileState.DROPPED:
        raise Violation(f"the file {saying.key} has no report")
    if row.state is not FileState.LOADED:
        return
    good = sum(1 for line in saying.lines if not line.bad) - _contradicting(saying)
    if (row.good, row.bad) != (good, len(saying.lines) - good):
        raise Violation(f"the file {saying.key} has {good} good lines of {len(saying.lines)}, and told are {row.good}")


def _contradicting(saying: Saying) -> int:
    """How many lines contradict others of their product and version."""
    count, taken = 0, {(one.line.sku, one.version) for one in lines_that_count(saying)}
    for line in saying.lines:
        count += not line.bad and (line.sku, line.version or saying.version) not in taken
    return count


def _urgent_refusals(world: CatalogueWorld) -> None:
    """The messages that can never be taken are dead letters, and no other."""
    refused = {saying.message for saying, _ in world.said if saying.kind is Kind.URGENT and saying.fate is Fate.REFUSED}
    dead = {message.text for message in world.dead[URGENT_DEAD_URL].sent}
    is_repeated = {json.dumps(json.loads(text) | {"version": ""}, sort_keys=True) for text in dead - refused}
    known = {json.dumps(json.loads(text) | {"version": ""}, sort_keys=True) for text in refused}
    if refused - dead or is_repeated - known:
        raise Violation(f"urgent messages: {len(refused - dead)} were dropped, {len(is_repeated - known)} refused")


# -- guards -----------------------------------------------------------------------------------------------------------


def _decisions(world: CatalogueWorld) -> Decisions:
    """What guards hold and people decided, by the sayings that it is of."""
    found = Decisions(set(), set(), set())
    for store_id in STORES:
        for held in world.tables.held.of_store(store_id):
            if not held.is_file:
                found.unheard.update(_values(world, store_id, held))
        for decided in world.tables.decisions.of_store(store_id, most=1_000):
            if decided.decision is Decision.RELEASED:
                found.released.update(_values(world, store_id, decided))
                found.far.update((store_id, sku) for sku, values in decided.lines.items() if values.price is not None)
            else:
                found.unheard.update(_values(world, store_id, decided))
    return found


def _values(world: CatalogueWorld, store_id: str, held: Held | Decided) -> Iterator[tuple[int, str, str, Any]]:
    for sku, values in held.lines.items():
        for saying, version_id in world.said:
            is_file = (saying.key, version_id) == key_and_version(held.source)
            is_message = saying.kind is Kind.URGENT and abs(saying.version - held.version) < ALIKE
            if saying.store_id == store_id and (is_file or is_message):
                yield from ((saying.number, sku, name, value) for name, value in values.said.items())


def _guards(world: CatalogueWorld, taken: list[Saying], decisions: Decisions) -> None:
    """A price that is far from the one in force is held and shown to somebody; and no other, unless a far one was
    released."""
    decided = decisions.unheard | decisions.released
    for saying in taken:
        for one in lines_that_count(saying):
            _guard(one, decided, decisions.far)
    for store_id in STORES:
        for sku, price in PRICES.items():
            was_shown = any(change.shown.price == price * WILD for change in world.catalogue.history(store_id, sku))
            if was_shown and (store_id, sku) not in decisions.far:
                raise Violation(f"{store_id} {sku}: a price that is ten times the usual went through")


def _guard(one: Spoken, decided: set[tuple[int, str, str, Any]], far: set[tuple[str, str]]) -> None:
    saying, sku, price = one.saying, one.line.sku, one.line.values.price
    if price is None or (saying.store_id, sku) in far:
        return
    is_decided = (saying.number, sku, "price", price) in decided
    is_far = price == PRICES[sku] * WILD
    if is_far and not is_decided and not is_overshadowed(one, "price"):
        raise Violation(f"{saying.store_id} {sku}: the price {price} of saying {saying.number} is held nowhere")
    if is_decided and not is_far:
        raise Violation(f"{saying.store_id} {sku}: the usual price {price} of saying {saying.number} is held")


# -- products ---------------------------------------------------------------------------------------------------------


def _store(world: CatalogueWorld, store_id: str, products: dict[str, Product]) -> Counter[str]:
    """Each product is shown as it should be, or was refused by the platform."""
    account: Counter[str] = Counter()
    rows = {row.sku: row for row in world.tables.products.all_of(store_id)}
    if unknown := rows.keys() - products.keys():
        raise Violation(f"{store_id}: nobody said anything of {sorted(unknown)}")
    shown = world.catalogue.shown(store_id)
    margins = MARGINS.get(store_id, NO_MARGINS)
    left = left_as_shown(world)
    for sku, product in products.items():
        row = rows.get(sku, Desired(sku))
        name = f"{store_id} {sku}"
        if is_waiting(row, margins):
            raise Violation(f"{name} has no outcome: {row}")
        if row.values not in [*product.possible_values()]:
            raise Violation(f"{name} should be {_text(product)}, and is {row.values}")
        if row.refused.are_said:
            _refused(world, store_id, row)
            account["products refused"] += 1
            continue
        wanted = {shown_as(values, margins, sku) for values in product.possible_values()}
        if (store_id, sku) in left:
            account["products left as the platform made them"] += 1
            continue
        if not any(_is_shown(one, shown[sku]) for one in wanted):
            raise Violation(f"{name} should be shown as {wanted}, and is {shown[sku]}")
        account["products processed"] += 1
    return account


def _is_shown(wanted: tuple[Decimal | None, bool | None, int | None], shown: Shown) -> bool:
    return all(one in (None, other) for one, other in zip(wanted, shown, strict=True))


def _text(product: Product) -> str:
    return " or ".join(str(values) for values in product.possible_values())


def _refused(world: CatalogueWorld, store_id: str, row: Desired) -> None:
    """What is told as refused was refused by the platform, and the chain was told."""
    if (store_id, row.sku) not in world.catalogue.refused:
        raise Violation(f"{store_id} {row.sku}: told as refused ({row.refusal}), and the platform never did")
    if not row.refusal:
        raise Violation(f"{store_id} {row.sku}: refused without a word why")
    details = [json.loads(entry["Detail"]) for entry in world.bus.entries]
    told = any(detail.get("store_id") == store_id and detail.get("sku") == row.sku for detail in details)
    lost = sum(recorder.counts["RefusalsNotPublished"] for recorder in world.recorders)
    if not told and not lost:
        raise Violation(f"{store_id} {row.sku} was refused, and nobody was told")
