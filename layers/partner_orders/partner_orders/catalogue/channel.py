"""How a store's catalogue reaches the platform: by API or by files, never by both, since each would overwrite what the
other wrote."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    API = "api"
    FILES = "files"


class Layout(StrEnum):
    """``one_vendor``: a file for each store. ``many_vendors``: one file for the stores that share a prefix."""

    ONE_VENDOR = "one_vendor"
    MANY_VENDORS = "many_vendors"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a store's file goes. ``prefix``: the one that is set in the portal's integration. ``folder``: below the
    home; empty for the chain's own. ``vendor_id``: what the store is called in files, where the platform maps its id to
    a code of the chain; empty for the platform's id."""

    prefix: str = ""
    folder: str = ""
    layout: Layout = Layout.ONE_VENDOR
    vendor_id: str = ""

    def vendor_of(self, store_id: str) -> str:
        """What the store is called in files."""
        return self.vendor_id or store_id


NO_PLACE = FilePlace()
