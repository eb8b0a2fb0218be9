"""What is known of a store's catalogue as a whole, and who works on it: one sender at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, equals, less
from partner_orders.catalogue import keys
from partner_orders.catalogue.guards import StoreFigures
from partner_orders.catalogue.loading_lease import LeaseLostError
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.settlement import PRICE_WINDOW as WINDOW
from partner_orders.catalogue.stored import instant, milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than a function runs, so that a claim that is taken over has no owner.
CLAIM = timedelta(minutes=3)
# After a job that failed as a whole; twice as long after each further one.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(hours=1)
# Of files that switched products off within a day; a file each five minutes makes 288.
MOST_NOTES = 300
# What stands for the file where a repair took products off sale.
REPAIR = "repair"
_SLOT = 15 * 60 * 1_000  # milliseconds
# What the attribute of each unfinished job begins with: jobs begin and end without regard to each other.
_JOB = "unfinished_"
_LIST_VERSION, _LIST_FILE = "list_version_", "list_file_"


class ClaimLostError(Exception):
    """Another sender works on the store; this one stops."""


class SwitchedOff(NamedTuple):
    """How many products went off sale, when, and by which file (its short name)."""

    at: datetime
    products: int
    file: str = ""


@dataclass(frozen=True, slots=True)
class StoreState:
    """``list_versions``: for each field the version of the newest whole list that states it; a product's own version
    counts as no older. ``list_files``: the short name of that list. ``products``, ``for_sale``, ``last_list``: how many
    products we know, how many of them are on sale, and how many good lines the last whole list had. ``switched_off``:
    how many went off sale, with the time. ``failed_jobs``, ``not_before``: how many jobs in a row failed as a whole,
    and until when nothing is sent for it. ``last_job``: the number of the newest job. ``unfinished``: jobs without an
    outcome, with the time at which each was sent. ``job_ids``: the platform's ids of those that it took (2xx).
    ``fencing_token`` grows with every claim. ``urgent_off``: like ``switched_off``, of products that a message took off
    sale. ``loaded_at``: when a file was loaded last."""

    store_id: str
    list_versions: Mapping[str, datetime] = field(default_factory=dict)
    list_files: Mapping[str, str] = field(default_factory=dict)
    products: int = 0
    for_sale: int = 0
    last_list: int | None = None
    switched_off: tuple[SwitchedOff, ...] = ()
    failed_jobs: int = 0
    not_before: datetime | None = None
    last_job: int = 0
    unfinished: Mapping[int, datetime] = field(default_factory=dict)
    job_ids: Mapping[int, str] = field(default_factory=dict)
    fencing_token: int = 0
    urgent_off: tuple[tuple[datetime, int], ...] = ()
    loaded_at: datetime | None = None

    def list_versions_for(self, file: str) -> dict[str, datetime]:
        """What a file (by its short name) is measured against: the versions of other lists. Its own it may have raised
        before a crash, when its lines had yet to be applied."""
        return {name: at for name, at in self.list_versions.items() if self.list_files.get(name) != file}

    def figures(self, now: datetime) -> StoreFigures:
        """What guards measure against: the day that ends now. A store that loses products is measured against those
        that were on sale before."""
        notes = [*((one.at, one.products) for one in self.switched_off), *self.urgent_off]
        lost = sum(number for at, number in notes if at > now - WINDOW)
        return StoreFigures(self.products, self.for_sale + lost, lost, self.last_list)


@dataclass(frozen=True, slots=True)
class Load:
    """What a file (by its short name) left behind: how many products the store has and how many are on sale, how many
    it switched off, and the good lines of a whole list, None for another file."""

    products: int
    for_sale: int
    switched_off: int
    listed: int | None
    file: str


class StoreStates:
    """Every method raises botocore's errors; those that write for a sender raise ClaimLostError."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def all(self) -> dict[str, StoreState]:
        """The state of every store that has one, by store; consistent."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.STATE), consistent=True)
        return {state.store_id: state for state in map(state_of, rows)}

    def get(self, store_id: str) -> StoreState:
        return _state(store_id, self._table.get(keys.state(store_id)) or {})

    def raise_list_versions(self, store_id: str, fields: Iterable[str], version: datetime, file: str) -> None:
        """Note that a whole list (its version and its short name) states these fields, before its lines are applied:
        what is older must not win over a line that has yet to come. An older list changes nothing."""
        for name in sorted(fields):
            attribute = f"{_LIST_VERSION}{name}"
            update = Update().set(attribute, milliseconds(version)).set(f"{_LIST_FILE}{name}", file)
            update.only_if(any_of(absent(attribute), less(attribute, milliseconds(version))))
            try:
                self._table.update(keys.state(store_id), update)
            except ConditionFailedError:
                continue

    def note_load(self, state: StoreState, load: Load, now: datetime, token: int | None = None) -> None:
        """Note what a file did to a store; once, however often it is noted. Two files at one time would count each
        other's products, so the loader has the store to itself: ``token`` is its lease's. Raises LeaseLostError."""
        others = [one for one in state.switched_off if one.file != load.file]
        noted = _with_switched_off(others, SwitchedOff(now, load.switched_off, load.file))
        update = Update().set("products", load.products).set("for_sale", load.for_sale)
        update.set("switched_off", noted).set("loaded_at", milliseconds(now))
        if load.listed is not None:
            update.set("last_list", load.listed)
        self._write_as_loader(state, update, token)

    def note_repair(self, state: StoreState, switched_off: int, now: datetime, token: int) -> None:
        """Note how many products the repair of a drift takes off sale. The caller has the store to itself, as a loader
        does: ``token`` is its lease's. Raises LeaseLostError."""
        noted = _with_switched_off(state.switched_off, SwitchedOff(now, switched_off, REPAIR))
        self._write_as_loader(state, Update().set("switched_off", noted), token)

    def note_urgent_off(self, state: StoreState, now: datetime) -> None:
        """Count a product that a message took off sale. There is one who takes messages; those of a quarter of an hour
        count as one note."""
        notes = [[milliseconds(at), number] for at, number in state.urgent_off if at > now - WINDOW]
        if notes and notes[-1][0] // _SLOT == milliseconds(now) // _SLOT:
            notes[-1] = [milliseconds(now), notes[-1][1] + 1]
        else:
            notes.append([milliseconds(now), 1])
        self._table.update(keys.state(state.store_id), Update().set("urgent_off", notes))

    # -- the sender ----------------------------------------------------------------------------------------------------

    def claim(self, store_id: str, now: datetime) -> StoreState | None:
        """Become the store's sender; None if there is one."""
        return self._claim(store_id, Update(), _is_free(now), now)

    def claim_for_job(self, state: StoreState, sent_at: datetime) -> StoreState | None:
        """Become the store's sender and begin a job, in one write; None if there is a sender, or was one since the
        state was read: what it sent is not known here."""
        condition = all_of(_is_free(sent_at), _has_token(state))
        return self._claim(state.store_id, _beginning(state, sent_at), condition, sent_at)

    def begin_job(self, state: StoreState, sent_at: datetime) -> StoreState:
        """Note a further job without an outcome: its number is ``last_job``."""
        return self._write(state, _beginning(state, sent_at))

    def submitted(self, state: StoreState, job_id: str, releases: bool) -> StoreState:
        """Note that the platform took the newest job; and let the next sender begin, if this one is done."""
        sent_at = state.unfinished[state.last_job]
        update = Update().set(f"{_JOB}{state.last_job}", [milliseconds(sent_at), job_id])
        return self._write(state, update.remove("claimed_until") if releases else update)

    def release(self, state: StoreState) -> None:
        """Let the next sender begin at once. A sender that lost the store changes nothing."""
        try:
            self._write(state, Update().remove("claimed_until"))
        except ClaimLostError:
            return

    # -- outcomes ------------------------------------------------------------------------------------------------------

    def drop_job(self, store_id: str, number: int) -> None:
        """Note that nothing is to come of a job any more, and nothing is known by it of the store."""
        self._table.update(keys.state(store_id), Update().remove(f"{_JOB}{number}"))

    def end_job(self, store_id: str, number: int) -> None:
        """Note that the outcome of a job is known: the store does not wait any longer for jobs that failed."""
        self._table.update(keys.state(store_id), _ending(number))

    def end_only_job(self, state: StoreState) -> None:
        """Note that the outcome of the newest job is known, and let the next sender begin. A sender that lost the store
        only ends its job."""
        try:
            self._write(state, _ending(state.last_job).remove("claimed_until"))
        except ClaimLostError:
            self.end_job(state.store_id, state.last_job)

    def fail(self, store_id: str, now: datetime, number: int | None = None) -> None:
        """Note that a job, or a call, failed as a whole: the store waits before the next, longer each time."""
        failed_jobs = self.get(store_id).failed_jobs
        wait = min(FIRST_WAIT * 2 ** min(failed_jobs, 10), LONGEST_WAIT)
        update = Update().set("failed_jobs", failed_jobs + 1).set("not_before", milliseconds(now + wait))
        self._table.update(keys.state(store_id), update if number is None else update.remove(f"{_JOB}{number}"))

    def _claim(self, store_id: str, update: Update, condition: Condition, now: datetime) -> StoreState | None:
        update.set("claimed_until", milliseconds(now + CLAIM)).increment("fencing_token").only_if(condition)
        try:
            return _state(store_id, self._table.update(keys.state(store_id), update, returned="ALL_NEW"))
        except ConditionFailedError:
            return None

    def _write_as_loader(self, state: StoreState, update: Update, token: int | None) -> None:
        """Write under a loading lease, if there is one. Raises LeaseLostError."""
        if token is not None:
            update.only_if(equals("loading_token", token))
        try:
            self._table.update(keys.state(state.store_id), update)
        except ConditionFailedError:
            raise LeaseLostError from None

    def _write(self, state: StoreState, update: Update) -> StoreState:
        update.only_if(_has_token(state))
        try:
            row = self._table.update(keys.state(state.store_id), update, returned="ALL_NEW")
        except ConditionFailedError:
            raise ClaimLostError from None
        return _state(state.store_id, row)


