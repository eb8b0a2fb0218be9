"""Which modules are mutated, and which tests know them: the quick ones. A part is what one worker tries."""

from dataclasses import dataclass

DOMAIN = "domain"
RECONCILER = "reconciler"
WEBHOOK = "webhook"
SENDER = "sender"
PLANNER = "planner"
PUBLISHING = "publishing"
STORING = "storing"
TEMPLATES = "templates"
# The least share of a group's mutants that has to be noticed.
LEAST = {
    DOMAIN: 0.9,
    RECONCILER: 0.8,
    WEBHOOK: 0.8,
    SENDER: 0.8,
    PLANNER: 0.8,
    PUBLISHING: 0.8,
    STORING: 0.8,
    TEMPLATES: 0.8,
}


@dataclass(frozen=True, slots=True)
class Part:
    """``modules``: names within ``partner_orders``, or templates. ``tests``: paths and options as pytest
    takes them."""

    group: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _modules(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"{package}.{name}" for name in names.split())


def _tests(package: str, levels: str) -> tuple[str, ...]:
    return tuple(f"tests/{level}/{package}" for level in levels.split())


# The slow ones, too.
EVERY_CASE = ("-m", "")
# These look at no number, and take long.
DESELECTED = (
    "--deselect=tests/unit/template/test_alarm_series.py::test_changed_alarm_misses_its_series",
    "--deselect=tests/unit/template/test_template_laws.py::test_dashboard_shows_existing_metrics",
    "--deselect=tests/unit/template/test_template_laws.py::test_alarmed_metrics_are_emitted",
    "--deselect=tests/unit/template/test_catalogue_laws.py::test_dashboard_shows_existing_metrics",
    "--deselect=tests/unit/template/test_catalogue_laws.py::test_alarmed_metrics_are_emitted",
)
TESTS_OF_TEMPLATES = (
    "tests/unit/template",
    "tests/property/template",
    "tests/unit/docs/test_parameters.py",
    *DESELECTED,
)
# Tests load these anew, as a cold start does, so that nothing can be replaced in the live ones.
LOADED_ANEW = frozenset(
    {"answers.handler", "consumer.handler", "publisher.handler", "sender.handler", "webhook.handler"}
)
PARTS = (
    Part(
        DOMAIN,
        ("exact_json", "content_encoding", "clock"),
        (
            "tests/unit/test_clock.py",
            "tests/unit/test_content_encoding.py",
            "tests/unit/test_exact_json.py",
            "tests/property/test_exact_json.py",
            "tests/unit/orders/test_event.py",
            "tests/property/webhook",
            "tests/unit/platform/test_responses.py",
            "tests/integration/consumer/test_intake.py",
            "tests/integration/webhook/test_endpoint.py",
        ),
    ),
    Part(
        DOMAIN,
        _modules("orders", "digest event fields history lifecycle model packed_body personal_data plan reading"),
        (*_tests("orders", "unit property integration"), "tests/unit/docs/test_data_model.py"),
    ),
    Part(
        DOMAIN,
        _modules("answers", "answer cart judgement put_body reading rules"),
        (*_tests("answers", "unit property integration"), "tests/property/sender"),
    ),
    Part(
        DOMAIN,
        _modules(
            "catalogue",
            "channel desired guards job_result line_columns line_report list_file product result_json result_rows"
            " settlement side_by_side to_send version",
        ),
        (
            *_tests("catalogue", "unit property"),
            "tests/unit/loader",
            "tests/unit/platform/test_catalogue.py",
            "tests/property/results",
            "tests/property/pusher/test_pushing.py",
            "tests/property/loader/test_decisions.py",
            "tests/integration/loader/test_decisions.py",
        ),
    ),
    Part(DOMAIN, _modules("drift", "differences guards"), _tests("drift", "unit property integration")),
    Part(DOMAIN, _modules("exports", "barcodes schedule"), _tests("exports", "unit property integration")),
    Part(
        DOMAIN,
        _modules("promotions", "job_result next_step promotion record state summary trouble wish"),
        _tests("promotions", "unit property"),
    ),
    Part(
        DOMAIN,
        _modules("store_status", "next_step record shown status wish"),
        (*_tests("store_status", "unit property"), "tests/unit/platform/test_store_status.py"),
    ),
    Part(DOMAIN, _modules("stores", "store trading_hours"), _tests("stores", "unit property")),
    Part(
        DOMAIN,
        _modules("uploader", "catalogue_file csv_text file_names promotion_file spool upload_state"),
        _tests("uploader", "unit property integration"),
    ),
    Part(
        RECONCILER,
        _modules("reconciler", "windows narrowing pacing damping schedule"),
        (
            *_tests("reconciler", "unit property"),
            "tests/integration/reconciler/test_narrowing.py",
            "tests/integration/reconciler/test_schedule.py",
            "tests/integration/reconciler/test_run.py",
        ),
    ),
    Part(
        RECONCILER,
        _modules("reconciler", "table"),
        (*_tests("reconciler", "unit property"), "tests/integration/reconciler"),
    ),
    Part(WEBHOOK, _modules("webhook", "endpoint request_body"), _tests("webhook", "property integration")),
    Part(
        WEBHOOK,
        ("webhook.handler",),
        (
            "tests/integration/webhook/test_refusals.py",
            "tests/integration/webhook/test_strangers.py",
            "tests/integration/test_alarms_of_events.py",
            "tests/integration/test_logs.py",
            "tests/unit/template/test_template_laws.py",
            *DESELECTED,
        ),
    ),
    Part(
        SENDER,
        _modules("sender", "sending sweep turn unanswered"),
        (*_tests("sender", "unit property integration"), *EVERY_CASE),
    ),
    Part(
        SENDER,
        ("sender.handler",),
        (
            "tests/unit/sender/test_handler.py",
            "tests/integration/test_alarms_of_the_senders.py",
            "tests/integration/platform/test_request_budget.py",
        ),
    ),
    Part(PLANNER, ("pusher.pushing",), _tests("pusher", "unit property")),
    Part(
        PLANNER,
        ("pusher.parts",),
        ("tests/unit/pusher/test_parts.py", "tests/integration/pusher/test_handlers.py", *EVERY_CASE),
    ),
    Part(PUBLISHING, _modules("pusher", "run turn words"), ("tests/unit/pusher",)),
    Part(
        PUBLISHING,
        _modules("pusher", "promotions promotion_events"),
        ("tests/unit/pusher/test_promotions.py", "tests/property/promotions/test_wishes.py"),
    ),
    Part(
        PUBLISHING,
        _modules("pusher", "statuses status_events"),
        ("tests/unit/pusher/test_statuses.py", "tests/property/store_status/test_wishes.py"),
    ),
    Part(PUBLISHING, _modules("results", "settling callbacks"), _tests("results", "unit property")),
    Part(
        STORING,
        _modules("orders", "erased_orders erasure queries rebuilding rejected rejected_table stored table"),
        (
            *_tests("orders", "unit property integration"),
            *_tests("consumer", "property integration"),
            "tests/integration/publisher",
            "tests/console/test_rebuild.py",
            "tests/console/test_erasures.py",
        ),
    ),
    Part(
        STORING,
        _modules("consumer", "intake redelivery catalogue_callbacks"),
        _tests("consumer", "unit property integration"),
    ),
    Part(STORING, ("consumer.handler",), ("tests/unit/consumer/test_handler.py",)),
    Part(
        STORING,
        _modules("publisher", "change_event publish stream_record"),
        _tests("publisher", "unit property integration"),
    ),
    Part(STORING, ("publisher.handler",), ("tests/unit/publisher/test_handler.py",)),
    Part(
        STORING,
        _modules("stores", "directory facts table"),
        (
            *_tests("stores", "unit property"),
            "tests/integration/consumer/test_stores.py",
            "tests/contracts/test_stores.py",
            "tests/contracts/test_stores_at_once.py",
            "tests/contracts/test_stores_by_clock.py",
            "tests/contracts/test_stores_rows.py",
            "tests/console/test_codes_of_stores.py",
            "tests/console/test_orders_and_stores.py",
        ),
    ),
    Part(
        STORING,
        _modules("answers", "endpoint intake order_reads stored table wake_ups"),
        (
            *_tests("answers", "unit property integration"),
            *_tests("sender", "unit property integration"),
            "tests/console/test_answers_restored.py",
            "tests/integration/publisher/test_outcomes.py",
        ),
    ),
    Part(STORING, ("answers.handler",), ("tests/unit/answers/test_handler.py",)),
    *(Part(TEMPLATES, (name,), TESTS_OF_TEMPLATES) for name in ("template.yaml", "catalogue.yaml")),
)
