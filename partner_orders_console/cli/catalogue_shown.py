"""What ``catalogue`` prints for people: stores, a store, a product."""

from collections.abc import Sequence
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING

from partner_orders_console.cli.output import (
    Column,
    Kind,
    ago,
    at,
    counted,
    print_facts,
    print_table,
    print_text,
    say,
)
from partner_orders_console.operations.words import values_shown

if TYPE_CHECKING:
    from partner_orders.catalogue.decisions import HeldFile
    from partner_orders.catalogue.desired import Desired
    from partner_orders.catalogue.files import FileRow
    from partner_orders.catalogue.guards import Reason
    from partner_orders.catalogue.job import Job
    from partner_orders.catalogue.line_report import LineReport
    from partner_orders.catalogue.product import Values
    from partner_orders_console.operations.catalogue.decided import DecidedOfStore, Switched
    from partner_orders_console.operations.catalogue.files import Report
    from partner_orders_console.operations.catalogue.holding import HeldLine, HeldOfStore
    from partner_orders_console.operations.catalogue.loading import Tried
    from partner_orders_console.operations.catalogue.overview import StoreStanding
    from partner_orders_console.operations.catalogue.products import ProductView
    from partner_orders_console.operations.catalogue.store_view import StoreView

_MOST_REFUSED = 20  # products that a store's page names
_MOST_LINES = 30  # bad lines of a file
_MOST_HELD = 100


def print_standings(found: "Sequence[StoreStanding]", now: datetime) -> None:
    """A table of stores."""
    numbers = [Column(name, Kind.NUMBER) for name in ("products", "for sale", "waiting", "held prices", "held files")]
    columns = [
        Column("store", Kind.ID),
        Column("sent", Kind.STATE),
        *numbers,
        Column("unfinished jobs"),
        Column("last file"),
    ]
    print_table(columns, (_row(one, now) for one in found))


def _row(one: "StoreStanding", now: datetime) -> tuple[object, ...]:
    state = one.state
    numbers = (state.products, state.for_sale, one.waiting, one.held_prices, one.held_files)
    file = one.last_file
    last = f"{at(file.file.stored_at)} {file.state.value}" if file else ""
    return (one.store_id, sending(one, now), *(number or None for number in numbers), _jobs(one, now), last)


def sending(one: "StoreStanding", now: datetime) -> str:
    """Whether a store is sent: ``yes``, ``by files``, ``paused``, or until when it waits after failed jobs."""
    from partner_orders.catalogue.channel import Channel

    by_files = one.settings.channel is Channel.FILES
    if not one.settings.is_sending:
        return "paused, by files" if by_files else "paused"
    if by_files:
        return "by files"
    until = one.waits_until(now)
    return f"waits until {at(until)}" if until else "yes"


def _jobs(one: "StoreStanding", now: datetime) -> str:
    return ", ".join(f"{number} ({ago(sent_at, now)})" for number, sent_at in one.unfinished)


def print_standing(one: "StoreStanding", now: datetime, why_waiting: str = "") -> None:
    """A store's settings and figures. ``why_waiting``: why its last job failed."""
    settings, state, margins = one.settings, one.state, one.settings.margins
    exceptions = len({*(margins.safety_stock_of or ()), *(margins.cap_of or ())})
    waiting = f"{one.waiting:,} since {at(one.waiting_since)}" if one.waiting else 0
    print_facts(
        {
            "store_id": one.store_id,
            "sent": sending(one, now),
            "set": f"{at(settings.changed_at)} by {settings.changed_by}" if settings.changed_at else None,
            "because": settings.reason,
            "promotions": "on" if settings.is_promoting else "off",
            "absent from a whole list": "goes off sale" if settings.switches_absent_off else "stays as it is",
            "safety stock": margins.safety_stock,
            "cap": margins.cap,
            "exceptions by SKU": exceptions,
            "products": state.products,
            "for sale": state.for_sale,
            "lines of the last list": state.last_list,
            "not in a job yet": waiting,
            "held prices": one.held_prices,
            "held files": one.held_files,
            "unfinished jobs": _jobs(one, now),
            "failed jobs in a row": state.failed_jobs or None,
            "the last one failed because": why_waiting,
        }
    )


