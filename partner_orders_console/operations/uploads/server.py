"""The SFTP server of a catalogue: where it is, which key is trusted, and what it shows."""

from dataclasses import dataclass

from partner_orders.clock import now
from partner_orders.platform.sftp_failures import SftpError
from partner_orders.uploader.targets import Folders
from partner_orders.uploader.upload_state import ServerState
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError

CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    user: str
    folders: Folders


def has_sftp(catalogue: CatalogueStack) -> bool:
    """Whether the catalogue is deployed with an SFTP server."""
    return bool(catalogue.parameters.get("SftpHost"))


def server_of(catalogue: CatalogueStack) -> Server:
    """Raises OperatorError where the catalogue is deployed without one."""
    given = catalogue.parameters
    if not has_sftp(catalogue):
        raise OperatorError(
            "the catalogue is deployed without an SFTP server",
            "Set SftpHost and SftpUser, and deploy it again: docs/files.md says how.",
        )
    host, port, user = given["SftpHost"], int(given.get("SftpPort", "22")), given.get("SftpUser", "")
    catalogue_folder = given.get("SftpCatalogueFolder", "catalog")
    folders = Folders(catalogue_folder, given.get("SftpPromotionFolder", "promotions"), f"{user}@{host}:{port}")
    return Server(host, port, user, folders)


@dataclass(frozen=True)
class Shown:
    """The key that the server shows, with its fingerprint, and that of the trusted one; empty where none is."""

    host_key: str
    fingerprint: str
    trusted: str

    @property
    def is_trusted(self) -> bool:
        return self.fingerprint == self.trusted


def shown_key(catalogue: CatalogueStack) -> Shown:
    """Ask the server for its key; no login is tried. Raises OperatorError."""
    from partner_orders.platform.sftp import fingerprint, shown_host_key

    server = server_of(catalogue)
    try:
        key = shown_host_key(server.host, server.port, CONNECT_SECONDS)
    except SftpError as error:
        raise OperatorError(
            f"{server.host}:{server.port} shows no key: {error}",
            "Check SftpHost and SftpPort, and whether this machine may reach the server.",
        ) from None
    trusted = catalogue.uploads.server().host_key
    return Shown(key, fingerprint(key), fingerprint(trusted) if trusted else "")


def trust(catalogue: CatalogueStack, shown: Shown) -> None:
    """Trust the key that the server showed, in place of another one. Raises botocore's errors."""
    catalogue.uploads.trust(shown.host_key, caller(catalogue.orders), now())


def trusted_fingerprint(state: ServerState) -> str:
    """Empty where no key is trusted."""
    from partner_orders.platform.sftp import fingerprint

    return fingerprint(state.host_key) if state.host_key else ""
