"""How a mutant gets into a process: into functions that live already, or into a module that is about to be imported."""

import ast
import gc
import inspect
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType

# Whether a function is a generator or a coroutine.
_KIND = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class CannotPlantError(Exception):
    """The function is not there to be changed: it was made while a module was imported, or lost a variable."""


class LiveFunctions:
    """The functions of some files as they are in this process, also those under decorators."""

    def __init__(self, files: frozenset[str]) -> None:
        self._functions: dict[tuple[str, str, int], list[FunctionType]] = {}
        # tests/conftest.py has frozen them.
        gc.unfreeze()
        for function in gc.get_objects():
            if isinstance(function, FunctionType) and function.__code__.co_filename in files:
                self._functions.setdefault(_key_of(function.__code__), []).append(function)
        gc.freeze()

    def codes(self) -> list[CodeType]:
        """The code of every function, and of what is defined in it."""
        codes = [function.__code__ for functions in self._functions.values() for function in functions]
        return [*codes, *(inner for code in codes for inner in _codes_of(code))]

    def change(self, path: Path, tree: ast.Module, name: str) -> None:
        """Give the function of this qualified name the code that it has in the tree. Raises CannotPlantError."""
        is_changed = False
        for code in _codes_of(compile(tree, str(path), "exec")):
            if code.co_qualname != name:
                continue
            for function in self._functions.get(_key_of(code), ()):
                if (function.__code__.co_flags ^ code.co_flags) & _KIND:
                    raise CannotPlantError(f"{name} is of another kind")
                try:
                    function.__code__ = code
                except ValueError as error:
                    raise CannotPlantError(str(error)) from error
                is_changed = True
        if not is_changed:
            raise CannotPlantError(name)


def _key_of(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def import_changed(module: str, path: Path, tree: ast.Module) -> None:
    """Have a module that is not imported yet run this tree instead of its file."""
    if module in sys.modules:
        raise CannotPlantError(module)
    sys.meta_path.insert(0, _Finder(module, path, compile(tree, str(path), "exec")))


class _Finder(MetaPathFinder):
    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        self._module = module
        self._loader = _Loader(module, str(path))
        self._loader.code = code

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        is_it = fullname == self._module
        return spec_from_file_location(fullname, self._loader.path, loader=self._loader) if is_it else None


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (it is only asked for this one)
        return self.code


def _codes_of(code: CodeType) -> list[CodeType]:
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return [*inner, *(deeper for part in inner for deeper in _codes_of(part))]
