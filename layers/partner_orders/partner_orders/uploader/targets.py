"""The files that there are: of each store its own, or one of stores that share a prefix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from types import MappingProxyType

from partner_orders.catalogue.channel import NO_PLACE, FilePlace, Layout
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.uploader.file_names import FileKind, all_names, base_name, file_names

_NONE: Mapping[str, FilePlace] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Target:
    """A file. ``stores``: those that it is about, in order; ``vendors``: what each is called in it. ``folder``: below
    the home. ``server``: which one, and whose home. ``begins``: the stores in which a promotion may begin; in the
    others it only ends."""

    kind: FileKind
    name: str
    place: FilePlace
    folder: str
    stores: tuple[str, ...]
    vendors: tuple[str, ...]
    server: str = ""
    begins: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        return self.place.layout is Layout.MANY_VENDORS

    def names(self, parts: int) -> list[str]:
        return file_names(self.place, self.stores[0], parts)

    @property
    def vendor_names(self) -> dict[str, str]:
        return dict(zip(self.stores, self.vendors, strict=True))

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


def targets(
    settings: Mapping[str, CatalogueSettings], folders: Folders, rows_waiting: Mapping[str, FilePlace] = _NONE
) -> list[Target]:
    """The files of the catalogue of all stores that are sent by files, and those of promotions: where these are on, and
    whatever is off, where rows of them are on or not ended yet. ``rows_waiting``: the latter stores, with the place of
    their last file."""
    sending = [settings[store_id] for store_id in sorted(settings) if settings[store_id].sends_by_files]
    begins = {one.store_id: one.place for one in sending if one.is_promoting}
    ends = {store_id: _place(settings.get(store_id), place) for store_id, place in rows_waiting.items()}
    catalogue = _of(FileKind.CATALOGUE, {one.store_id: one.place for one in sending}, folders)
    promotions = _of(FileKind.PROMOTIONS, ends | begins, folders)
    of_begins = [replace(one, begins=tuple(name for name in one.stores if name in begins)) for one in promotions]
    return [*catalogue, *of_begins]


def _place(settings: CatalogueSettings | None, last: FilePlace) -> FilePlace:
    return last if settings is None or settings.place == NO_PLACE else settings.place


def _of(kind: FileKind, places: Mapping[str, FilePlace], folders: Folders) -> list[Target]:
    sharing: dict[tuple[str, FilePlace], dict[str, str]] = {}
    for store_id in sorted(places):
        one = places[store_id]
        # A shared file is one place, whatever its stores are called in it.
        place = replace(one, vendor_id="") if one.layout is Layout.MANY_VENDORS else one
        vendors = sharing.setdefault((base_name(place, store_id), place), {})
        vendors[store_id] = one.vendor_of(store_id)
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
