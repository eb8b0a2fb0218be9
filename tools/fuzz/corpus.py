"""The inputs that are kept: tests/tools/fuzz/corpus, a folder for each target, one file for each input."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "tools" / "fuzz" / "corpus"
# What searches have found on this machine; the next one begins with it.
FOUND = ROOT / ".local" / "fuzz"


def kept(target: str) -> list[Path]:
    return sorted(path for path in (CORPUS / target).iterdir() if path.is_file())


def found(target: str) -> list[Path]:
    folder = FOUND / target
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def keep(target: str, data: bytes) -> Path:
    """Keep an input that takes our code where no other does."""
    return _write(target, f"found-{hashlib.sha256(data).hexdigest()[:12]}", data)


def keep_failure(target: str, data: bytes) -> Path:
    """Keep an input that broke a law, until it is mended and ever after."""
    return _write(target, f"failed-{hashlib.sha256(data).hexdigest()[:12]}", data)


def _write(target: str, name: str, data: bytes) -> Path:
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def how_to_replay(path: Path) -> str:
    return f"make fuzz REPLAY={path.relative_to(ROOT)}"
