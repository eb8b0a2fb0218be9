"""What is known of a store, and which store has a code."""

from tools.promises.promise import PACKAGE, Entry, NoPromise, promise, proof

_FACTS = f"{PACKAGE}/stores/facts.py"
_TABLE = f"{PACKAGE}/stores/table.py"
_DIRECTORY = f"{PACKAGE}/stores/directory.py"

_INTAKE = f"{PACKAGE}/consumer/intake.py"

_BY_CLOCK = "tests/contracts/test_stores_by_clock.py"

ONE_ROW = proof(
    f"{_BY_CLOCK}::test_store_by_its_code_alone_is_one_store[fake-True]",
    "A store that was first known by its code alone stays a store of its own.",
    _TABLE,
    "StoresTable._merge",
    "            self._take_over(code, holding.store_id)",
    "            pass",
)

STORES: tuple[Entry, ...] = (
    promise(
        "A store's name, country and code are those of the event with the latest platform clock, in whatever order events "
        "arrive.",
        proof(
            f"{_BY_CLOCK}::test_name_follows_the_platforms_clock[fake]",
            "A store has the name that came last.",
            _FACTS,
            "merged",
            "max(side.get(name, NOTHING) for side in sides)",
            "next((side[name] for side in reversed(sides) if side.get(name, NOTHING).value), NOTHING)",
        ),
        proof(
            "tests/integration/consumer/test_stores.py::test_name_that_older_orders_repeat_stays",
            "Of a store's orders only the newest one is asked how lately a name was said.",
            _TABLE,
            "NEWEST_ORDERS",
            "NEWEST_ORDERS = 10",
            "NEWEST_ORDERS = 1",
        ),
        proof(
            f"{_BY_CLOCK}::test_each_fact_keeps_its_own_clock[fake]",
            "A store keeps the first country that was said.",
            _FACTS,
            "told_by",
            "{name: Fact(said_at, value) for name, value in values.items() if value}",
            '{name: Fact(said_at if name != "country_code" else "", value) for name, value in values.items() if value}',
        ),
        proof(
            f"{_BY_CLOCK}::test_swapped_codes[fake]",
            "A store keeps its first code.",
            _FACTS,
            "told_by",
            "{name: Fact(said_at, value) for name, value in values.items() if value}",
            '{name: Fact(said_at if name != CODE else "", value) for name, value in values.items() if value}',
        ),
        proof(
            f"{_BY_CLOCK}::test_each_fact_is_the_latest[fake-country_code]",
            "When the country was said is not stored, so a new environment takes an older one for news.",
            _FACTS,
            "set_facts",
            "name + _SAID_AT: fact.said_at or None",
            'name + _SAID_AT: (fact.said_at or None) if name != "country_code" else None',
        ),
        proof(
            "tests/integration/consumer/test_stores.py::test_latest_clock_tells_the_store",
            "The consumer registers stores without the platform's clock.",
            _INTAKE,
            "Intake._register_stores",
            "self._stores.register(event.order.client, event.occurred_at)",
            "self._stores.register(event.order.client)",
        ),
        proof(
            "tests/integration/consumer/test_stores.py::test_latest_event_of_an_order_tells_the_store",
            "Of the events of a batch the first tells of the store.",
            _INTAKE,
            "Intake._register_stores",
            "sorted(events, key=lambda event: event.moment, reverse=True)",
            "events[:1]",
        ),
        proof(
            "tests/unit/template/test_permissions.py::test_orders_have_what_they_need",
            "The consumer may not read a store's newest orders, so a store whose name changes is not updated "
            "and its events fail.",
            "template.yaml",
            "ConsumerRole",
            "                  - !Sub ${OrdersTable.Arn}/index/by-time\n",
            "",
        ),
        proof(
            "tests/unit/stores/test_facts.py::test_event_tells_of_its_store",
            "A store keeps its first code.",
            f"{PACKAGE}/stores/facts.py",
            "told_by",
            "{name: Fact(said_at, value) for name, value in values.items() if value}",
            '{name: Fact(said_at if name != CODE else "", value) for name, value in values.items() if value}',
        ),
    ),
    NoPromise(
        "Two environments of the consumer may disagree for a while.", "A limit; the next sentence says how it ends."
    ),
    promise(
        "Then the store's next event after a minute settles it.",
        proof(
            f"{_BY_CLOCK}::test_other_environments_write_is_noticed[fake]",
            "An environment never reads a store again.",
            _TABLE,
            "FRESH",
            "timedelta(minutes=1)",
            "timedelta(days=1)",
        ),
        proof(
            f"{_BY_CLOCK}::test_busy_store_is_read_again[fake]",
            "A store of which events keep coming is never read again.",
            _TABLE,
            "StoresTable._is_known",
            "            self._facts[store_id] = wanted\n",
            "            self._facts[store_id] = wanted\n"
            "            self._read_at[told.store_id, told.code] = self._clock()\n",
        ),
        proof(
            f"{_BY_CLOCK}::test_equal_clocks_do_not_depend_on_arrival[fake]",
            "An environment writes what it remembers over the row, so newer facts of another environment are "
            "undone instead of settled.",
            _TABLE,
            "StoresTable._write_facts",
            "facts = merged(present, self._remembered(store_id), told.facts)",
            "facts = merged(self._remembered(store_id), told.facts)",
        ),
        proof(
            "tests/property/stores/test_environments.py::test_latest_name_of_a_store_stays[fake]",
            "An environment writes what it remembers over the row, so newer facts of another environment are undone instead of settled.",
            f"{PACKAGE}/stores/table.py",
            "StoresTable._write_facts",
            "facts = merged(present, self._remembered(store_id), told.facts)",
            "facts = merged(self._remembered(store_id), told.facts)",
        ),
        proof(
            "tests/contracts/test_stores_at_once.py::test_memory_is_fresh_for_a_minute[fake]",
            "An environment never reads a store again.",
            f"{PACKAGE}/stores/table.py",
            "FRESH",
            "timedelta(minutes=1)",
            "timedelta(days=1)",
        ),
    ),
    promise(
        "A code belongs to the store that had it last by that clock.",
        proof(
            f"{_BY_CLOCK}::test_code_is_of_who_had_it_last[fake-5]",
            "A code belongs to the store that claimed it last by arrival.",
            _FACTS,
            "Holding.merged",
            "key=lambda holding: (bool(holding.store_ids), holding.said_at)",
            "key=lambda holding: (bool(holding.store_ids), holding is other)",
        ),
        proof(
            "tests/unit/stores/test_facts.py::test_holdings_of_a_code",
            "A code belongs to the store that claimed it last by arrival.",
            f"{PACKAGE}/stores/facts.py",
            "Holding.merged",
            "key=lambda holding: (bool(holding.store_ids), holding.said_at)",
            "key=lambda holding: (bool(holding.store_ids), holding is other)",
        ),
    ),
    promise(
        "If two stores have a code at the same time, that is an error, and the error names both.",
        proof(
            f"{_BY_CLOCK}::test_code_of_two_stores_at_once_is_an_error[fake-7]",
            "One of the two stores is found.",
            _DIRECTORY,
            "StoreDirectory.named",
            "if len(holders) > 1:",
            "if len(holders) > 2:",
        ),
        proof(
            f"{_BY_CLOCK}::test_code_of_two_stores_at_once_is_an_error[fake-7]",
            "The error names one store.",
            _DIRECTORY,
            "StoreDirectory.named",
            "raise AmbiguousCodeError(name, holders)",
            "raise AmbiguousCodeError(name, holders[:1])",
        ),
        proof(
            "tests/integration/reconciler/test_backfill.py::test_code_of_two_stores_is_rejected[fake]",
            "A backfill says only that it does not know the store.",
            f"{PACKAGE}/reconciler/backfill.py",
            "_wanted_stores",
            "raise InvalidRequestError(str(error)) from None",
            'raise InvalidRequestError("not among the registered stores") from None',
        ),
    ),
    promise(
        "A store has one row.",
        ONE_ROW,
    ),
    promise(
        "At first the store may be known only by the chain's own code.",
        ONE_ROW,
        proof(
            f"{_BY_CLOCK}::test_taken_over_store_keeps_its_settings[fake]",
            "A store of which only the code is known is not registered.",
            _FACTS,
            "told_by",
            "    name = store_of(client)",
            "    name = client.store_id",
        ),
        proof(
            "tests/unit/stores/test_facts.py::test_event_tells_of_its_store",
            "A store of which only the code is known is not registered.",
            f"{PACKAGE}/stores/facts.py",
            "told_by",
            "    name = store_of(client)",
            "    name = client.store_id",
        ),
    ),
)
