"""``catalogue load`` and what guards hold: files tried and loaded, held prices and files released and dropped."""

import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.catalogue.files import FileState
from partner_orders.clock import now
from partner_orders_console.operations.catalogue import loading
from partner_orders_console.operations.catalogue.files import report_of
from tests.support.catalogue_stack import BUCKET, OTHER_STORE, STORE, Catalogue
from tests.support.console import Ran

type Run = Callable[..., Ran]
HEADER = "sku,price,active,quantity\n"
LIST = HEADER + "A-1,3.50,true,7\nB-2,1.95,true,2\nC-3,9,true,1\n"
WHY = ("--reason", "price confirmed")


@pytest.fixture
def file(folder: Path) -> Callable[..., str]:
    """A file on this machine."""

    def write(content: str | bytes, name: str = "prices.csv") -> str:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def loader(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A catalogue with a store, whose loader works while a command waits for it."""
    catalogue.enrol()
    monkeypatch.setattr(loading, "time", SimpleNamespace(sleep=lambda _: catalogue.take_files()))
    return catalogue


@pytest.fixture
def held_price(catalogue: Catalogue) -> Catalogue:
    """A store with a product whose next price is held, together with another product of the same file."""
    catalogue.enrol()
    for sku in ("A-1", "B-2"):
        catalogue.say(sku, price=Decimal("3.5"), active=True, quantity=7)
        catalogue.settle(sku)
    catalogue.put("wrong.csv", "sku,price,quantity\nA-1,35,6\nB-2,36,\n")
    return catalogue


def load(run: Run, *arguments: str, kind: str = "--changes") -> Ran:
    return run("catalogue", "load", *arguments, "--store", STORE, kind)


def keys(catalogue: Catalogue) -> list[str]:
    found = catalogue.stack.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [it["Key"] for it in found if not it["Key"].startswith("reports/")]


# -- trying ------------------------------------------------------------------------------------------------------------


def test_dry_run_shows_what_would_change(run: Run, catalogue: Catalogue, file: Callable[..., str]) -> None:
    """A dry run goes through the loader's own check and guards, names what would change, and writes nothing."""
    catalogue.enrol()
    ran = load(run, file(LIST + "D-4,0,true,1\n"), "--dry-run", kind="--whole")
    assert ran.status == 1
    assert all(text in ran.out for text in ("A-1", "price 3.5, on sale, quantity 7", "use a price above 0"))
    assert all(
        text in ran.err for text in ("3 good lines, 1 bad line", "3 products would change", "nothing was changed")
    )
    assert (keys(catalogue), [*catalogue.tables.products.all_of(STORE)]) == ([], [])


def test_dry_run_of_first_prices(run: Run, catalogue: Catalogue, file: Callable[..., str]) -> None:
    """A dry run warns of prices that no guard can check, since the platform has confirmed none of their products."""
    catalogue.enrol()
    assert "3 prices cannot be checked" in load(run, file(LIST), "--dry-run", kind="--whole").err


def test_dry_run_of_unchanged_values(run: Run, held_price: Catalogue, file: Callable[..., str]) -> None:
    """Values that are said again in a newer version change no product."""
    ran = load(run, file("sku,price\nA-1,3.5\n"), "--dry-run")
    assert "0 products would change" in ran.err
    assert "cannot be checked" not in ran.err


def test_dry_run_of_a_held_price(run: Run, held_price: Catalogue, file: Callable[..., str]) -> None:
    """A dry run says which prices would be held, and that the rest of their lines would be taken."""
    path = file("sku,price,quantity\nA-1,99,5\n")
    ran = load(run, path, "--dry-run")
    assert (ran.status, "1 price would be held" in ran.err) == (1, True)
    assert "price 99" in ran.out
    [tried] = load(run, path, "--dry-run", "--json").json
    assert tried["held"] == [
        {
            "sku": "A-1",
            "before": {"price": 3.5, "active": True, "quantity": 6},
            "after": {"price": 3.5, "active": True, "quantity": 5},
            "held": {"price": 99},
        }
    ]


def test_dry_run_of_a_held_file(run: Run, catalogue: Catalogue, file: Callable[..., str]) -> None:
    """A dry run says why a file would be held as a whole."""
    catalogue.enrol()
    catalogue.put("first.csv", HEADER + "".join(f"K-{number},2,true,3\n" for number in range(60)), "lists")
    ran = load(run, file(HEADER + "K-1,2,true,3\n"), "--dry-run", kind="--whole")
    assert (ran.status, "the whole file would be held: it is much shorter" in ran.err) == (1, True), ran.err


def test_fine_file_is_tried_with_0(run: Run, catalogue: Catalogue, file: Callable[..., str]) -> None:
    """A dry run of a file without bad lines, of which nothing would be held, ends with 0."""
    catalogue.enrol()
    assert load(run, file(LIST), "--dry-run").status == 0


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        (b"", "prices.csv", "The file is empty."),
        (b"\xff\xfes\0k\0u\0", "prices.csv", "UTF-16"),
        (b"PK\x03\x04", "prices.xlsx", "Excel workbook"),
        (b"name,colour\n", "prices.csv", "has neither sku nor barcode"),
        (b"sku,price\nA-1,0\n", "prices.csv", "No line of the file can be taken: price: "),
        (b"sku,price\nA-1,2\n", "prices-20990101T000000Z.csv", "minutes ahead"),
    ],
)
def test_refused_file_is_not_uploaded(
    run: Run, loader: Catalogue, file: Callable[..., str], content: bytes, name: str, text: str
) -> None:
    """A file that the loader would refuse is not uploaded, and it is said what to do."""
    ran = load(run, file(content, name))
    assert (ran.status, text in ran.err, "nothing was uploaded" in ran.err) == (1, True, True), ran.err
    assert keys(loader) == []


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        (("prices.csv", "--store", STORE), 2, "say what the files list"),
        (("prices.csv", "--changes"), 2, "--store"),
        (("nowhere.csv", "--store", STORE, "--changes"), 1, "there is no file nowhere.csv"),
        (("prices.csv", "--store", "nowhere", "--changes"), 1, "there is no store nowhere"),
        (("prices.csv", "--store", OTHER_STORE, "--changes"), 1, "is not in the catalogue"),
    ],
)
def test_wrong_loads_are_explained(
    run: Run,
    loader: Catalogue,
    file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    call: tuple[str, ...],
    status: int,
    text: str,
) -> None:
    """A load of no file, no store, or without its kind is a sentence."""
    loader.enrol(OTHER_STORE)
    loader.stack.client("dynamodb").delete_item(
        TableName=loader.stack.output("CatalogueTableName"),
        Key={"pk": {"S": "STORES"}, "sk": {"S": f"SETTINGS#{OTHER_STORE}"}},
    )
    file(LIST)
    monkeypatch.chdir(folder)
    ran = run("catalogue", "load", *call)
    assert (ran.status, text in ran.err) == (status, True), ran.err


