"""What is changed in a module, one thing at a time."""

import ast

import pytest

from tools.mutation.operators import mutants_of


def changed(source: str) -> dict[str, str]:
    """Every mutant's name, with the module's text that it makes."""
    texts = {}
    for number, mutant in enumerate(mutants_of(source)[1]):
        tree, mutants = mutants_of(source)
        mutants[number].plant()
        texts[mutant.name] = ast.unparse(tree)
    return texts


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a is None", {"a is not None"}),
        ("a and b", {"a or b"}),
        ("a = b + 1", {"a = b - 1", "a = b + 2"}),
        ("a += 2", {"a -= 2", "a = 2", "a += 3"}),
        ("a = not b", {"a = b"}),
        ("a = True", {"a = False"}),
        ("a = 'x'", {"a = 'XXxXX'"}),
        ("a = f'{b}'", {"a = f'XX{b}XX'"}),
        ("a = b if c else d", {"a = b", "a = d", "a = b if not c else d"}),
        ("a(b)", {"pass"}),
        ("a = max(b)", {"a = min(b)"}),
        ("a = b.strip()", {"a = b.lstrip()"}),
        ("a = b(c=d)", {"a = b()"}),
        ("a = {b, c}", {"a = {b}", "a = {c}"}),
        ("a = {b: c}", {"a = {}"}),
        ("a = [b for b in c if b]", {"a = [b for b in c if not b]"}),
        ("def a():\n    return b", {"def a():\n    return None"}),
        ("while a:\n    break", {"while not a:\n    break", "while a:\n    continue"}),
        ("try:\n    a\nexcept (B, C):\n    d", {f"try:\n    a\nexcept ({kind},):\n    d" for kind in "BC"}),
    ],
)
def test_changes(source: str, expected: set[str]) -> None:
    """Each kind of code is changed in its ways."""
    assert set(changed(source).values()) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'Text.'",
        "import a",
        "type A = 1 | 2",
        "a: 1 | 2",
        "@a(b=1)\nclass C:\n    '''Text.'''",
        "a = zip(b, strict=True)",
    ],
)
def test_what_stays(source: str) -> None:
    """Docstrings, imports, annotations, decorators and strict zips have no mutants."""
    assert changed(source) == {}


def test_names_tell_where() -> None:
    """A mutant is named by its function, its line and the change; a second one that reads the same gets a number."""
    source = "class A:\n    def b(self, c=1):\n        return c + 2 + 2\n"
    assert [(mutant.name, mutant.function, mutant.lines) for mutant in mutants_of(source)[1]] == [
        ("A.b: def b(self, c=1): [1 => 2]", None, range(2, 3)),
        ("A.b: return c + 2 + 2 [return => return None]", "A.b", range(3, 4)),
        ("A.b: return c + 2 + 2 [+ => -]", "A.b", range(3, 4)),
        ("A.b: return c + 2 + 2 [+ => -] #2", "A.b", range(3, 4)),
        ("A.b: return c + 2 + 2 [2 => 3]", "A.b", range(3, 4)),
        ("A.b: return c + 2 + 2 [2 => 3] #2", "A.b", range(3, 4)),
    ]