def print_store(view: "StoreView", now: datetime) -> None:
    """A store as a whole."""
    from partner_orders.catalogue.channel import Channel

    one, number = view.standing, view.counts
    print_standing(one, now, view.why_waiting)
    titles = ("products", "processed", "shown", "waiting", "refused", "nothing to send", "held prices")
    counts = (
        number.products,
        number.processed,
        number.shown,
        number.waiting,
        number.refused,
        number.nothing,
        view.standing.held_prices,
    )
    columns_of_counts = [Column(title, Kind.NUMBER) for title in titles]
    print_table(columns_of_counts, [counts], "products by outcome")
    if one.settings.channel is Channel.FILES:
        say(
            "By files no outcome is known: a product waits here for good."
            f" `partner-orders files list {one.store_id}` shows what was submitted, and when."
        )
    if number.export_of:
        say(f"shown: by the platform's export of {at(number.export_of)}")
        if number.processed_since:
            say(
                f"That export is older than the newest job: the platform processed"
                f" {counted(number.processed_since, 'product')} since. The next export shows them."
            )
    if view.files:
        print_files(view.files)
    if view.jobs:
        print_jobs(view.jobs)
    if number.refusals:
        refusals = number.refusals[:_MOST_REFUSED]
        rows_of = ((row.sku, values_shown(row.refused.said), row.refusal) for row in refusals)
        print_table((Column("sku", Kind.ID), "sent", "the platform says"), rows_of, "refused")
        if number.refused > len(refusals):
            say(f"`partner-orders catalogue refused --store {one.store_id}` shows all of them.")
    if view.decided:
        print_decided(view.decided, "newest decisions")
    say("times in UTC")


def print_jobs(jobs: "Sequence[Job]") -> None:
    """A table of jobs."""
    from partner_orders_console.operations.catalogue.job_words import because, state_of

    columns = (
        *(Column("job", Kind.NUMBER), Column("sent", Kind.TIME), Column("lines", Kind.NUMBER)),
        *("state", "because", "id"),
    )
    rows = ((job.number, job.sent_at, len(job.lines), state_of(job), because(job), job.job_id) for job in jobs)
    print_table(columns, rows, "newest jobs")


def print_decided(found: "Sequence[DecidedOfStore]", title: str = "") -> None:
    """A table of decisions."""
    columns = (
        *(Column("decided", Kind.TIME), Column("store", Kind.ID), "held", "decision"),
        *("by", "why", Column("held because")),
    )
    rows = (
        (
            *(it.decided.decided_at, it.store_id, it.what, it.decided.decision.value),
            *(it.decided.by, it.decided.why, why_held(it.decided.reason)),
        )
        for it in found
    )
    print_table(columns, rows, title)


def print_switched(found: "Sequence[Switched]") -> None:
    """A table of who changed last what is set of each store."""
    columns = (Column("changed", Kind.TIME), Column("store", Kind.ID), "now", "by", "why")
    rows = ((it.at, it.store_id, "sent" if it.is_sending else "paused", it.by, it.reason) for it in found)
    print_table(columns, rows, "last change of each store's settings")


def print_product(found: "ProductView") -> None:
    """A product, and the jobs that carried it."""
    row = found.row
    print_text(f"{row.sku}  {found.standing.value}", "bold")
    newest = max(row.versions.values(), default=None)
    print_facts(
        {
            "store_id": found.store_id,
            "your system says": values_shown(row.values.said),
            "newest version": at(newest),
            "to be sent": values_shown(found.wanted.said) if found.wanted != row.values else None,
            "the platform confirmed": values_shown(row.confirmed.said) or "nothing yet",
            "that changed last": at(row.settled_at),
            "still to be processed": values_shown(found.missing.said),
            "the platform refused": values_shown(row.refused.said),
            "and says": row.refusal,
        }
    )
    if found.held:
        rows = ((it.reason.value, values_shown(it.lines[row.sku].said), it.version, it.source) for it in found.held)
        print_table(("because", "held", Column("version", Kind.TIME), "file"), rows, "held")
    if found.sent:
        columns = (Column("sent", Kind.TIME), "values", "outcome", Column("job", Kind.NUMBER), "id")
        sent = ((it.sent_at, values_shown(it.values.said), it.outcome, it.number, it.job_id) for it in found.sent)
        print_table(columns, sent, "sent in the last seven days")
    if found.decided:
        columns_of = (Column("decided", Kind.TIME), "held", "decision", "by", "why")
        decided = (
            (it.decided_at, values_shown(it.lines[row.sku].said), it.decision.value, it.by, it.why)
            for it in found.decided
        )
        print_table(columns_of, decided, "decisions")
    say(f"{counted(len(found.sent), 'job')} carried it, times in UTC")
    if row.confirmed.active is False:
        say("An off that goes ahead of everything else is in no job.")


