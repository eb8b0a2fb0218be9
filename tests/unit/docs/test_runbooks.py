"""What runbooks tell an operator to type can be typed."""

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ParamValidationError

from partner_orders_console.cli.__main__ import app
from tests.support import aws_command_line
from tests.support.aws_command_line import NoSuchCallError
from tests.support.documented_commands import PAGES as ALL_PAGES
from tests.support.documented_commands import commands

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PAGES = [*RUNBOOKS, ROOT / "docs" / "deploying.md", ROOT / "docs" / "upgrading.md"]
# What stands for a value: its kind, by the words around it.
AN_ID = "3f0e6a52-93a5-4a2e-8f0b-7f1c2d9b6e11"
A_TIME, A_DAY, A_FILE = "2026-03-14T09:00:00Z", "2026-03-14", str(ROOT / "README.md")


FILES = {"stores.csv", "dairy-week.json", ".local/promotion.json", "answer.json", "exceptions.csv"}


def typed(command: str) -> list[str]:
    filled = re.sub(r"(--from|--to) <[^>]+>", rf"\1 {A_TIME}", command).replace("<day>", A_DAY)
    words = shlex.split(re.sub(r"<[^>]+>", "x", filled))[1:]
    return [A_FILE if word in FILES else word for word in words]


def understood(command: Any, arguments: list[str]) -> str:
    """The name of the command that takes these arguments; a sentence may name it alone. Raises where they are not
    understood."""
    if not hasattr(command, "commands"):
        if arguments:
            command.make_context(command.name or "", [*arguments])
        return str(command.name)
    context = command.make_context(command.name or "", [*arguments])
    rest = [*context._protected_args, *context.args]
    assert rest[0] in command.commands, f"there is no command {rest[0]}"
    return understood(command.commands[rest[0]], rest[1:])


@cache
def command_line() -> Any:
    """The whole command line, made once: that takes long."""
    return typer.main.get_command(app)


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.stem)
def test_runbook_commands_exist(page: Path) -> None:
    """Every partner-orders command in a runbook or guide exists with its options."""
    for command in commands(page.read_text(encoding="utf-8")):
        assert understood(command_line(), typed(command)), command


def test_unknown_command_is_noticed() -> None:
    """The check notices a command or an option that does not exist."""
    [command] = commands("Then\n\n    partner-orders reconcile status --until <day>\n")
    with pytest.raises(Exception, match="--until"):
        understood(command_line(), typed(command))
    with pytest.raises(AssertionError, match="no command burn"):
        understood(command_line(), typed("partner-orders dead-letters burn"))


def templates() -> str:
    """Both templates, one after the other."""
    return "".join((ROOT / name).read_text(encoding="utf-8") for name in ("template.yaml", "catalogue.yaml"))


def widgets() -> dict[str, str]:
    """The dashboards' widgets: each by its title, with the text that says what they show."""
    template = templates()
    for name, lines in re.findall(
        r"^ +(EventsOfThePublisher|ErrorsOfThePublisher): !If\n((?: +- .*\n)+)", template, re.MULTILINE
    ):
        template = template.replace(f"${{{name}}}", lines.replace("\n", " "))
    found: dict[str, str] = {}
    for line in template.splitlines():
        for title in re.findall(r'"title": "([^"]+)"', line):
            found[title] = found.get(title, "") + line
    return found


def misnamed_widgets(text: str) -> list[str]:
    """The widgets that a page names in italics, in full or by the title's first words, and that the dashboard does not
    have; or that do not show the metric that the page reads in them."""
    misnamed = []
    for metric, title in named_widgets(text):
        shown = [line for name, line in widgets().items() if re.match(rf"{re.escape(title)}(?!\w)", name)]
        if not any(f'"{metric}"' in line or not metric for line in shown):
            misnamed.append(title)
    return misnamed


