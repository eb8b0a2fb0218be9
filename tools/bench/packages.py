"""What the artefacts weigh, and whether a function imports each part of them."""

from collections.abc import Sequence
from pathlib import Path

from tools.bench.artefacts import OURS, PEER, Artefact


def sizes(artefacts: Sequence[Artefact]) -> dict[str, dict[str, int]]:
    """Unpacked bytes of what each function mounts: its folder and its layer."""
    return {
        way: {artefact.function: sum(map(folder_bytes, artefact.path)) for artefact in artefacts if artefact.way == way}
        for way in (OURS, PEER)
    }


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