def print_off(found: "ProductView", why_not: str) -> None:
    """How an urgent off ended: the platform confirmed it, or why it did not."""
    if why_not:
        say(f"it is not off sale: {why_not}", style="red")
        return
    say("the platform confirmed that it is off sale")
    if found.missing.are_said:
        say(f"It counts as waiting until the store's next job, which carries {values_shown(found.missing.said)}.")
    say("A newer file or message that says otherwise puts it on sale again. Set it off in your system, too.")


def print_files(files: "Sequence[FileRow]") -> None:
    """A table of files."""
    from partner_orders_console.operations.catalogue.files import kind_of, name_of, progress_of

    columns = (
        *(Column("file", Kind.ID), Column("kind"), Column("stored", Kind.TIME), Column("state", Kind.STATE)),
        *(Column("lines", Kind.NUMBER), Column("bad", Kind.NUMBER), Column("changed", Kind.NUMBER)),
        *(Column("held prices", Kind.NUMBER), Column("because")),
    )
    rows = (
        (
            *(name_of(row), kind_of(row), row.file.stored_at, progress_of(row), row.lines, row.bad or None),
            *(row.changed, row.held_prices or None, row.problem or ", ".join(map(why_held, row.reasons))),
        )
        for row in files
    )
    print_table(columns, rows, "newest files")


# -- files -------------------------------------------------------------------------------------------------------------


def print_tried(tried: "Tried") -> None:
    """What a dry run, or the check of a file, found."""
    from partner_orders.catalogue.to_send import to_send

    name, report, measured = tried.file.name, tried.report, tried.measured
    if tried.problem:
        say(f"{name} would be refused: {tried.problem}", style="red")
    _print_lines([(line.number, line.product, "; ".join(line.problems)) for line in report.lines], report.bad)
    say(f"{name}: {counted(report.good, 'good line')}, {counted(report.bad, 'bad line')}{_unknown(report)}")
    if measured is None:
        return

    def sent(row: "Desired") -> "Values":
        return to_send(row, tried.margins)

    if tried.changes:
        columns = (Column("sku", Kind.ID), "now", "then")
        rows = (
            (one.before.sku, values_shown(sent(one.before).said) or "new", values_shown(sent(one.after).said))
            for one in tried.changes
        )
        print_table(columns, rows, f"would change: {measured.changed:,}, the first ones")
    if tried.held:
        columns = (Column("sku", Kind.ID), "the platform has", "would be held")
        held = (
            (one.before.sku, values_shown(one.before.confirmed.said), values_shown(one.held.said)) for one in tried.held
        )
        print_table(columns, held, f"prices that would be held: {measured.held_prices:,}, the first ones")
    say(f"{counted(measured.changed, 'product')} would change")
    say(f"{counted(measured.switches_off, 'product')} would go off sale that the platform shows as on sale")
    if measured.unguarded:
        say(
            f"{counted(measured.unguarded, 'price')} cannot be checked, since the platform has confirmed none of these "
            "products yet. Look at them yourself before they are sent."
        )
    if measured.held_prices:
        say(f"{counted(measured.held_prices, 'price')} would be held, the rest of their lines would be taken")
    for reason in measured.reasons:
        say(f"the whole file would be held: {why_held(reason)}", style="yellow")
    say("nothing was changed")


