"""The inputs that are kept: tests/fuzz/corpus, a folder for each target, one file for each input."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def kept(target: str) -> list[Path]:
    return sorted(path for path in (CORPUS / target).iterdir() if path.is_file())


def keep_failure(target: str, data: bytes) -> Path:
    """Keep an input that broke a law, until it is mended and ever after."""
    path = CORPUS / target / f"failed-{hashlib.sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def how_to_replay(path: Path) -> str:
    return f"make fuzz REPLAY={path.relative_to(ROOT)}"
