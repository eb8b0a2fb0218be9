"""List prices in US dollars, a file for each region. The benchmark's cost model (tools/bench) reckons with the same."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partner_orders_console.operations.errors import OperatorError

MILLION = 1_000_000
# The region whose prices stand in for those of a region without a file.
USUAL_REGION = "us-east-1"
_FOLDER = Path(__file__).with_name("price_lists")
_FACTS = ("as_of", "region", "currency", "note")
_MOST_BYTES = 100_000


@dataclass(frozen=True)
class PriceList:
    """``as_of`` is the month in which the prices were looked up, such as ``2026-11``."""

    region: str
    as_of: str
    prices: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.prices[name]

    def million(self, name: str, count: float) -> float:
        """What so many cost of something that is priced by the million."""
        return count * self.prices[name] / MILLION

    def gb_seconds(self, seconds: float, memory_mb: float, architecture: str = "arm64") -> float:
        """What the time of a function costs."""
        return seconds * memory_mb / 1024 * self.prices[f"lambda_gb_second_{architecture}"]


def price_list(region: str, file: Path | None = None) -> PriceList:
    """The prices of a file, else of a region, else of the usual region. Raises OperatorError for a file that is no such
    list."""
    path = file or _FOLDER / f"{region}.json"
    if file is None and not path.is_file():
        path = _FOLDER / f"{USUAL_REGION}.json"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        names = ", ".join(sorted(usual_prices().prices))
        raise OperatorError(
            f"{path} is not a price list: {error}", f"It needs as_of, region and a number for each of {names}."
        ) from None


def usual_prices() -> PriceList:
    """The prices of the usual region."""
    return _read(json.loads((_FOLDER / f"{USUAL_REGION}.json").read_text(encoding="utf-8")), is_usual=True)


def _read(content: Any, is_usual: bool = False) -> PriceList:
    """Raises ValueError, TypeError and KeyError."""
    if not isinstance(content, dict):
        raise TypeError("no JSON object")
    prices = {name: float(value) for name, value in content.items() if name not in _FACTS}
    if not is_usual and (missing := usual_prices().prices.keys() - prices.keys()):
        raise ValueError(f"{min(missing)} is missing")
    if any(not 0 <= price < MILLION for price in prices.values()):
        raise ValueError("a price is negative, or too high")
    return PriceList(str(content["region"]), str(content["as_of"]), prices)
