"""Whether files reach the SFTP server: its key, the login, the folders, and writing. It is tried from this machine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from partner_orders.catalogue.channel import Channel
from partner_orders.platform.sftp_failures import (
    ConnectionFailedError,
    FolderMissingError,
    HostKeyChangedError,
    LoginRefusedError,
    SftpError,
    WriteRefusedError,
)
from partner_orders.uploader.targets import Target, overwriting
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.uploads.login import stored_login
from partner_orders_console.operations.uploads.server import CONNECT_SECONDS, Server, has_sftp
from partner_orders_console.operations.uploads.viewing import Overview, overview
from partner_orders_console.operations.words import counted

if TYPE_CHECKING:
    from partner_orders.platform.sftp import SftpSession

_PART = "SFTP server"
_ADVICE: dict[type[SftpError], str] = {
    HostKeyChangedError: "docs/runbooks/sftp-host-key-changed.md",
    LoginRefusedError: "docs/runbooks/sftp-login-refused.md",
    ConnectionFailedError: "Check SftpHost and SftpPort, and whether this machine may reach the server.",
    WriteRefusedError: "Ask the platform whether the user may write, and whether the disk is full.",
}


def sftp(found: CatalogueStack) -> Iterator[Finding]:
    """Check the server and what is sent to it: nothing where the catalogue is deployed without one."""
    if not has_sftp(found):
        yield from _left(found)
        return
    view = overview(found)
    if not view.state.host_key and not view.files:
        # No store is sent by files yet.
        yield Finding(_PART, note="nothing was tried: no server key is trusted yet (partner-orders files trust)")
        return
    if not view.state.host_key:
        yield Finding(_PART, "nobody has trusted its key yet, so nothing is sent", "partner-orders files trust")
        return
    yield from _server(found, view)
    yield from _overwritten(view)
    yield from _files(view)


def _left(found: CatalogueStack) -> Iterator[Finding]:
    """Stores of files without a server are sent by nobody."""
    left = sorted(one.store_id for one in found.tables.settings.all().values() if one.channel is Channel.FILES)
    if left:
        names = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        yield Finding(
            _PART, f"SftpHost is not set, and nothing is sent of stores of files: {names}", "partner-orders files off"
        )


def _overwritten(view: Overview) -> Iterator[Finding]:
    for one, other in overwriting([file.target for file in view.files]).items():
        fault = f"it would overwrite the file of {other.kind.value} {other.name} in the folder {other.folder}"
        yield Finding(
            f"file {one.name} of {one.kind.value}",
            fault,
            "Set SftpCatalogueFolder and SftpPromotionFolder apart and deploy again, or give the store another place:"
            " partner-orders files on",
        )


def _server(found: CatalogueStack, view: Overview) -> Iterator[Finding]:
    from partner_orders.platform.sftp import SftpLogin, SftpSession

    server = view.server
    try:
        login = SftpLogin(server.host, server.port, server.user, view.state.host_key, *stored_login(found))
        with SftpSession(login, CONNECT_SECONDS) as session:
            yield Finding(_PART, note=f"{server.host}:{server.port}, {view.fingerprint}, accepts the login")
            there = session.folders()
            for folder in sorted(_folders(server, [one.target for one in view.files])):
                yield from _folder(session, folder, there)
            is_atomic = session.try_writing()
            how = "replaced in one step" if is_atomic else "not replaced in one step: the platform may read half a file"
            yield Finding("SFTP writing", note=f"files are {how}")
    except SftpError as error:
        yield Finding(_PART, str(error), _ADVICE.get(type(error), "docs/runbooks/files-not-uploaded.md"))


def _folders(server: Server, targets: list[Target]) -> set[str]:
    return {one.folder for one in targets} or {server.folders.catalogue, server.folders.promotions}


def _folder(session: "SftpSession", folder: str, there: list[str]) -> Iterator[Finding]:
    part = f"SFTP folder {folder}"
    try:
        session.require_folder(folder)
    except FolderMissingError:
        names = ", ".join(there[:10]) or "none"
        yield Finding(part, f"it is not in the home; there are: {names}", "docs/runbooks/files-not-uploaded.md")
    else:
        yield Finding(part)


def _files(view: Overview) -> Iterator[Finding]:
    failing = [one for one in view.files if one.state is not None and one.state.failures]
    for one in failing[:3]:
        problem = one.state.problem if one.state is not None else ""
        yield Finding(f"file {one.target.name}", problem, "docs/runbooks/files-not-uploaded.md")
    if view.state.problem:
        yield Finding("uploader", f"its last connection failed: {view.state.problem}", "partner-orders files status")
    if not failing:
        yield Finding("files by SFTP", note=f"{counted(len(view.files), 'file')}, none failing")
