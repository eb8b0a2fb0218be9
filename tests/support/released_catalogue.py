"""Samples of the catalogue's rows for what a release stores (released.py): writing them, and reading them."""

import dataclasses
from collections import Counter
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.files import FileState, StoredFile
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.drift.differences import Finding
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders.promotions.table import PromotionsTable
from partner_orders.store_status.table import StatusesTable
from partner_orders.store_status.wish import Kind, Wish
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.upload_state import Submitted, UploadState
from partner_orders.uploader.uploads_table import UploadsTable
from tests.support.fixed_clock import NOW, clock
from tests.support.promotion_documents import put_example


def write(client: Any, table: str, store_id: str) -> None:
    """A store in the catalogue: settings, products, changes, jobs, files, what is held, exports, drift, its status, a
    promotion and uploads."""
    tables = Tables.named(client, table)
    tables.settings.put(CatalogueSettings(store_id, True))
    tables.changes.add(store_id, ["A-1"], NOW)
    said = Values(price=Decimal("3.50"), active=True, quantity=7)
    for sku, outcome in (("A-1", None), ("B-2", Outcome.PROCESSED), ("C-3", Outcome.REFUSED)):
        row = tables.products.change(store_id, sku, lambda row: merged(row, said, NOW, {}))[1]
        if outcome:
            end = partial(settled, sent=to_send(row), outcome=outcome, now=NOW, refusal="no such product")
            tables.products.change(store_id, sku, end)
    job = Job(1, NOW, {"A-1": Values(price=Decimal("3.50"), active=True, quantity=7)})
    tables.jobs.write(store_id, job)
    tables.jobs.submitted(store_id, 1, NOW, "job-1")
    tables.jobs.ended(JobPlace(store_id, 1, ""), JobState.SETTLED, "job-1", {"A-1": "refused: no such product"})
    file = StoredFile(store_id, f"lists/{store_id}/prices.csv", "v1", NOW)
    begun = tables.files.begin(file, 1_000, tables.leases.acquire(store_id, NOW), NOW)
    tables.files.end(dataclasses.replace(begun, state=FileState.LOADED, ended_at=NOW, good=9, bad=1), 1)
    tables.held.hold_lines(store_id, file.source, NOW, {"A-1": Values(price=Decimal(35))})
    tables.held.hold_file(store_id, Reason.SHORT_LIST, f"lists/{store_id}/short.csv?versionId=v2", NOW, NOW)
    exports, asked = ExportsTable(client, table), AskedExport(store_id, NOW)
    exports.asking(asked)
    exports.asked(asked, "job-2")
    exports.came(asked, 3, NOW, is_last=True)
    DriftTable(client, table).keep(DriftReport(store_id, NOW, NOW, Counter({Finding.SAME: 2})))
    closing = partial(
        Wish, kind=Kind.CLOSED_TODAY, until=NOW, reason="TECHNICAL_PROBLEM", by="somebody", why="", at=NOW
    )
    StatusesTable(client, table).wish(closing, store_id, clock)
    bodies: Any = SimpleNamespace(write=lambda *_: "b" * 32)
    put_example(PromotionsTable(client, table), bodies)
    UploadsTable(client, table).trust("ssh-ed25519 AAAA", "somebody", NOW)
    sent = Submitted(NOW, "d1", 3, 100, ("catalog.csv",), ("sent/catalog.csv",), True)
    UploadsTable(client, table).write(UploadState(FileKind.CATALOGUE, store_id, NOW, sent))


def read(client: Any, table: str, store_id: str) -> dict[str, Any]:
    """What this version reads of the rows."""
    tables = Tables.named(client, table)
    return {
        "settings": tables.settings.all(),
        "changes": tables.changes.first(store_id, 100),
        "jobs": [*tables.jobs.newest(store_id)],
        "job_places": tables.jobs.find("job-1"),
        "files": [*tables.files.of_store(store_id)],
        "held": [*tables.held.of_store(store_id)],
        "products": sorted(tables.products.all_of(store_id), key=lambda product: product.sku),
        "exports": ExportsTable(client, table).all(),
        "drift": [*DriftTable(client, table).of_store(store_id, 10)],
        "statuses": StatusesTable(client, table).all(),
        "status_history": [*StatusesTable(client, table).history(store_id)],
        "promotions": PromotionsTable(client, table).all(),
        "uploads": [*UploadsTable(client, table).all().values()],
        "sftp_server": UploadsTable(client, table).server(),
    }
