"""Planted bugs in the table of stores, and in what the operator is shown of them."""

from tools.simulation.mutants.bugs.complaints import LATE, UNFINISHED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders"
_STORES = f"{_PART}/stores/table.py"
_FACTS = f"{_PART}/stores/facts.py"
_DIRECTORY = f"{_PART}/stores/directory.py"
_ERASED = f"{_PART}/orders/erased_orders.py"
_OPERATIONS = "partner_orders_console/operations"

MUTANTS: list[Mutant] = [
    one_edit(
        "registered-before-it-is",
        "A store is remembered as registered before it was written.",
        _STORES,
        "StoresTable._merge",
        "        code, holding = told.code, Holding()\n",
        "        code, holding = told.code, Holding()\n"
        "        self._read_at[told.store_id, told.code] = self._clock()\n"
        "        self._remember(told.store_id or code or '', told.facts)\n"
        "        self._holdings[code or ''] = _claim(told, told.facts) or Holding()\n",
        UNFINISHED,
    ),
    one_edit(
        "register-strangers",
        "A store of another chain is registered, and asked after.",
        _STORES,
        "StoresTable.register",
        "        if told is None or self.is_foreign(store) or self._is_known(told):\n",
        "        if told is None or self._is_known(told):\n",
    ),
    one_edit(
        "store-of-the-last-arrival",
        "A store's row takes the values of the event that arrives last.",
        _FACTS,
        "merged",
        "max(side.get(name, NOTHING) for side in sides)",
        "next((side[name] for side in reversed(sides) if side.get(name, NOTHING).value), NOTHING)",
        LATE,
    ),
    one_edit(
        "stores-remembered-for-ever",
        "A warm environment never notices that another one has changed a store.",
        _STORES,
        "StoresTable._is_known",
        "if read_at is None or self._clock() - read_at >= FRESH:",
        "if read_at is None:",
    ),
    one_edit(
        "store-written-without-its-version",
        "Of two environments that write a store at once, the slower one wins.",
        _STORES,
        "StoresTable._write_facts",
        "update.only_if(_as_read(row))",
        "update",
    ),
    one_edit(
        "late-claim-takes-the-code",
        "A late event of a closed store takes its old code from the store that has it.",
        _STORES,
        "StoresTable._hold",
        "if event.code == code:",
        "if event.code != code:",
        LATE,
    ),
    one_edit(
        "released-code-stays",
        "A code that its store has given up still leads to it, though another store says that it has it.",
        _STORES,
        "StoresTable._release",
        "if left.store_ids:",
        "if False:",
    ),
    one_edit(
        "who-moved-on-keeps-the-code",
        "A store that has moved on to another code keeps its old one from a store that says that it has it.",
        _STORES,
        "StoresTable._hold",
        "and not self._still_say(holding.store_ids, code)",
        "and False",
    ),
    one_edit(
        "code-of-two-stores-picks-one",
        "A code that two stores have at once names one of them in silence.",
        _DIRECTORY,
        "StoreDirectory.named",
        "if len(holders) > 1:",
        "if len(holders) > 9:",
    ),
    one_edit(
        "store-by-its-code-stays",
        "A store that was known by its code alone stays a second store.",
        _STORES,
        "StoresTable._write_facts",
        "if is_provisional and row is None:",
        "if False:",
    ),
    one_edit(
        "capital-ids-are-others",
        "Bytes that name an erased order in capital letters are kept.",
        _ERASED,
        "named_orders",
        "order_id.lower() if",
        "order_id if",
    ),
    one_edit(
        "formula-after-a-semicolon",
        "A formula after a semicolon runs where a spreadsheet splits cells there.",
        f"{_OPERATIONS}/spreadsheet.py",
        "_BEGINS_A_FORMULA",
        "(^|[;,\\t\\r\\n])",
        "(^)",
    ),
    one_edit(
        "export-for-everybody",
        "A file with customers' data that was there before stays readable to everybody.",
        f"{_OPERATIONS}/exporting.py",
        "opened",
        "os.fchmod(descriptor, 0o600)",
        "os.fstat(descriptor)",
    ),
    one_edit(
        "digits-of-one-script",
        "A number in another script's digits is not the customer's.",
        f"{_PART}/orders/readable_text.py",
        "_digit",
        "letter if value is None else str(value)",
        "letter",
    ),
]
