"""``partner-orders files``: stores whose catalogue and promotions go as files by SFTP."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    DryRun,
    Kind,
    Reason,
    Yes,
    ask,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    say,
    working,
)

if TYPE_CHECKING:
    from partner_orders_console.operations.uploads.viewing import FileView, Overview

app = typer.Typer(
    help="Files by SFTP: the server's key, which stores are sent so, what was sent, sending now.", no_args_is_help=True
)

StoreName = Annotated[str, typer.Argument(metavar="STORE", help="either of its two ids")]
_DIGEST = 12  # characters that are shown


@app.command()
def trust(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Look at the key that the SFTP server shows, and trust it. Compare the fingerprint with the platform's first: only
    this key is accepted from then on.

    Example: partner-orders files trust
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.uploads import server

    catalogue = access.catalogue_of(stack_of(context))
    with working("asking the server for its key"):
        shown = server.shown_key(catalogue)
    facts = {"shown": shown.fingerprint, "trusted": shown.trusted or None}
    if not as_json:
        print_facts(facts)
    if not shown.is_trusted:
        if shown.trusted:
            say("The server shows ANOTHER key than the trusted one. Trust it only if the platform confirms the change.")
        ask("trust the key that the server shows?", yes)
        server.trust(catalogue, shown)
    if as_json:
        print_json(facts | {"was_trusted": shown.is_trusted})
    else:
        say(
            "It is trusted already."
            if shown.is_trusted
            else "Trusted. Files go with the next run, within five minutes."
        )


@app.command()
def on(
    context: typer.Context,
    store: StoreName,
    reason: Reason = "sent by files",
    prefix: Annotated[str | None, typer.Option(help="the one that is set in the portal's integration")] = None,
    folder: Annotated[str | None, typer.Option(help="below the home; by default the chain's own")] = None,
    shared: Annotated[
        bool | None, typer.Option("--shared/--alone", help="one file for all stores of the prefix, or one for each")
    ] = None,
    vendor_id: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="what files call the store where the platform maps codes; '' for its own id"),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send a store's catalogue as files, and its promotions where they are on. It must not be sent by API.

    Example: partner-orders files on 148020 --prefix morning --reason "first file checked" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.orders import store_named
    from partner_orders_console.operations.uploads import places, switching

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    settings = switching.planned_on(catalogue, store_id, places.Wanted(prefix, folder, shared, vendor_id))
    warning = places.vendor_warning(store_named(stack, store_id), settings.place)
    if warning:
        say(warning)
    if not dry_run:
        ask(f"send the store {store_id} by files?", yes)
        with working("noting every product as changed") as progress:
            settings = switching.switch_on(catalogue, settings, reason, progress)
    name = places.file_name(settings.place, store_id)
    how = "would be sent by files; the first file would go" if dry_run else "is sent by files; the first file goes"
    _tell(settings, as_json, f"{store_id} {how} within five minutes, as {name}")


@app.command()
def off(
    context: typer.Context,
    store: StoreName,
    reason: Reason = "no longer sent by files",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stop sending a store's files. `catalogue resume` may send it by API then, each product anew.

    Example: partner-orders files off 148020 --reason "the API is there" --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.promotions import viewing
    from partner_orders_console.operations.uploads import switching

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    settings = switching.planned_off(catalogue, store_id)
    for one in viewing.going_on_by_file(catalogue, store_id):
        name = f"{one.state.summary.name} ({one.promotion_id})"
        say(f"{name} is {one.stage}. It goes on until its own end, or until you end it.")
    if not dry_run:
        ask(f"stop sending the files of the store {store_id}?", yes)
        with working("noting the products") as progress:
            settings = switching.switch_off(catalogue, settings, reason, progress)
    _tell(settings, as_json, f"{store_id} {'would' if dry_run else 'will'} no longer be sent by files")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """The server with the trusted key, and each file: when it was sent, and why not.

    Example: partner-orders files status
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.uploads import viewing

    found = viewing.overview(access.catalogue_of(stack_of(context)))
    if as_json:
        print_json(found.to_json())
    else:
        _print_overview(found)


