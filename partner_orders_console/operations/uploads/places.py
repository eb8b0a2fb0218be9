"""Where a store's files go: which place may be, so that no file has the name of another one."""

from dataclasses import dataclass, replace

from partner_orders.catalogue.channel import Channel, FilePlace, Layout
from partner_orders.platform.sftp_failures import UnsafeNameError
from partner_orders.platform.sftp_names import checked_folder, checked_name
from partner_orders.stores.store import Store
from partner_orders.uploader.file_names import FileKind, all_names, file_names
from partner_orders.uploader.targets import Folders
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.uploads.server import server_of


@dataclass(frozen=True)
class Wanted:
    """Where a store's files go; what is None stays as it is."""

    prefix: str | None = None
    folder: str | None = None
    is_shared: bool | None = None
    vendor_id: str | None = None


def place_for(catalogue: CatalogueStack, store_id: str, before: FilePlace, wanted: Wanted) -> FilePlace:
    """Raises OperatorError for a place that may not be."""
    layout = before.layout
    if wanted.is_shared is not None:
        layout = Layout.MANY_VENDORS if wanted.is_shared else Layout.ONE_VENDOR
    place = FilePlace(
        before.prefix if wanted.prefix is None else wanted.prefix,
        before.folder if wanted.folder is None else wanted.folder,
        layout,
        before.vendor_id if wanted.vendor_id is None else wanted.vendor_id,
    )
    folders = server_of(catalogue).folders
    _check_names(store_id, place)
    _check_folder(place, folders)
    for other in catalogue.tables.settings.all().values():
        if other.store_id != store_id and other.channel is Channel.FILES:
            _check_other(store_id, place, other.store_id, other.place, folders)
    return place


def file_name(place: FilePlace, store_id: str) -> str:
    """The name of a store's file in one part."""
    return file_names(place, store_id, 1)[0]


def vendor_warning(store: Store, place: FilePlace) -> str:
    """What to think of where the chain has a code of its own for the store, and its files another one; else empty."""
    code, vendor = store.external_partner_config_id, place.vendor_of(store.store_id)
    if not code or code == vendor:
        return ""
    return (
        f"The store's files call it {vendor}, and the chain's own code for it is {code}. Where the platform maps the"
        f" codes, it fails each file without them: --vendor-id {code}."
    )


def _check_names(store_id: str, place: FilePlace) -> None:
    if not place.prefix:
        raise OperatorError(
            "the files need a prefix", "Give the one that is set in the portal's Shop Integrations: --prefix PREFIX."
        )
    name = file_name(place, store_id)
    try:
        checked_name(name)
        checked_name(place.vendor_of(store_id))
        if place.folder:
            checked_folder(place.folder)
    except UnsafeNameError as error:
        what = f"{name} in {place.folder}" if place.folder else name
        raise OperatorError(
            f"the file would be {what} of the store {place.vendor_of(store_id)}: {error}", "Nothing was changed."
        ) from None


def _check_folder(place: FilePlace, folders: Folders) -> None:
    """The catalogue's file and that of promotions have one name."""
    if folders.of(FileKind.CATALOGUE, place) == folders.promotions:
        raise OperatorError(
            f"{folders.promotions} is the folder of promotions, whose files would overwrite the catalogue's",
            "Give another --folder, or set another SftpCatalogueFolder or SftpPromotionFolder and deploy again.",
        )


def _check_other(store_id: str, place: FilePlace, other_id: str, other: FilePlace, folders: Folders) -> None:
    is_shared = Layout.MANY_VENDORS in {other.layout, place.layout}
    is_one_file = replace(place, vendor_id="") == replace(other, vendor_id="") and is_shared
    if place.prefix == other.prefix and is_shared and not is_one_file:
        raise OperatorError(
            f"the store {other_id} has the same prefix with another folder or layout",
            "Stores that share a file have one prefix, one folder and --shared.",
        )
    if is_one_file and place.vendor_of(store_id) == other.vendor_of(other_id):
        raise OperatorError(
            f"the store {other_id} is called {other.vendor_of(other_id)} in the same file", "Give another --vendor-id."
        )
    has_one_folder = folders.of(FileKind.CATALOGUE, place) == folders.of(FileKind.CATALOGUE, other)
    met = sorted(all_names(place, store_id) & all_names(other, other_id))
    if has_one_folder and met and not is_one_file:
        raise OperatorError(
            f"the files of the store {other_id} may be called {met[0]}, too, in the same folder",
            "Give another --prefix, --folder or --vendor-id.",
        )
