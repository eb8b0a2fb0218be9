"""Planted bugs in the table of stores."""

from tools.simulation.mutants.bugs.complaints import UNFINISHED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/stores"
_STORES = f"{_PART}/table.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "registered-before-it-is",
        "A store is remembered as registered before it was written.",
        _STORES,
        "StoresTable.register",
        "        update = self._registering()\n",
        "        update = self._registering()\n        self._registered.add(identity)\n",
        UNFINISHED,
    ),
    one_edit(
        "register-strangers",
        "A store of another chain is registered, and asked after.",
        _STORES,
        "StoresTable.register",
        "        if self.is_foreign(store):\n            return\n",
        "",
    ),
]
