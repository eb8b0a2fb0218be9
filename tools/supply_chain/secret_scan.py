"""``python -m tools.supply_chain.secret_scan``: look for secrets in all that git keeps, beside the finds that
secrets.baseline.json knows for harmless; ``--accept`` writes that file anew.

A place in the baseline is a file and a hash, so code may move within its file. Nothing found is sent anywhere. It looks
at values, not at names: a Python constant that is named like a secret is ruff's to find.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

from tools.supply_chain.lock import ROOT

BASELINE = ROOT / "tools" / "supply_chain" / "secrets.baseline.json"
# Hashes by the thousand, and bytes that a fuzzer made.
LEFT_OUT = (
    "requirements/",
    "layers/partner_orders/requirements.txt",
    "tests/tools/fuzz/corpus/",
    str(BASELINE.relative_to(ROOT)),
)

type Found = dict[tuple[str, str], tuple[str, int]]


def main() -> int:
    found = look(tracked(ROOT), ROOT)
    if "--accept" in sys.argv:
        places = [{"file": file, "sha1": digest, "type": found[file, digest][0]} for file, digest in sorted(found)]
        BASELINE.write_text(json.dumps(places, indent=2) + "\n", encoding="utf-8")
        return 0
    known = {(place["file"], place["sha1"]) for place in json.loads(BASELINE.read_text(encoding="utf-8"))}
    for file, digest in sorted(found.keys() - known):
        kind, line = found[file, digest]
        print(f"{file}:{line}: {kind}. If it is none: .venv/bin/python -m tools.supply_chain.secret_scan --accept")
    return 1 if found.keys() - known else 0


def tracked(root: Path) -> list[str]:
    """What git keeps or would be asked to keep, without what is left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if not name.startswith(LEFT_OUT) and (root / name).is_file()]


def look(names: list[str], root: Path) -> Found:
    """File and hash of each candidate, to its kind and line."""
    secrets = SecretsCollection(root=str(root))
    with default_settings() as settings:
        # Whether a candidate is in use is not for this machine to try.
        settings.disable_filters("detect_secrets.filters.common.is_ignored_due_to_verification_policies")
        settings.disable_plugins("KeywordDetector")
        for name in names:
            secrets.scan_file(name)
    found: Any = secrets
    return {(file, secret.secret_hash): (secret.type, secret.line_number) for file, secret in found}


if __name__ == "__main__":
    sys.exit(main())
