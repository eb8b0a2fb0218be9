"""The uploader between the chain's values and folders of the platform, with a clock that tests move.

Everything is its own but the network: the server is two folders of bytes, which may cut, refuse and change its key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import IO, Any

from partner_orders.catalogue.channel import Channel, FilePlace
from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings, KnownSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.platform.sftp import Uploaded
from partner_orders.platform.sftp_failures import ConnectionFailedError, WriteRefusedError
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype, body_of, ended
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Channel as PromotionChannel
from partner_orders.promotions.wish import Wish
from partner_orders.uploader.archive import Archive
from partner_orders.uploader.catalogue_file import Stock
from partner_orders.uploader.contents import CatalogueContents, Contents, PromotionContents
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.run import Asked, Report, UploaderRun, is_wanted
from partner_orders.uploader.targets import Folders
from partner_orders.uploader.upload_state import UploadState
from partner_orders.uploader.uploading import Uploader
from partner_orders.uploader.uploads_table import UploadsTable
from tests.support.memory_aws import MemoryS3
from tests.support.platform import VirtualTime
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.picked_files import CATALOGUE, PROMOTIONS, Picked, PickedFiles
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

PREFIX, STORE, OTHER_STORE, KEY = "chain", "q7zk", "r2mm", "ssh-ed25519 AAAA"
FOLDERS = Folders("catalog", "promotions")


@dataclass
class ServerOfTest:
    """``folders``: what is there, by folder and name. ``fails``: what the next sessions do, one after the other; None
    is none. ``cut_after``: bytes after which an upload that is not atomic is cut. ``hangs_at``: a name at which each
    session is lost. ``keeps_all``: whether it forbids removing."""

    folders: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"catalog": {}, "promotions": {}})
    fails: list[Exception | None] = field(default_factory=list)
    is_atomic: bool = True
    cut_after: int | None = None
    hangs_at: str = ""
    keeps_all: bool = False
    uploads: list[str] = field(default_factory=list)
    sessions: int = 0

    @contextmanager
    def session(self) -> Iterator["ServerOfTest"]:
        self.sessions += 1
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
        yield self

    def upload(self, folder: str, name: str, content: IO[bytes]) -> Uploaded:
        if name == self.hangs_at:
            raise ConnectionFailedError("too slow")
        content.seek(0)
        whole = content.read()
        if self.cut_after is not None:
            cut, self.cut_after = self.cut_after, None
            if not self.is_atomic:
                self.folders[folder][name] = whole[:cut]
            raise ConnectionFailedError("cut")
        self.folders[folder][name] = whole
        self.uploads.append(name)
        return Uploaded(len(whole), self.is_atomic)

    def remove(self, folder: str, name: str) -> None:
        if self.keeps_all and name in self.folders[folder]:
            raise WriteRefusedError("removing is forbidden")
        self.folders[folder].pop(name, None)


class UploaderWorld:
    """``stores`` are sent by files, with a catalogue of their own on the platform."""

    def __init__(self, *stores: str, stock: Stock = Stock.ACTIVE, **place: Any) -> None:
        self.simulated = SimulatedDynamoDB()
        self.time, self.stock = VirtualTime(), stock
        self.simulated.now = self.time.now
        self.dynamodb, self.table_name = self.simulated.client, self.simulated.new_table()
        self.s3, self.server = MemoryS3(self.time), ServerOfTest()
        self.tables = Tables.named(self.dynamodb, self.table_name)
        self.uploads = UploadsTable(self.dynamodb, self.table_name)
        self.promotions = PromotionsTable(self.dynamodb, self.table_name)
        self.bodies = Bodies(self.s3, "bucket")
        self.platform = Catalogue(seed=7)
        self.picked = PickedFiles(self.platform, PREFIX)
        self.stores, self.places = stores or (STORE,), FOLDERS
        self.skus = {store_id: [one.sku for one in self.platform.fill(store_id, 8)] for store_id in self.stores}
        self.uploads.trust(KEY, "anna", self.time.now())
        for store_id in self.stores:
            self.set(CatalogueSettings(store_id, True, channel=Channel.FILES, place=FilePlace(PREFIX, **place)))
        self.restart()

    def restart(self) -> None:
        """A new function in place of the one that was there."""
        known, archive = KnownSettings(self.tables.settings), Archive(self.s3, "bucket")
        promotions = PromotionContents(self.promotions, self.bodies, archive, self.uploads, self.time.now)
        contents: dict[FileKind, Contents] = {
            FileKind.CATALOGUE: CatalogueContents(self.tables.products, known.margins, self.stock),
            FileKind.PROMOTIONS: promotions,
        }
        changes, now = self.tables.changes, self.time.now
        wanted = partial(is_wanted, known, self.places, promotions)
        uploader = Uploader(changes, self.uploads, contents, archive, self.server.session, now, wanted)
        self.worker = UploaderRun(known, promotions, changes, self.uploads, contents, uploader, self.places, now)

    # -- the chain -----------------------------------------------------------------------------------------------------

    def set(self, settings: CatalogueSettings) -> None:
        self.tables.settings.put(settings)

    def change_settings(self, store_id: str = STORE, **changed: Any) -> None:
        settings = self.tables.settings.get(store_id)
        assert settings is not None
        self.set(replace(settings, **changed))

    def say(self, sku: str, store_id: str = STORE, **values: Any) -> None:
        """What a file of the chain says of a product."""
        said, at = Values(**values), self.time.now()
        self.tables.products.change(store_id, sku, lambda row: merged(row, said, at, {}))
        self.tables.changes.add(store_id, [sku], at)

    def wish(self, promotion: Promotion, is_end: bool = False, **more: Any) -> None:
        """``more``: of the wish."""
        body = body_of(ended(promotion) if is_end else promotion)
        digest, at = self.bodies.write(promotion.promotion_id, body), self.time.now()
        self.promotions.wish(
            ended(promotion) if is_end else promotion,
            lambda number: Wish(number, digest, is_end, "anna", "why", at, **more),
            self.time.now,
            PromotionChannel.FILES,
        )

    def promotion(self, *skus: str, price: str = "0.5", days: int = 7, **changed: Any) -> Promotion:
        start = self.time.now()
        discount = Discount(skus, Subtype.FINAL_PRICE, Decimal(price))
        values: dict[str, Any] = {
            "vendors": (STORE,),
            "kind": Kind.STRIKETHROUGH,
            "reason": "COMPETITIVENESS",
            "names": {"en_PK": "Dairy week"},
            "starts": start,
            "ends": start + timedelta(days=days),
            "discounts": (discount,),
        }
        return Promotion(**{**values, **changed})

    # -- time ----------------------------------------------------------------------------------------------------------

    def run(self, asked: Asked | None = None, minutes: float = 5) -> Report:
        """A run of the uploader, five minutes after the last; then the platform picks up what is there."""
        self.time.sleep(minutes * 60)
        report = self.worker.run(lambda: True, asked)
        self.pick_up()
        return report

    def pick_up(self) -> list[Picked]:
        now, folders = self.time.now(), self.server.folders
        return [
            picked
            for kind, name in ((CATALOGUE, FOLDERS.catalogue), (PROMOTIONS, FOLDERS.promotions))
            for picked in self.picked.pick(kind, dict(folders[name]), now)
        ]

    # -- looking -------------------------------------------------------------------------------------------------------

    def state(self, kind: FileKind = FileKind.CATALOGUE, name: str = f"{PREFIX}_{STORE}") -> UploadState:
        state = self.uploads.get(kind, name)
        assert state is not None
        return state

    def waits(self, store_id: str = STORE) -> bool:
        return bool(self.tables.changes.first(store_id, 1))

    def file(self, name: str = f"{PREFIX}_{STORE}.csv", folder: str = "catalog") -> str:
        return self.server.folders[folder][name].decode()

    def failed_lines(self) -> list[Picked]:
        return [one for one in self.picked.history if one.problem or one.errors]

    def archived(self) -> list[str]:
        return [key for key, _ in self.s3.objects if key.startswith("sent/")]
