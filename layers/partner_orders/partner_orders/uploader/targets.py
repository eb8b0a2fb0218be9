"""The files that there are: of each store its own, or one of stores that share a prefix."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from partner_orders.catalogue.channel import FilePlace, Layout
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.uploader.file_names import FileKind, base_name, file_names


@dataclass(frozen=True, slots=True)
class Target:
    """A file. ``stores``: those that it is about, in order. ``folder``: below the home."""

    kind: FileKind
    name: str
    place: FilePlace
    folder: str
    stores: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        return self.place.layout is Layout.MANY_VENDORS

    def names(self, parts: int) -> list[str]:
        return file_names(self.place, self.stores[0], parts)


@dataclass(frozen=True, slots=True)
class Folders:
    """Those of the chain, below the home."""

    catalogue: str
    promotions: str

    def of(self, kind: FileKind, place: FilePlace) -> str:
        return place.folder or self.catalogue if kind is FileKind.CATALOGUE else self.promotions


def targets(settings: Mapping[str, CatalogueSettings], folders: Folders) -> list[Target]:
    """The files of all stores that are sent by files: the catalogue's, and those of promotions where they are on."""
    sending = [settings[store_id] for store_id in sorted(settings) if settings[store_id].sends_by_files]
    promoting = [one for one in sending if one.is_promoting]
    return [*_of(FileKind.CATALOGUE, sending, folders), *_of(FileKind.PROMOTIONS, promoting, folders)]


def _of(kind: FileKind, stores: Iterable[CatalogueSettings], folders: Folders) -> list[Target]:
    sharing: dict[tuple[str, FilePlace], list[str]] = {}
    for one in stores:
        sharing.setdefault((base_name(one.place, one.store_id), one.place), []).append(one.store_id)
    return [
        Target(kind, name, place, folders.of(kind, place), tuple(names)) for (name, place), names in sharing.items()
    ]