def name_and_problem(row: "FileRow") -> tuple[object, ...]:
    """A refused file: its name, when it was stored, and why it was refused."""
    from partner_orders_console.operations.catalogue.files import name_of

    return (name_of(row), row.file.stored_at, row.problem)


def print_loaded(row: "FileRow", report: "Report | None") -> None:
    """How a file ended, with its bad lines."""
    from partner_orders.catalogue.files import FileState
    from partner_orders_console.operations.catalogue.files import name_of

    if report is not None:
        _print_lines(report.lines, row.bad)
    say(f"{name_of(row)} is {row.state.value}: {counted(row.good, 'good line')}, {counted(row.bad, 'bad line')}")
    if row.problem:
        say(row.problem, style="red")
    if row.state is FileState.LOADED:
        say(f"{counted(row.changed, 'product')} changed, {row.switched_off:,} of them go off sale")
    of_store = f"--store {row.file.store_id}"
    if row.held_prices and row.state is FileState.LOADED:
        held = counted(row.held_prices, "price is", "prices are")
        say(f"{held} held: `partner-orders catalogue held {of_store}` shows them")
    for reason in row.reasons if row.state is FileState.HELD else ():
        say(f"the whole file is held: {why_held(reason)}", style="yellow")
    if row.state is FileState.HELD:
        release = f"partner-orders catalogue release --file {quote(name_of(row))} {of_store} --reason …"
        say(f"`{release}` lets it through.")
        say("`partner-orders catalogue drop` with the same options forgets it.")


def _print_lines(lines: Sequence[tuple[int, str, str]], bad: int) -> None:
    if lines:
        shown = lines[:_MOST_LINES]
        print_table((Column("line", Kind.NUMBER), Column("product", Kind.ID), "problem"), shown, "bad lines")
        if bad > len(shown):
            say(f"and {counted(bad - len(shown), 'more bad line')}")


def _unknown(report: "LineReport") -> str:
    names = report.unknown_columns
    return f"; columns that mean nothing here: {', '.join(names[:10])}" if names else ""


def why_held(reason: "Reason") -> str:
    """Why a guard holds something, in words."""
    from partner_orders_console.operations.catalogue.holding import REASONS

    return REASONS[reason]


def print_held(found: "Sequence[HeldOfStore]") -> None:
    """What guards hold."""
    lines = [line for one in found for line in one.lines]
    columns = (Column("store", Kind.ID), Column("sku", Kind.ID), "the platform has", "held", Column("since", Kind.TIME))
    rows = (
        (
            it.store_id,
            it.sku,
            values_shown({"price": it.confirmed.price}),
            values_shown(it.values.said),
            it.held.version,
        )
        for it in lines[:_MOST_HELD]
    )
    if lines:
        print_table(columns, rows, "held prices")
    if len(lines) > _MOST_HELD:
        say(f"and {counted(len(lines) - _MOST_HELD, 'more price')}; --store and --json show all")
    files = [(one.store_id, file) for one in found for file in one.files]
    if files:
        heads = (
            *(Column("store", Kind.ID), Column("file", Kind.ID), Column("stored", Kind.TIME)),
            *(Column("changes", Kind.NUMBER), Column("off", Kind.NUMBER), Column("because")),
        )
        print_table(heads, (_held_file(store_id, file) for store_id, file in files), "held files")
    say(f"{counted(len(lines), 'price')} and {counted(len(files), 'file')} held, times in UTC")
    if lines or files:
        say(
            "`partner-orders catalogue release` lets them through, `partner-orders catalogue drop` forgets them;"
            " --dry-run shows what either would do"
        )


def _held_line(it: "HeldLine") -> tuple[object, ...]:
    confirmed = values_shown({"price": it.confirmed.price})
    return (it.store_id, it.sku, confirmed, values_shown(it.values.said), it.held.version)


def _held_file(store_id: str, file: "HeldFile") -> tuple[object, ...]:
    row = file.row
    because = "; ".join(map(why_held, file.reasons)) + ("; a newer list was loaded since" if file.is_superseded else "")
    changes, off = (row.changed, row.switched_off) if row else (None, None)
    return (store_id, file.file.key.rpartition("/")[2], file.file.stored_at, changes, off, because)