def named_widgets(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(?:`(\w+)` in )?(?<!\*)\*([A-Z][^*]+)\*(?!\*)", re.sub(r"\s+", " ", text))


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_runbook_widgets_exist(page: Path) -> None:
    """Every widget that a runbook names is on the dashboard with the metric, and the page tells how to open it."""
    text = page.read_text(encoding="utf-8")
    assert misnamed_widgets(text) == []
    assert "partner-orders open dashboard" in text or not named_widgets(text)


def test_misnamed_widget_is_noticed() -> None:
    """The check notices a widget that does not exist, and a metric that its widget does not show."""
    text = "Look at *Events stored*, *Events*, `Failed` in *Events*, `Failed` in\n*Waiting* and *Table:\nthrottled*."
    assert misnamed_widgets(text) == ["Events stored", "Waiting"]


def test_throttled_schedule_has_one_runbook() -> None:
    """Calls that Lambda throttles are explained where an alarm fires for them: they leave no dead-letter message."""
    runbooks = ROOT / "docs" / "runbooks"
    not_run = (runbooks / "reconciliation-not-run.md").read_text(encoding="utf-8")
    letters = (runbooks / "reconciliation-dead-letters.md").read_text(encoding="utf-8")
    assert "dead-letter queue never gets such calls" in not_run
    assert "reconciliation-not-run.md" in letters


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbook_aws_calls_are_valid(page: Path) -> None:
    """Every AWS CLI call in a runbook is one that the AWS CLI accepts."""
    text = page.read_text(encoding="utf-8")
    found = aws_command_line.commands(text)
    assert len(found) == len(re.findall(r"(?<![\w-])aws [a-z0-9]+ [a-z]", text))
    for command in found:
        aws_command_line.understood(re.sub(r"<[^>]+>", AN_ID, command))


@pytest.mark.parametrize(
    "command",
    [
        *("aws dynamo list-tables", "aws dynamodb drop-table --table-name x", "aws dynamodb delete-table"),
        *("aws dynamodb delete-table --table-name", "aws dynamodb delete-table --table x --region"),
        *("aws dynamodb delete-table --name x", "aws dynamodb wait table-there --table-name x"),
        "aws dynamodb get-item --table-name x --key ...",
        'aws dynamodb get-item --table-name x --key \'{"pk": "x"}\'',
        *("aws lambda invoke --function-name x", "aws sqs purge-queue --queue-url x report.json"),
        "aws cloudformation describe-stacks --stack-name x --query 'Stacks[0].Output'",
        *("aws logs tail", "aws logs tail --since 1h", "aws logs tail x --from 1h", "aws logs tail x --since"),
    ],
)
def test_invalid_aws_call_is_noticed(command: str) -> None:
    """The check notices a call that the AWS CLI would not accept."""
    [found] = aws_command_line.commands(f"Then\n\n    {command}\n")
    with pytest.raises((NoSuchCallError, ParamValidationError, json.JSONDecodeError)):
        aws_command_line.understood(found)


def test_aws_calls_are_read_whole() -> None:
    """A call inside a sentence or across two lines is read whole."""
    page = (
        "Do `aws sqs purge-queue\n  --queue-url <Url>`:\n\n    aws dynamodb delete-table \\\n        --table-name x\n"
    )
    whole = ["aws dynamodb delete-table --table-name x", "aws sqs purge-queue --queue-url <Url>"]
    assert aws_command_line.commands(page) == whole


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_runbook_links_and_outputs_exist(page: Path) -> None:
    """Every link of a runbook leads to a file, and every output it names exists in one of the stacks."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    outputs: set[str] = set()
    parameters: set[str] = set()
    for template in ("template.yaml", "catalogue.yaml"):
        content = (ROOT / template).read_text(encoding="utf-8")
        outputs |= {*re.findall(r"^  (\w+):$", content.partition("\nOutputs:\n")[2], re.MULTILINE)}
        parameters |= {*re.findall(r"^  (\w+):$", content.partition("\nConditions:\n")[0], re.MULTILINE)}
    assert outputs
    for name in re.findall(r"<([A-Z][a-z]+[A-Z]\w+)>", text):
        assert name in outputs | parameters, name
