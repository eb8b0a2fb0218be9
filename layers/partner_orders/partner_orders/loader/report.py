"""What became of a file, as bounded JSON in the bucket, for people and programs."""

import json
from typing import Any

from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.line_report import LineReport
from partner_orders.clock import to_text
from partner_orders.loader.file_event import LISTS


def report_key(key: str, version_id: str) -> str:
    """Where the report of a file is in the bucket."""
    return f"reports/{key}.{version_id}.json"


def report_of(ended: FileRow, report: LineReport) -> bytes:
    """The report of a file that has ended, or is held."""
    file = ended.file
    document: dict[str, Any] = {
        "file": file.key,
        "version_id": file.version_id,
        "store_id": file.store_id,
        "kind": "whole list" if file.key.startswith(f"{LISTS}/") else "changes",
        "stored_at": to_text(file.stored_at),
        "version": to_text(ended.version) if ended.version else None,
        "outcome": ended.state.value,
        "reasons": [reason.value for reason in ended.reasons],
        "changed": ended.changed,
        "held_prices": ended.held_prices,
        "switched_off": ended.switched_off,
    }
    return json.dumps(document | report.to_document(), ensure_ascii=False, indent=1).encode()
