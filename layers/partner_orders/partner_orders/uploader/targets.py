"""The files that there are: of each store its own, or one of stores that share a prefix."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from partner_orders.catalogue.channel import FilePlace, Layout
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.uploader.file_names import FileKind, all_names, base_name, file_names


@dataclass(frozen=True, slots=True)
class Target:
    """A file. ``stores``: those that it is about, in order; ``vendors``: what each is called in it. ``folder``: below
    the home. ``server``: which one, and whose home."""

    kind: FileKind
    name: str
    place: FilePlace
    folder: str
    stores: tuple[str, ...]
    vendors: tuple[str, ...]
    server: str = ""

    @property
    def is_shared(self) -> bool:
        return self.place.layout is Layout.MANY_VENDORS

    def names(self, parts: int) -> list[str]:
        return file_names(self.place, self.stores[0], parts)

    def vendor_of(self, store_id: str) -> str:
        return self.vendors[self.stores.index(store_id)]

    @property
    def where(self) -> str:
        """A digest of where the file goes and whom it is about: with another one, nothing was sent yet."""
        facts = (self.server, self.folder, *self.vendors)
        return sha256("\n".join(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Folders:
    """Those of the chain, below the home; ``server`` tells which home."""

    catalogue: str
    promotions: str
    server: str = ""

    def of(self, kind: FileKind, place: FilePlace) -> str:
        return place.folder or self.catalogue if kind is FileKind.CATALOGUE else self.promotions


def targets(settings: Mapping[str, CatalogueSettings], folders: Folders) -> list[Target]:
    """The files of all stores that are sent by files: the catalogue's, and those of promotions where they are on."""
    sending = [settings[store_id] for store_id in sorted(settings) if settings[store_id].sends_by_files]
    promoting = [one for one in sending if one.is_promoting]
    return [*_of(FileKind.CATALOGUE, sending, folders), *_of(FileKind.PROMOTIONS, promoting, folders)]


def _of(kind: FileKind, stores: Iterable[CatalogueSettings], folders: Folders) -> list[Target]:
    sharing: dict[tuple[str, FilePlace], dict[str, str]] = {}
    for one in stores:
        # A shared file is one place, whatever its stores are called in it.
        place = replace(one.place, vendor_id="") if one.place.layout is Layout.MANY_VENDORS else one.place
        vendors = sharing.setdefault((base_name(place, one.store_id), place), {})
        vendors[one.store_id] = one.place.vendor_of(one.store_id)
    return [
        Target(kind, name, place, folders.of(kind, place), tuple(vendors), tuple(vendors.values()), folders.server)
        for (name, place), vendors in sharing.items()
    ]


def overwriting(found: Sequence[Target]) -> dict[Target, Target]:
    """Files that would take the place of another one, with that one: both may have the same name in one folder, perhaps
    only in parts."""
    owners: dict[tuple[str, str], Target] = {}
    met: dict[Target, Target] = {}
    for one in found:
        names = [(one.folder, name) for name in sorted(all_names(one.place, one.stores[0]))]
        other = next((owners[name] for name in names if name in owners), None)
        if other is not None:
            met[one] = other
        else:
            owners.update(dict.fromkeys(names, one))
    return met