# -- loading -----------------------------------------------------------------------------------------------------------


def test_load_follows_the_file(run: Run, loader: Catalogue, file: Callable[..., str]) -> None:
    """A file is uploaded under the key of its store and kind, and followed until the loader has ended with it."""
    ran = load(run, file(LIST), kind="--whole")
    assert (ran.status, "3 products changed" in ran.err) == (0, True), ran.err
    assert keys(loader) == [f"lists/{STORE}/prices.csv"]
    assert len([*loader.tables.products.all_of(STORE)]) == 3
    shown = run("catalogue", "show", STORE)
    assert all(text in shown.out for text in ("prices.csv", "whole list", "loaded"))
    assert "prices.csv" not in run("catalogue", "status").out
    assert "loaded" in run("catalogue", "status").out


def test_bad_lines_of_a_loaded_file_are_shown(run: Run, loader: Catalogue, file: Callable[..., str]) -> None:
    """Good lines are taken, each bad one is shown with its number, and the exit status is 1."""
    ran = load(run, file(LIST + "D-4,-1,true,1\n" * 40))
    assert (ran.status, "and 10 more bad lines" in ran.err) == (1, True), ran.err
    assert "use digits and a dot" in ran.out
    [row] = load(run, file(LIST + "D-4,-1,true,1\n"), "--json").json
    assert (row["state"], row["good"], row["bad"], row["file"]) == ("loaded", 3, 1, f"changes/{STORE}/prices.csv")