@app.command("list")
def list_sent(
    context: typer.Context,
    store: Annotated[str | None, typer.Argument(metavar="[STORE]", help="either of its two ids; else all")] = None,
    as_json: AsJson = False,
) -> None:
    """What was sent: when, how many rows, the digest, and whether the file was replaced in one step. All of it is
    submitted: the platform tells in its portal alone what became of it.

    Example: partner-orders files list 148020
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.uploads import viewing

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    found = viewing.sent(catalogue, None if store is None else access.store_id_named(stack, store))
    if as_json:
        print_json(viewing.sent_json(found))
        return
    columns = (
        *(Column("sent", Kind.TIME), "file", Column("name", Kind.ID), "state", "rows", "bytes"),
        *(Column("digest", Kind.ID), "one step"),
    )
    print_table(
        columns,
        (
            (
                *(one.submitted.at, one.kind.value, one.name, viewing.STATE, one.submitted.rows, one.submitted.size),
                *(one.submitted.digest[:_DIGEST], "yes" if one.submitted.is_atomic else "no"),
            )
            for one in found
        ),
    )
    say(f"{counted(len(found), 'upload')}, times in UTC")


@app.command()
def send(
    context: typer.Context, store: StoreName, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> int:
    """Have the uploader send the files of a store now, whatever was sent before.

    Example: partner-orders files send 148020 --yes
    """
    from partner_orders_console.operations.catalogue import access
    from partner_orders_console.operations.uploads import sending

    stack = stack_of(context)
    catalogue = access.catalogue_of(stack)
    store_id = access.store_id_named(stack, store)
    if note := sending.check(catalogue, store_id):
        say(note)
    if not dry_run:
        ask(f"send the files of the store {store_id} now?", yes)
    with working("sending") as progress:
        found = sending.send(catalogue, store_id, dry_run, progress)
    if as_json:
        print_json(found)
    else:
        _print_report(found, dry_run)
    return 1 if found["problems"] else 0


def _tell(settings: Any, as_json: bool, text: str) -> None:
    from partner_orders_console.operations.catalogue.overview import settings_json

    if as_json:
        place = settings.place
        more = {
            "file_prefix": place.prefix,
            "file_folder": place.folder or None,
            "file_layout": place.layout.value,
            "file_vendor_id": place.vendor_of(settings.store_id),
        }
        print_json(settings_json(settings) | more)
    else:
        say(text)


def _print_overview(found: "Overview") -> None:
    server, state = found.server, found.state
    print_facts(
        {
            "server": f"{server.host}:{server.port}",
            "user": server.user,
            "trusted": found.fingerprint or "no key yet",
            "trusted by": state.trusted_by,
            "problem": state.problem,
            "again at": at(state.not_before) if state.not_before else None,
        }
    )
    columns = ("file", Column("name", Kind.ID), "stores", "folder", Column("sent", Kind.TIME), "rows", "problem")
    print_table(columns, map(_row, found.files))
    paused = f"; paused: {', '.join(found.paused)}" if found.paused else ""
    say(f"{counted(len(found.files), 'file')}{paused}, times in UTC")
    if not found.fingerprint:
        say("`partner-orders files trust` looks at the server's key.")


def _row(one: "FileView") -> tuple[object, ...]:
    state, target = one.state, one.target
    last = None if state is None else state.last
    stores = ", ".join(target.stores[:3]) + (f" and {len(target.stores) - 3}" if len(target.stores) > 3 else "")
    sent = (None, None) if last is None else (last.at, last.rows)
    return (target.kind.value, target.name, stores, target.folder, *sent, state.problem if state else "")


def _print_report(found: dict[str, Any], is_dry_run: bool) -> None:
    columns = ("file", Column("name", Kind.ID), "rows", "bytes", Column("digest", Kind.ID), "changed", "state")
    state = "not sent: a dry run" if is_dry_run else "submitted"
    print_table(
        columns,
        (
            (
                *(one["kind"], one["name"], one["rows"], one["size"], one["digest"][:_DIGEST]),
                *("yes" if one["is_changed"] else "no", state if is_dry_run or one["is_sent"] else "nothing to send"),
            )
            for one in found["files"]
        ),
    )
    for one in found["files"]:
        for note in one["notes"]:
            say(f"File {one['name']}: {note}")
    for name, problem in found["problems"].items():
        say(f"{name}: {problem}", style="red")
