"""``--help``: an operator learns each command from it alone, so each example works as it is printed."""

import io
from collections.abc import Callable

import pytest

from tests.support.console import Ran
from tests.support.help_examples import COMMANDS, NEEDS_A_RUNNING_STACK, example, example_and_input, options

# The credentials are not set yet when they are looked at; nothing was exported; and nobody is there to be asked.
EXPECTED: dict[str, int] = {
    "catalogue drift": 1,
    "catalogue export": 1,
    "catalogue repair": 1,
    # The catalogue of the examples has no SFTP server.
    **dict.fromkeys(("files list", "files off", "files on", "files send", "files status", "files trust"), 1),
    "secrets set-sftp": 1,
    "reconcile cancel": 1,
    "reports show": 1,
    "dead-letters purge": 3,
    "consumer pause": 1,
    "consumer resume": 1,
    "table restore": 1,
    "secrets status": 1,
    "rejected discard": 3,
    "secrets retire-webhook": 3,
    "secrets rotate-webhook": 3,
}


GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_help_has_one_example(command: str) -> None:
    """The help of each command has exactly one example, of that command."""
    assert " ".join(example(command)).startswith(command)


@pytest.mark.usefixtures("example_stack")
def test_help_examples_work_as_printed(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of the help works as printed, given the sample events of this repository."""
    # In an order in which each finds what it needs.
    for command in sorted(COMMANDS.keys() - NEEDS_A_RUNNING_STACK, reverse=True):
        arguments, typed = example_and_input(command)
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        ran = run(*arguments)
        assert ran.status == EXPECTED.get(command, 0), f"{command}: {ran.err}"


@pytest.mark.parametrize("arguments", [(), *((name,) for name in GROUPS)])
def test_call_without_command_prints_help(run: Callable[..., Ran], arguments: tuple[str, ...]) -> None:
    """A call without a command prints the help and no error."""
    ran = run(*arguments)
    assert (ran.status, ran.err) == (2, "")
    assert " ".join(("Usage: partner-orders", *arguments)) in ran.out


@pytest.mark.parametrize(("arguments", "flag"), [(("--help",), "--local"), (("stores", "list", "--help"), "--csv")])
def test_help_names_no_type_for_flags(run: Callable[..., Ran], arguments: tuple[str, ...], flag: str) -> None:
    """Help names no type for a flag, since it takes no value."""
    shown = run(*arguments).out
    assert flag in shown
    assert "bool" not in shown


@pytest.mark.parametrize(
    ("arguments", "help_of"),
    [(("ordrs",), ""), (("orders", "lst"), " orders"), (("orders", "list", "--opn"), " orders list")],
)
def test_wrong_call_names_the_help_to_read(run: Callable[..., Ran], arguments: tuple[str, ...], help_of: str) -> None:
    """A call that cannot be read names the help of the command that it came to."""
    assert f"`partner-orders{help_of} --help` shows how it is called.\n" in run(*arguments).err


def test_short_option_prints_the_help(run: Callable[..., Ran]) -> None:
    """``-h`` prints the help of each command, as ``--help`` does."""
    ran = run("orders", "list", "-h")
    assert (ran.status, ran.out) == (0, run("orders", "list", "--help").out)


def test_data_comes_as_json() -> None:
    """Every command takes --json, but for those that only change something, write a file, show a page or a secret."""
    assert {command for command in COMMANDS if "--json" not in options(command)} == {
        *("desk", "open", "register", "export", "catalogue export", "orders publish"),
        *("stores set", "stores pause", "stores remove", "stores import"),
        *("promotions keep", "promotions pause", "promotions resume"),
        *(f"secrets {name}" for name in ("set-token", "set-client", "set-sftp", "undo", "show-webhook")),
        *(f"secrets {name}-webhook" for name in ("rotate", "set", "retire")),
    }