def test_several_files_and_stdin(
    run: Run, loader: Catalogue, file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several files are loaded one after the other; - is the standard input, as CSV or JSON Lines."""
    line = b'{"sku": "S-9", "price": 2}\n'
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(line), isatty=lambda: False))
    assert load(run, file(LIST), "-").status == 0
    assert keys(loader) == [f"changes/{STORE}/prices.csv", f"changes/{STORE}/stdin"]
    assert len([*loader.tables.products.all_of(STORE)]) == 4


def test_loader_that_does_not_begin(
    run: Run, catalogue: Catalogue, file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five minutes without a sign of the loader, the wait ends, and the file stays."""
    catalogue.enrol()
    times = iter(range(0, 6_000, 100))
    monkeypatch.setattr(loading, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(loading, "now", lambda: datetime.fromtimestamp(1_760_000_000 + next(times), now().tzinfo))
    ran = load(run, file(LIST))
    assert (ran.status, "has not begun with the file" in ran.err) == (1, True), ran.err
    assert keys(catalogue) == [f"changes/{STORE}/prices.csv"]


def test_ctrl_c_ends_the_wait(
    run: Run, catalogue: Catalogue, file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the wait, not the file."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    catalogue.enrol()
    monkeypatch.setattr(loading, "time", SimpleNamespace(sleep=interrupt))
    assert load(run, file(LIST)).status == 130
    catalogue.take_files()
    assert [row.state for row in catalogue.tables.files.of_store(STORE)] == [FileState.LOADED]


def test_barcodes_are_looked_up_in_the_export(run: Run, loader: Catalogue, file: Callable[..., str]) -> None:
    """A line that names its product by a barcode alone is bad until an export has it."""
    ran = load(run, file("barcode,price\n5012345678900,2\n"), "--dry-run")
    assert (ran.status, "no product of the store's last export has it" in ran.out) == (1, True)
    loader.export([("A-1", ("05012345678900",), Decimal(2), True)])
    assert load(run, file("barcode,price\n5012345678900,2\n"), "--dry-run").status == 0


# -- held --------------------------------------------------------------------------------------------------------------


def test_held_is_listed(run: Run, held_price: Catalogue) -> None:
    """What is held is shown beside what the platform has."""
    ran = run("catalogue", "held")
    assert (ran.status, "2 prices and 0 files held" in ran.err) == (0, True)
    assert all(text in ran.out for text in ("A-1", "price 3.5", "price 35", "price 36"))
    [one] = run("catalogue", "held", "--store", STORE, "--json").json
    assert [(it["sku"], it["confirmed"]["price"], it["held"]["price"]) for it in one["prices"]] == [
        ("A-1", 3.5, 35),
        ("B-2", 3.5, 36),
    ]
    assert run("catalogue", "show", STORE, "A-1", "--json").json["held"][0]["values"] == {"price": 35}


def test_nothing_held(run: Run, catalogue: Catalogue) -> None:
    """Where nothing is held, it says so."""
    catalogue.enrol()
    ran = run("catalogue", "held")
    assert (ran.status, ran.out, "0 prices and 0 files held" in ran.err) == (0, "", True)


def test_held_price_is_released(run: Run, held_price: Catalogue) -> None:
    """A released price waits to be sent; the other stays held; who released it and why is recorded."""
    ran = run("catalogue", "release", "A-1", "--store", STORE, *WHY, "--dry-run")
    assert (ran.status, "nothing was changed" in ran.err, "taken" in ran.out) == (0, True, True)
    assert len(run("catalogue", "held", "--json").json[0]["prices"]) == 2
    ran = run("catalogue", "release", "A-1", "--store", STORE, *WHY, "--yes", "--json")
    assert (ran.status, [it["effect"] for it in ran.json["prices"]]) == (0, ["taken"])
    assert held_price.tables.products.many(STORE, ["A-1"])["A-1"].values.price == Decimal(35)
    [left] = run("catalogue", "held", "--json").json[0]["prices"]
    assert left["sku"] == "B-2"
    [decided] = held_price.tables.decisions.of_store(STORE)
    assert (decided.why, decided.by[:8], {*decided.lines}) == ("price confirmed", "arn:aws:", {"A-1"})


def test_all_held_prices_are_dropped(run: Run, held_price: Catalogue) -> None:
    """Dropped prices are forgotten, and the products stay as they were."""
    assert run("catalogue", "drop", "--all-prices", "--store", STORE, *WHY).status == 3
    ran = run("catalogue", "drop", "--all-prices", "--store", STORE, *WHY, "--yes")
    assert (ran.status, "2 held prices are dropped" in ran.err) == (0, True), ran.err
    assert held_price.tables.products.many(STORE, ["A-1"])["A-1"].values.price == Decimal("3.5")
    assert run("catalogue", "held", "--json").json == []


@pytest.fixture
def held_file(catalogue: Catalogue) -> Catalogue:
    """A store with a whole list that is held, since it is much shorter than the one before."""
    catalogue.enrol()
    catalogue.put("first.csv", HEADER + "".join(f"K-{number},2,true,3\n" for number in range(60)), "lists")
    catalogue.put("short.csv", HEADER + "K-1,2.1,true,3\n", "lists")
    return catalogue


def test_held_file_is_listed(run: Run, held_file: Catalogue) -> None:
    """A held file is shown with what it would do and why it is held; the store's status counts it."""
    ran = run("catalogue", "held")
    assert all(text in ran.out for text in ("short.csv", "it is much shorter than the last list"))
    [one] = run("catalogue", "held", "--json").json
    assert (one["files"][0]["file"], one["files"][0]["reasons"]) == (f"lists/{STORE}/short.csv", ["short_list"])
    assert run("catalogue", "status", "--json").json[0]["held_files"] == 1


def test_held_file_is_released(run: Run, held_file: Catalogue) -> None:
    """A released file is left to the loader, by a message on its queue after the decision was written."""
    ran = run("catalogue", "release", "--file", "short.csv", "--store", STORE, *WHY, "--yes")
    assert (ran.status, "the file is released" in ran.err) == (0, True), ran.err
    url = held_file.stack.output("FilesQueueUrl")
    [message] = held_file.stack.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert f"lists/{STORE}/short.csv" in message["Body"]
    held_file.take_files()
    assert {row.state for row in held_file.tables.files.of_store(STORE)} == {FileState.LOADED}


def test_held_file_is_dropped(run: Run, held_file: Catalogue) -> None:
    """A dropped file is never loaded."""
    assert (
        "nothing was changed"
        in run("catalogue", "drop", "--file", "short.csv", "--store", STORE, *WHY, "--dry-run").err
    )
    ran = run("catalogue", "drop", "--file", f"lists/{STORE}/short.csv", "--store", STORE, *WHY, "--yes")
    assert (ran.status, "it is never loaded" in ran.err) == (0, True), ran.err
    assert held_file.state_of(f"lists/{STORE}/short.csv") is FileState.DROPPED


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ((), 1, "which of what is held?"),
        (("A-1", "--all-prices"), 1, "which of what is held?"),
        (("Z-9",), 1, "no price is held of 1 product: Z-9"),
        (("--file", "nothing.csv"), 1, "no file nothing.csv is held"),
    ],
)
@pytest.mark.parametrize("verb", ["release", "drop"])
def test_wrong_decisions_are_explained(
    run: Run, held_price: Catalogue, verb: str, options: tuple[str, ...], status: int, text: str
) -> None:
    """A decision on nothing that is held, or on nothing in particular, is a sentence."""
    ran = run("catalogue", verb, *options, "--store", STORE, *WHY, "--yes")
    assert (ran.status, text in ran.err) == (status, True), ran.err
    assert len(run("catalogue", "held", "--json").json[0]["prices"]) == 2


def test_decision_without_prices(run: Run, catalogue: Catalogue) -> None:
    """--all-prices where none is held is a sentence; a decision needs a reason."""
    catalogue.enrol()
    ran = run("catalogue", "release", "--all-prices", "--store", STORE, *WHY)
    assert (ran.status, f"no price is held of the store {STORE}" in ran.err) == (1, True)
    ran = run("catalogue", "release", "--all-prices", "--store", STORE, "--reason", " ")
    assert (ran.status, "a reason has 1 to 300" in ran.err) == (1, True)


def test_refused_files_are_listed(run: Run, catalogue: Catalogue) -> None:
    """Files that the loader refused are among what was refused, with the reason."""
    catalogue.enrol()
    catalogue.put("empty.csv", "")
    ran = run("catalogue", "refused")
    assert all(text in ran.out for text in ("empty.csv", "The file is empty."))
    assert "1 refused file" in ran.err
    [one] = run("catalogue", "refused", "--json").json
    assert one["files"][0]["problem"].startswith("The file is empty.")


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"problems": [], "lines": []}', b"\xff"])
def test_damaged_report_is_left_out(catalogue: Catalogue, content: bytes, run: Run) -> None:
    """A report that somebody overwrote takes nothing else with it."""
    catalogue.enrol()
    catalogue.put("prices.csv", LIST)
    row: Any = next(catalogue.tables.files.of_store(STORE))
    assert report_of(catalogue.stack, row) is not None
    catalogue.stack.client("s3").put_object(Bucket=BUCKET, Key=row.report_key, Body=content)
    assert report_of(catalogue.stack, row) is None
    assert run("catalogue", "show", STORE).status == 0
