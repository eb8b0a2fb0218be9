"""What the simulated platform makes of files: the rules of docs/platform.md 11, and nothing else."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.picked_files import CATALOGUE, PROMOTIONS, Picked, PickedFiles

NOW = datetime(2026, 5, 6, 9, tzinfo=UTC)
NAME, STORE = "chain_q7zk.csv", "q7zk"
COLUMNS = (
    "sku,campaign_name,reason,start_date,end_date,promotion_type,promotion_sub_type,discounted_price,bundle_details"
)
DATES = "2026-05-06 00:00:00,2026-05-12 23:59:59"


@pytest.fixture
def files() -> PickedFiles:
    catalogue = Catalogue(seed=3)
    for vendor in (STORE, "r2mm"):
        catalogue.fill(vendor, 4)
    return PickedFiles(catalogue, "chain")


def sku(files: PickedFiles, number: int = 0, vendor: str = STORE) -> str:
    return files.catalogue.products(vendor)[number].sku


def picked(files: PickedFiles, text: str, name: str = NAME, kind: str = CATALOGUE) -> Picked:
    [found] = files.pick(kind, {name: text.encode()}, NOW)
    return found


def test_file_takes_effect(files: PickedFiles) -> None:
    """Prices and availability take effect where a cell says something; a new SKU is an error of its line."""
    first, second = sku(files), sku(files, 1)
    before = files.catalogue.shown(STORE)[second].price
    found = picked(files, f"sku,price,active\n{first},3.55,0\n{second},,1\nNEW-1,2,1\n")
    assert (found.problem, found.rows, [*found.errors]) == ("", 3, [4])
    shown = files.catalogue.shown(STORE)
    assert (shown[first].price, shown[first].active) == (Decimal("3.55"), False)
    assert (shown[second].price, shown[second].active) == (before, True)


def test_quantity_is_compared_with_the_buffer(files: PickedFiles) -> None:
    """Pieces up to the sales buffer are not for sale."""
    product = files.catalogue.products(STORE)[0]
    product.buffer = 2
    for quantity, is_sold in ((3, True), (2, False)):
        assert picked(files, f"sku,quantity\n{product.sku},{quantity}\n").errors == {}
        assert files.catalogue.shown(STORE)[product.sku].active is is_sold


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("other_q7zk.csv", "sku,price\n", "the name is not"),
        ("chain_nowhere.csv", "sku,price\n", "no vendor nowhere"),
        ("chain.csv", "sku,price\n", "many vendors"),
        (NAME, "sku,price,vendors\n", "many vendors"),
        (NAME, "sku,colour\n", "unknown column colour"),
        (NAME, "price\n", "no column sku"),
        (NAME, "sku,active,quantity\n", "either active or quantity"),
        (NAME, "sku,price\nA,1", "too many or too few cells"),
        (NAME, "sku,price\nA,1,2\n", "too many or too few cells"),
    ],
)
def test_whole_file_fails(files: PickedFiles, name: str, text: str, problem: str) -> None:
    """A wrong name, unknown columns, both stock columns or half a line fail the whole file."""
    assert problem in picked(files, text, name).problem


def test_shared_file_names_its_stores(files: PickedFiles) -> None:
    """A row of a file of many stores is true of those that it names, or of all but some."""
    files.catalogue.stock("r2mm", files.catalogue.products(STORE))
    first, second = sku(files), sku(files, 1)
    found = picked(files, f'sku,price,vendors,exclude\n{first},3,all,r2mm\n{second},4,"q7zk,r2mm",\n', "chain.csv")
    assert (found.problem, found.errors) == ("", {})
    assert files.catalogue.shown(STORE)[first].price == 3
    assert files.catalogue.shown("r2mm")[second].price == 4
    bad = picked(files, f"sku,price,vendors,exclude\n{first},3,nowhere,\n{first},3,q7zk,r2mm\n", "chain.csv")
    assert [*bad.errors] == [2, 3]


def test_unchanged_file_is_picked_up_once(files: PickedFiles, tmp_path: Path) -> None:
    """The same content is picked up once; a changed one again."""
    (tmp_path / NAME).write_text(f"sku,price\n{sku(files)},3\n")
    assert len(files.pick_up(CATALOGUE, tmp_path, NOW)) == 1
    assert files.pick_up(CATALOGUE, tmp_path, NOW) == []
    (tmp_path / NAME).write_text(f"sku,price\n{sku(files)},4\n")
    assert len(files.pick_up(CATALOGUE, tmp_path, NOW)) == 1
    assert len(files.history) == 2


def test_promotion_ends_by_the_identical_row(files: PickedFiles) -> None:
    """A row with another price does not end a promotion; the identical one does."""
    begin = f"{sku(files)},Dairy week,trading,{DATES},strikethrough,,0.01,"
    head = f"{COLUMNS},campaign_status\n"
    assert picked(files, f"{head}{begin},1\n", kind=PROMOTIONS).errors == {}
    assert len(files.running(STORE)) == 1
    other = begin.replace("0.01", "0.02")
    assert "identical" in picked(files, f"{head}{other},0\n", kind=PROMOTIONS).errors[2]
    assert len(files.running(STORE)) == 1
    assert picked(files, f"{head}{begin},0\n", kind=PROMOTIONS).errors == {}
    assert files.running(STORE) == []


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (f"Dairy week,trading,{DATES},strikethrough,,99999,", "not below the price"),
        (f",trading,{DATES},strikethrough,,0.01,", "campaign_name is empty"),
        ("Dairy week,trading,2026-05-06,2026-05-07,strikethrough,,0.01,", "a date is not"),
        (f"Dairy week,trading,{DATES},sale,,0.01,", "unknown promotion_type"),
        (f"Dairy week,trading,{DATES},same_item_bundle,half,,B2G1", "unknown promotion_sub_type"),
        (f"Dairy week,trading,{DATES},same_item_bundle,free_item,,2+1", "bundle_details"),
    ],
)
def test_bad_promotion_is_an_error_of_its_line(files: PickedFiles, row: str, error: str) -> None:
    """A promotion that breaks a rule fails alone."""
    found = picked(files, f"{COLUMNS}\n{sku(files)},{row}\n", kind=PROMOTIONS)
    assert error in found.errors[2]
    assert files.running(STORE) == []


def test_too_many_promotions_fail(files: PickedFiles) -> None:
    """A file of promotions has 20,000 rows with its first line."""
    row = f"{sku(files)},Dairy week,trading,{DATES},strikethrough,,0.01,\n"
    assert picked(files, f"{COLUMNS}\n{row * 19_999}", kind=PROMOTIONS).problem == ""
    assert "more than 20,000" in picked(files, f"{COLUMNS}\n{row * 20_000}", kind=PROMOTIONS).problem
