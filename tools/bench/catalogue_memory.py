"""The most memory that the loader takes, by the length of a whole list: a fresh process for each, over rows that are
made as they are asked for. Peaks are of the whole process, with Python and the SDK."""

from collections.abc import Sequence

from tools.bench.catalogue_money import MEMORY
from tools.bench.catalogue_store import STORE_ID, line_of, world
from tools.bench.memory import MEBIBYTE, Peak
from tools.simulation.table import DynamoDB

ROWS = (1_000, 10_000, 100_000, 1_000_000)


def of_loader(emulated: DynamoDB, url: str, rows: int) -> Peak:
    """The peak of a whole list of so many rows, in which nothing is new."""
    with world(emulated, url, rows, are_made=True) as found:
        found.upload(f"lists/{STORE_ID}/morning.csv", [line_of(number) for number in range(rows)])
        invocation = found.functions["loader"].invoke({})
    mebibytes = invocation.peak_bytes / MEBIBYTE
    return Peak(round(mebibytes, 1), round(mebibytes / MEMORY["loader"], 3))


def measured(emulated: DynamoDB, url: str, lengths: Sequence[int] = ROWS) -> dict[str, Peak]:
    """By rows of the list."""
    return {str(rows): of_loader(emulated, url, rows) for rows in lengths}
