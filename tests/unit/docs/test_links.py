"""Links of the documentation resolve, and the names that its tables give exist."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "layers" / "partner_orders" / "partner_orders"
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The fragments that GitHub gives the headings of a page."""
    seen: Counter[str] = Counter()
    slugs = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", without_code(text), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        slugs.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return slugs


def broken_links(page: Path, text: str) -> list[str]:
    """The relative links of a page whose file or heading does not exist."""
    links = re.findall(r"\]\(([^)\s]+)\)", without_code(text))
    return [link for link in links if not re.match(r"[a-z]+:", link) and not resolves(page, text, link)]


def resolves(page: Path, text: str, link: str) -> bool:
    name, _, fragment = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists() or not fragment:
        return target.exists()
    return fragment in anchors(target.read_text(encoding="utf-8") if name else text)


def table_under(page: Path, heading: str) -> str:
    """The rows of the table under a heading."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 2, heading
    return "\n".join(rows[2:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """Every relative link of a page leads to a file, and to a heading if it names one."""
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


def test_broken_links_are_found() -> None:
    """The check finds a link whose file or heading does not exist."""
    text = "# One\n\n## A `b`, c\n\n## A b c\n\n[x](no.md) [y](README.md#none) [z](#a-b-c) [a](#a-b-c-1) [b](#two)\n"
    assert broken_links(ROOT / "README.md", text) == ["no.md", "README.md#none", "#two"]


@pytest.mark.parametrize("heading", ["The parts", "Where to find things"])
def test_architecture_names_exist(heading: str) -> None:
    """Every path of the tables is a file or a folder; other names are resources of a template or of the code."""
    templates = [(ROOT / name).read_text(encoding="utf-8") for name in ("template.yaml", "catalogue.yaml")]
    below = "".join(text.partition("\nResources:\n")[2] for text in templates)
    resources = {*re.findall(r"^  (\w+):$", below, re.MULTILINE)}
    sources = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    defined = {name for source in sources for name in re.findall(r"(?:def|class) (\w+)", source)}
    names = re.findall(r"`([^`]+)`", table_under(ROOT / "docs" / "architecture.md", heading))
    assert names
    for name in names:
        if name.endswith(("/", ".py")):
            assert (ROOT / name).exists() or (PACKAGE / name).exists(), name
        else:
            assert name in resources or {*name.split(".")} <= defined, name


def test_every_part_is_in_architecture() -> None:
    """Every folder of the package and of tools/ has its row."""
    table = table_under(ROOT / "docs" / "architecture.md", "The parts")
    parts = [f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")]
    tools = [f"tools/{path.name}/" for path in (ROOT / "tools").iterdir() if path.is_dir() and path.name[0] not in "._"]
    assert [name for name in [*parts, *tools] if f"| `{name}` |" not in table] == []


def test_every_decision_is_indexed() -> None:
    """The index has each decision with its title and status."""
    index = re.findall(r"^\| \[(.+)\]\((.+)\) \| (.+) \|$", (DECISIONS / "README.md").read_text("utf-8"), re.MULTILINE)
    pages = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title, _, status = path.read_text(encoding="utf-8").split("\n")[:3]
        pages.append((title.removeprefix("# "), path.name, status.removeprefix("Status: ")))
    assert index == pages
