"""A function's handler as a cold start loads it."""

from importlib.util import find_spec, module_from_spec
from types import ModuleType


def fresh_handler(function: str) -> ModuleType:
    """Load a function's handler module anew, with caches, a logger and metrics of its own.

    The module is not put into ``sys.modules``, so whoever asks may patch its names. ``function`` is the part's name, as
    in ``functions/``. Raises ModuleNotFoundError if there is none.
    """
    return fresh_module(f"partner_orders.{function}.handler")


def fresh_module(name: str) -> ModuleType:
    """Load a module anew, as fresh_handler() does. Raises ModuleNotFoundError if there is none."""
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