def _with_switched_off(noted: Iterable[SwitchedOff], one: SwitchedOff) -> list[list[Any]]:
    """The notes of a day that ends with one more, unless that is of no product."""
    notes = [*(other for other in noted if other.at > one.at - WINDOW), *([one] if one.products else [])]
    return [[milliseconds(at), products, file] for at, products, file in notes][-MOST_NOTES:]


def _beginning(state: StoreState, sent_at: datetime) -> Update:
    number = state.last_job + 1
    return Update().set("last_job", number).set(f"{_JOB}{number}", [milliseconds(sent_at)])


def _ending(number: int) -> Update:
    return Update().remove(f"{_JOB}{number}").remove("failed_jobs").remove("not_before")


def _is_free(now: datetime) -> Condition:
    return any_of(absent("claimed_until"), less("claimed_until", milliseconds(now)))


def _has_token(state: StoreState) -> Condition:
    return equals("fencing_token", state.fencing_token) if state.fencing_token else absent("fencing_token")


def state_of(row: Row) -> StoreState:
    """The state of a row with its key."""
    return _state(row["sk"].removeprefix(keys.STATE), row)


def _state(store_id: str, row: Row) -> StoreState:
    jobs = {int(name.removeprefix(_JOB)): job for name, job in row.items() if name.startswith(_JOB)}
    return StoreState(
        store_id,
        {name: instant(at) for name, at in _by_field(row, _LIST_VERSION).items()},
        _by_field(row, _LIST_FILE),
        row.get("products", 0),
        row.get("for_sale", 0),
        row.get("last_list"),
        tuple(SwitchedOff(instant(at), *rest) for at, *rest in row.get("switched_off", ())),
        row.get("failed_jobs", 0),
        instant(row["not_before"]) if "not_before" in row else None,
        row.get("last_job", 0),
        {number: instant(job[0]) for number, job in sorted(jobs.items())},
        {number: job[1] for number, job in sorted(jobs.items()) if len(job) > 1},
        row.get("fencing_token", 0),
        tuple((instant(at), number) for at, number in row.get("urgent_off", ())),
        instant(row["loaded_at"]) if "loaded_at" in row else None,
    )


def _by_field(row: Row, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
