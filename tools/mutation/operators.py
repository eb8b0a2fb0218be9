"""What can be changed in a module's code, one small change at a time.

Not mutated are annotations, docstrings, imports and decorators. Nor is ``strict`` of ``zip``: it guards against
mistakes in our own code, so no input makes a difference.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What a part of the code becomes: what it was and what it is, in words, and the node in its place.
type Change = tuple[str, str, ast.AST]

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
STRICT = "strict"
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHODS = {
    "lower": "upper",
    "upper": "lower",
    "strip": "lstrip",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "partition": "rpartition",
    "rpartition": "partition",
    "removeprefix": "removesuffix",
    "removesuffix": "removeprefix",
    "startswith": "endswith",
    "endswith": "startswith",
}
_SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
    ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.LShift: "<<",
    ast.RShift: ">>", ast.And: "and", ast.Or: "or",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. ``name`` says where it is and what it does, and is unique in the module; it stays when other lines
    change. ``lines`` are those of the statement. ``function`` is the outermost function whose body has it, by its
    qualified name; None for what runs when the module is imported. ``plant`` changes the tree that it came from."""

    name: str
    lines: range
    function: str | None
    plant: Callable[[], None]


def mutants_of(source: str) -> tuple[ast.Module, list[Mutant]]:
    """A module's tree, and every change of it."""
    tree = ast.parse(source)
    finder = _Finder(source.splitlines())
    finder.visit_body(tree, "body", _Place("", None, range(0)))
    return tree, finder.mutants


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    function: str | None
    lines: range

    def within(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name


class _Finder:
    def __init__(self, source: list[str]) -> None:
        self.mutants: list[Mutant] = []
        self._source = source
        self._names: Counter[str] = Counter()

    def visit_body(self, node: ast.AST, field: str, place: _Place) -> None:
        statements: list[ast.stmt] = getattr(node, field)
        for index, statement in enumerate(statements):
            if not (index == 0 and _is_docstring(statement)):
                self._visit_statement(node, field, index, statement, place)

    def _visit_statement(self, parent: ast.AST, field: str, index: int, node: ast.stmt, place: _Place) -> None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.TypeAlias() | ast.Global() | ast.Nonlocal():
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
            case ast.ClassDef(name=name):
                self.visit_body(node, "body", _Place(place.within(name), place.function, place.lines))
                return
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                # Defaults are worked out when the function is defined.
                self._visit_children(node.args, _Place(place.within(name), place.function, _lines_of(node)))
                inner = place.function or place.within(name)
                self.visit_body(node, "body", _Place(place.within(name), inner, range(0)))
                return
        place = _Place(place.name, place.function, _lines_of(node))
        self._add(node, _Slot(parent, field, index), place)
        self._visit_children(node, place)

    def _visit_children(self, node: ast.AST, place: _Place) -> None:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_params"):
                continue
            if isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    self.visit_body(node, field, place)
                else:
                    for index, item in enumerate(value):
                        self._visit(item, _Slot(node, field, index), place)
            else:
                self._visit(value, _Slot(node, field, None), place)

    def _visit(self, node: object, slot: "_Slot", place: _Place) -> None:
        if not isinstance(node, ast.AST) or isinstance(node, ast.expr_context):
            return
        if isinstance(node, ast.keyword) and node.arg == STRICT:
            return
        self._add(node, slot, place)
        if isinstance(node, ast.JoinedStr):
            # Its texts are changed together.
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    self._visit(part.value, _Slot(part, "value", None), place)
        elif not isinstance(node, ast.MatchValue):
            self._visit_children(node, place)

    def _add(self, node: ast.AST, slot: "_Slot", place: _Place) -> None:
        for old, new, replacement in (*_changes(node), *slot.changes_of_condition(node)):
            line = self._source[getattr(node, "lineno", place.lines.start) - 1].strip()
            name = f"{place.name or '(module)'}: {line} [{old} => {new}]"
            self._names[name] += 1
            if self._names[name] > 1:
                name += f" #{self._names[name]}"
            ast.copy_location(replacement, node)
            self.mutants.append(Mutant(name, place.lines, place.function, _planting(slot, replacement)))


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a node is in the tree."""

    parent: ast.AST
    field: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node

    def changes_of_condition(self, node: ast.AST) -> Iterator[Change]:
        """A condition that is only a name or a call has nothing else to change, so it is negated."""
        is_condition = self.field == "test" or (self.field == "ifs" and isinstance(self.parent, ast.comprehension))
        if is_condition and isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr | ast.Subscript):
            yield "", "not", ast.UnaryOp(ast.Not(), node)


def _planting(slot: _Slot, replacement: ast.AST) -> Callable[[], None]:
    def plant() -> None:
        slot.put(ast.fix_missing_locations(replacement))

    return plant


def _lines_of(node: ast.stmt) -> range:
    """The lines of a statement; of one that has others in it, those before them."""
    last = node.end_lineno or node.lineno
    inner = [
        part[0].lineno
        for part in (getattr(node, field, None) for field in ("body", "cases"))
        if part and hasattr(part[0], "lineno")
    ]
    return range(node.lineno, max(min((last + 1, *inner)), node.lineno + 1))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _changes(node: ast.AST) -> Iterator[Change]:
    if changes := _CHANGES.get(type(node)):
        yield from changes(node)


def _compared(node: ast.Compare) -> Iterator[Change]:
    for index, sign in enumerate(node.ops):
        other = COMPARISONS[type(sign)]
        signs = [*node.ops[:index], other(), *node.ops[index + 1 :]]
        yield _SIGNS[type(sign)], _SIGNS[other], ast.Compare(node.left, signs, node.comparators)


def _boolean(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield _SIGNS[type(node.op)], _SIGNS[other], ast.BoolOp(other(), node.values)


def _calculated(node: ast.BinOp) -> Iterator[Change]:
    if other := ARITHMETIC.get(type(node.op)):
        yield _SIGNS[type(node.op)], _SIGNS[other], ast.BinOp(node.left, other(), node.right)


def _added(node: ast.AugAssign) -> Iterator[Change]:
    if other := ARITHMETIC.get(type(node.op)):
        yield f"{_SIGNS[type(node.op)]}=", f"{_SIGNS[other]}=", ast.AugAssign(node.target, other(), node.value)
    target = ast.parse(ast.unparse(node.target), mode="eval").body
    if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        target.ctx = ast.Store()
        yield f"{_SIGNS[type(node.op)]}=", "=", ast.Assign([target], node.value)


def _negated(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield "not", "", node.operand


def _constant(node: ast.Constant) -> Iterator[Change]:
    match node.value:
        case bool(value):
            yield str(value), str(not value), ast.Constant(not value)
        case int(value) | float(value):
            yield str(value), str(value + 1), ast.Constant(value + 1)
        case str(value):
            yield repr(value), repr(f"XX{value}XX"), ast.Constant(f"XX{value}XX")
        case bytes(value):
            yield repr(value), repr(b"XX" + value + b"XX"), ast.Constant(b"XX" + value + b"XX")


def _text(node: ast.JoinedStr) -> Iterator[Change]:
    yield "f", "fXX", ast.JoinedStr([ast.Constant("XX"), *node.values, ast.Constant("XX")])


def _called(node: ast.Call) -> Iterator[Change]:
    match node.func:
        case ast.Name(id=name) if name in FUNCTIONS:
            yield name, FUNCTIONS[name], ast.Call(ast.Name(FUNCTIONS[name], ast.Load()), node.args, node.keywords)
        case ast.Attribute(value=value, attr=name) if name in METHODS:
            method = ast.Attribute(value, METHODS[name], ast.Load())
            yield name, METHODS[name], ast.Call(method, node.args, node.keywords)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, STRICT):
            others = [*node.keywords[:index], *node.keywords[index + 1 :]]
            yield f"{keyword.arg}=", "", ast.Call(node.func, node.args, others)


def _chosen(node: ast.IfExp) -> Iterator[Change]:
    yield "if", "always", node.body
    yield "if", "never", node.orelse


def _returned(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield "return", "return None", ast.Return(ast.Constant(None))


def _done(node: ast.Expr) -> Iterator[Change]:
    if isinstance(node.value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
        yield "call", "pass", ast.Pass()


def _ended(_: ast.Break) -> Iterator[Change]:
    yield "break", "continue", ast.Continue()


def _continued(_: ast.Continue) -> Iterator[Change]:
    yield "continue", "break", ast.Break()


def _caught(node: ast.ExceptHandler) -> Iterator[Change]:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
    for index, kind in enumerate(kinds):
        others: list[ast.expr] = [*kinds[:index], *kinds[index + 1 :]]
        yield ast.unparse(kind), "", ast.ExceptHandler(ast.Tuple(others, ast.Load()), node.name, node.body)


def _members(node: ast.Set) -> Iterator[Change]:
    if len(node.elts) > 1:
        for index, member in enumerate(node.elts):
            yield ast.unparse(member), "", ast.Set([*node.elts[:index], *node.elts[index + 1 :]])


def _entries(node: ast.Dict) -> Iterator[Change]:
    for index, key in enumerate(node.keys):
        if key is not None:
            keys = [*node.keys[:index], *node.keys[index + 1 :]]
            yield f"{ast.unparse(key)}:", "", ast.Dict(keys, [*node.values[:index], *node.values[index + 1 :]])


def _cases(node: ast.Match) -> Iterator[Change]:
    if len(node.cases) > 1:
        for index, case in enumerate(node.cases):
            cases = [*node.cases[:index], *node.cases[index + 1 :]]
            yield f"case {ast.unparse(case.pattern)}", "", ast.Match(node.subject, cases)


_CHANGES: dict[type[ast.AST], Callable[..., Iterator[Change]]] = {
    ast.Compare: _compared,
    ast.BoolOp: _boolean,
    ast.BinOp: _calculated,
    ast.AugAssign: _added,
    ast.UnaryOp: _negated,
    ast.Constant: _constant,
    ast.JoinedStr: _text,
    ast.Call: _called,
    ast.IfExp: _chosen,
    ast.Return: _returned,
    ast.Expr: _done,
    ast.Break: _ended,
    ast.Continue: _continued,
    ast.ExceptHandler: _caught,
    ast.Set: _members,
    ast.Dict: _entries,
    ast.Match: _cases,
}
