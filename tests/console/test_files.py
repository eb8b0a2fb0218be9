"""``files``: stores that are sent by SFTP, the trusted key, what was sent; ``secrets set-sftp``; and what the doctor
says of the server."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.catalogue.channel import Channel, FilePlace, Layout
from partner_orders.clock import now
from partner_orders.platform.sftp import fingerprint
from partner_orders.stores.store import StoreSettings
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.promotion_file import Group
from partner_orders.uploader.upload_state import Submitted, Trouble, UploadState, attempted
from partner_orders.uploader.uploads_table import KeptGroup
from partner_orders_console.operations.doctor.sftp import sftp
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.uploads import sending
from tests.support import catalogue_stack
from tests.support.catalogue_stack import OTHER_STORE, STORE, Catalogue
from tests.support.console import Ran
from tests.support.sftp_server import PasswordServer, password_server
from tools.local.sftp_server import key_pair

type Run = Callable[..., Ran]
WHY = ("--reason", "first file checked", "--yes")
NAME = f"morning_{STORE}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PasswordServer]:
    with password_server(tmp_path / "sftp") as running:
        yield running


@pytest.fixture
def files(catalogue: Catalogue, server: PasswordServer, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A catalogue that is deployed with an SFTP server, and a store that is paused."""
    given = {"SftpHost": "127.0.0.1", "SftpPort": str(server.port), "SftpUser": server.user}
    for name, value in given.items():
        monkeypatch.setitem(catalogue_stack.PARAMETERS, name, value)
    secrets = catalogue.stack.client("secretsmanager")
    arn = secrets.create_secret(Name="sftp", SecretString='{"password": "PASTE-THE-SFTP-PASSWORD-HERE"}')["ARN"]
    outputs = catalogue.stack.client("cloudformation").outputs[catalogue.stack.name]
    outputs |= {"SftpSecretArn": arn, "UploaderFunctionName": "uploader"}
    found = Catalogue(catalogue.stack.orders)
    found.enrol(is_sending=False)
    return found


def settings_of(catalogue: Catalogue, store_id: str = STORE) -> Any:
    found = catalogue.tables.settings.get(store_id)
    assert found is not None
    return found


def stored(catalogue: Catalogue) -> dict[str, str]:
    client = catalogue.stack.client("secretsmanager")
    content = client.get_secret_value(SecretId=catalogue.stack.output("SftpSecretArn"))["SecretString"]
    return dict(json.loads(content))


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


# -- one writer --------------------------------------------------------------------------------------------------------


def test_store_of_the_api_is_refused(run: Run, files: Catalogue) -> None:
    """A store that is sent by API is not sent by files as well: the sentence says why, and what to do."""
    files.enrol(is_sending=True)
    ran = run("files", "on", STORE, "--prefix", "morning", *WHY)
    assert (ran.status, "overwrite each other" in ran.err, "catalogue pause" in ran.err) == (1, True, True)
    assert settings_of(files).channel is Channel.API


def test_store_of_files_is_not_resumed_by_api(run: Run, files: Catalogue) -> None:
    """The other way round: `catalogue resume` refuses a store of files, and leaves it out of all stores."""
    assert run("files", "on", STORE, "--prefix", "morning", *WHY).status == 0
    ran = run("catalogue", "resume", STORE, *WHY)
    assert (ran.status, "overwrite each other" in ran.err, "files off" in ran.err) == (1, True, True)
    files.enrol(OTHER_STORE, is_sending=False)
    assert [one["store_id"] for one in run("catalogue", "resume", "--all", *WHY, "--json").json] == [OTHER_STORE]
    assert settings_of(files).sends_by_files


def test_on_and_off(run: Run, files: Catalogue) -> None:
    """A store is switched on with a prefix, paused and resumed, and off; then the API has everything to send."""
    files.say("A-1", price=Decimal(2), active=True)
    files.settle("A-1")
    dry = run("files", "on", STORE, "--prefix", "morning", "--folder", "Catalog", "--dry-run", *WHY, "--json").json
    assert (dry["channel"], dry["file_prefix"], settings_of(files).channel) == ("files", "morning", Channel.API)
    assert run("files", "on", STORE, "--prefix", "morning", "--folder", "Catalog", *WHY).status == 0
    found = settings_of(files)
    assert (found.sends_by_files, found.place) == (True, FilePlace("morning", "Catalog"))
    assert (found.reason, bool(found.changed_by)) == ("first file checked", True)
    row = files.tables.products.many(STORE, ["A-1"])["A-1"]
    assert (row.confirmed.are_said, [one.price for one in row.past_prices]) == (False, [Decimal(2)])
    assert [*files.tables.changes.first(STORE, 10)[0].skus] == ["A-1"]
    files.tables.changes.remove(STORE, files.tables.changes.first(STORE, 10))
    assert run("catalogue", "pause", STORE, *WHY).status == 0
    assert not settings_of(files).sends_by_files
    assert run("files", "on", STORE, "--shared", *WHY).status == 0
    assert settings_of(files).place == FilePlace("morning", "Catalog", Layout.MANY_VENDORS)
    assert files.tables.changes.first(STORE, 10) == []
    assert run("files", "off", STORE, *WHY).status == 0
    assert (settings_of(files).is_sending, settings_of(files).channel) == (False, Channel.API)
    row = files.tables.products.many(STORE, ["A-1"])["A-1"]
    assert (row.confirmed.are_said, [*files.tables.changes.first(STORE, 10)[0].skus]) == (False, ["A-1"])
    assert run("files", "off", STORE, *WHY).status == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--prefix"),
        (("--prefix", "morning", "--folder", "promotions"), "folder of promotions"),
        (("--prefix", "morning", "--vendor-id", "a,b"), "letters, digits"),
        (("--prefix", "../x"), "letters, digits"),
        (("--prefix", "morning", "--folder", "/catalog"), "below the home"),
    ],
)
def test_unsafe_places_are_refused(run: Run, files: Catalogue, options: tuple[str, ...], says: str) -> None:
    """A prefix or a folder that would lead elsewhere is refused, and so is none."""
    ran = run("files", "on", STORE, *options, *WHY)
    assert (ran.status, says in ran.err, settings_of(files).channel) == (1, True, Channel.API)


def test_unfinished_jobs_and_other_folders_are_refused(run: Run, files: Catalogue) -> None:
    """Jobs of the API may still take effect; and stores that share a file have one folder."""
    state = files.tables.states.claim(STORE, now())
    assert state is not None
    files.tables.states.begin_job(state, now())
    ran = run("files", "on", STORE, "--prefix", "morning", *WHY)
    assert (ran.status, "1 job" in ran.err) == (1, True)
    place = FilePlace("morning", "Catalog", Layout.MANY_VENDORS)
    files.enrol(OTHER_STORE, channel=Channel.FILES, place=place)
    files.enrol("s9", is_sending=False)
    ran = run("files", "on", "s9", "--prefix", "morning", "--shared", *WHY)
    assert (ran.status, "another folder or layout" in ran.err) == (1, True)
    assert run("files", "on", "s9", "--prefix", "morning", "--shared", "--folder", "Catalog", *WHY).status == 0


def test_vendor_id_is_shown_and_warned_of(run: Run, files: Catalogue) -> None:
    """`files on` shows the file's name, and warns where the chain's own code for the store is another one."""
    files.stack.orders.stores.set(STORE, StoreSettings(external_partner_config_id="K-7"))
    ran = run("files", "on", STORE, "--prefix", "morning", "--dry-run")
    assert (f"as {NAME}.csv" in ran.err, "--vendor-id K-7" in ran.err) == (True, True)
    ran = run("files", "on", STORE, "--prefix", "morning", "--vendor-id", "K-7", *WHY)
    assert ("as morning_K-7.csv" in ran.err, "--vendor-id" in ran.err) == (True, False)
    assert settings_of(files).place == FilePlace("morning", vendor_id="K-7")
    assert run("files", "on", STORE, "--vendor-id", "", *WHY).status == 0
    assert settings_of(files).place == FilePlace("morning")


@pytest.mark.parametrize(
    ("place", "options"),
    [
        (FilePlace("morning1"), ("--vendor-id", OTHER_STORE)),
        (FilePlace("morning_7", layout=Layout.MANY_VENDORS), ("--vendor-id", "7")),
        (FilePlace("morning", layout=Layout.MANY_VENDORS), ("--shared", "--vendor-id", OTHER_STORE)),
    ],
)
def test_names_of_other_stores_are_refused(
    run: Run, files: Catalogue, place: FilePlace, options: tuple[str, ...]
) -> None:
    """A file, or a part of it, never has the name of another store's; a store has a name of its own in a shared one."""
    files.enrol(OTHER_STORE, channel=Channel.FILES, place=place)
    ran = run("files", "on", STORE, "--prefix", "morning", *options, *WHY)
    assert (ran.status, OTHER_STORE in ran.err, settings_of(files).channel) == (1, True, Channel.API), ran.err


def test_list_shows_files_that_are_off(run: Run, files: Catalogue) -> None:
    """What was sent of a store stays in the list while its files are paused, or off."""
    files.enrol(channel=Channel.FILES, place=FilePlace("morning"))
    files.stack.uploads.note_sent(UploadState(FileKind.CATALOGUE, NAME, now(), submitted()))
    for off in ({"is_sending": False, "channel": Channel.FILES}, {"is_sending": False}):
        files.enrol(place=FilePlace("morning"), **off)
        assert [one["name"] for one in run("files", "list", STORE, "--json").json] == [NAME]


def test_doctor_names_stores_of_no_server(catalogue: Catalogue) -> None:
    """Stores of files in a catalogue without a server are named: neither files nor the API are sent."""
    catalogue.enrol(channel=Channel.FILES, place=FilePlace("morning"))
    [finding] = sftp(catalogue.stack)
    assert (STORE in finding.fault, finding.advice) == (True, "partner-orders files off")


@pytest.mark.privacy
def test_login_is_not_tried_at_another_server(
    run: Run, files: Catalogue, server: PasswordServer, type_in: Callable[[str], None]
) -> None:
    """While the server shows another key, a login is not stored and the trouble stays."""
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0vA7aBq7bXSjrh3jHJ9bC1fT8vXr6yAJ1j5q0sYd3w"
    files.stack.uploads.trust(other, "anna", now())
    state = files.stack.uploads.server()
    files.stack.uploads.note_server(replace(state, trouble=Trouble.HOST_KEY_CHANGED, problem="another key"))
    before = stored(files)
    type_in(f"{server.password}\n")
    ran = run("secrets", "set-sftp")
    assert (ran.status, "key is not the trusted one" in ran.err, stored(files)) == (1, True, before)
    assert files.stack.uploads.server().trouble is Trouble.HOST_KEY_CHANGED


@pytest.mark.privacy
def test_login_as_editors_save_it(run: Run, files: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark before a key or a password is no part of it, odd line ends are; what is not UTF-8 is told."""
    private_key, _ = key_pair()
    for text, content in (
        (f"\ufeff{private_key}", {"private_key": private_key}),
        ("\ufeffa\x85b\x1cc\r\nmore", {"password": "a\x85b\x1cc"}),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline=""))
        assert run("secrets", "set-sftp").status == 0
        assert stored(files) == content
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), "utf-8"))
    ran = run("secrets", "set-sftp")
    assert (ran.status, "UTF-8" in ran.err) == (1, True)


def test_without_a_server_commands_say_so(run: Run, catalogue: Catalogue) -> None:
    """Where the catalogue is deployed without SftpHost each command says what to set."""
    catalogue.enrol(is_sending=False)
    for command in (("trust",), ("status",), ("list",), ("send", STORE), ("on", STORE, "--prefix", "p", *WHY)):
        ran = run("files", *command)
        assert (ran.status, "SftpHost" in ran.err) == (1, True), ran
    assert [*sftp(catalogue.stack)] == []


# -- the key and the login ---------------------------------------------------------------------------------------------


def test_trust_shows_and_pins(run: Run, files: Catalogue, server: PasswordServer) -> None:
    """The fingerprint is shown and, after a yes, trusted; a changed key is shown beside the trusted one."""
    ran = run("files", "trust", "--yes")
    assert (ran.status, fingerprint(server.host_key) in ran.out) == (0, True)
    state, who = files.stack.uploads.server(), files.stack.client("sts").get_caller_identity()["Arn"]
    assert (state.host_key, state.trusted_by) == (server.host_key, who)
    assert "trusted already" in run("files", "trust").err
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0vA7aBq7bXSjrh3jHJ9bC1fT8vXr6yAJ1j5q0sYd3w"
    files.stack.uploads.trust(other, "anna", now())
    ran = run("files", "trust", "--yes")
    assert all(fingerprint(key) in ran.out for key in (other, server.host_key))
    assert "ANOTHER key" in ran.err
    assert files.stack.uploads.server().host_key == server.host_key


@pytest.mark.privacy
def test_login_is_tried_and_stored(
    run: Run, files: Catalogue, server: PasswordServer, type_in: Callable[[str], None]
) -> None:
    """A password is stored untried before a key is trusted, then tried; one that is refused is not stored. None is ever
    printed."""
    type_in(f"{server.password}\n")
    ran = run("secrets", "set-sftp")
    assert (ran.status, "not tried" in ran.err, stored(files)) == (0, True, {"password": server.password})
    files.stack.uploads.trust(server.host_key, "anna", now())
    state = files.stack.uploads.server()
    files.stack.uploads.note_server(replace(state, trouble=Trouble.LOGIN_REFUSED, failures=3, problem="refused"))
    type_in(f"{server.password}\n")
    ran = run("secrets", "set-sftp")
    assert (ran.status, "accepts" in ran.err) == (0, True)
    assert (files.stack.uploads.server().failures, files.stack.uploads.server().trouble) == (0, None)
    type_in("another password\n")
    refused = run("secrets", "set-sftp")
    assert (refused.status, stored(files)) == (1, {"password": server.password})
    assert "another password" not in refused.out + refused.err
    assert server.password not in ran.out + ran.err
    private_key, _ = key_pair()
    type_in(private_key)
    assert run("secrets", "set-sftp", "--force").status == 0
    assert stored(files) == {"private_key": private_key}
    type_in("")
    assert run("secrets", "set-sftp").status == 1


def test_doctor_looks_at_the_server(files: Catalogue, server: PasswordServer) -> None:
    """The doctor says that no key is trusted, no login is stored or a folder is missing, or that all is well."""
    [finding] = sftp(files.stack)
    assert not finding.fault  # Nobody is sent by files.
    files.enrol(OTHER_STORE, channel=Channel.FILES, place=FilePlace("evening"), is_promoting=True)
    [finding] = sftp(files.stack)
    assert "files trust" in finding.advice
    files.stack.uploads.trust(server.host_key, "anna", now())
    assert "set-sftp" in next(iter(sftp(files.stack))).fault
    client = files.stack.client("secretsmanager")
    content = json.dumps({"password": server.password})
    client.put_secret_value(SecretId=files.stack.output("SftpSecretArn"), SecretString=content)
    found = {one.part: one for one in sftp(files.stack)}
    assert not any(one.fault for one in found.values())
    assert fingerprint(server.host_key) in found["SFTP server"].note
    assert {"SFTP folder catalog", "SFTP folder promotions", "SFTP writing"} <= set(found)
    files.enrol(channel=Channel.FILES, place=FilePlace("morning", "Assortment"))
    missing = next(one for one in sftp(files.stack) if one.part == "SFTP folder Assortment")
    assert "catalog, promotions" in missing.fault
    files.enrol(channel=Channel.FILES, place=FilePlace("morning", "promotions"), is_promoting=True)
    assert any("would overwrite" in one.fault for one in sftp(files.stack))
    files.stack.uploads.trust(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0vA7aBq7bXSjrh3jHJ9bC1fT8vXr6yAJ1j5q0sYd3w", "a", now()
    )
    assert next(one for one in sftp(files.stack) if one.fault).advice.endswith("sftp-host-key-changed.md")


# -- what was sent -----------------------------------------------------------------------------------------------------


def submitted(digest: str = "ab" * 32) -> Submitted:
    names, keys = (f"{NAME}.csv",), (f"sent/{NAME}/catalogue/x.csv.gz",)
    return Submitted(now(), digest, 7, 120, names, keys, is_atomic=False)


def test_list_and_status(run: Run, files: Catalogue) -> None:
    """Lists show what was submitted, and whether in one step; the status shows why a file fails, and when it goes
    again."""
    files.enrol(channel=Channel.FILES, place=FilePlace("morning"))
    files.enrol(OTHER_STORE, is_sending=False, channel=Channel.FILES, place=FilePlace("morning"))
    state = UploadState(FileKind.CATALOGUE, NAME, now(), submitted())
    files.stack.uploads.write(attempted(state, now()))
    files.stack.uploads.note_sent(state)
    [sent] = run("files", "list", STORE, "--json").json
    assert (sent["state"], sent["rows"], sent["is_atomic"], sent["parts"]) == ("submitted", 7, False, [f"{NAME}.csv"])
    ran = run("files", "list")
    assert all(text in ran.out for text in (NAME, "submitted", "ababab"))
    assert run("files", "list", OTHER_STORE, "--json").json == []
    found = run("files", "status", "--json").json
    assert (found["server"]["fingerprint"], found["paused"]) == (None, [OTHER_STORE])
    [file] = found["files"]
    assert (file["name"], file["stores"], file["failures"], file["state"]) == (NAME, [STORE], 1, "submitted")
    assert file["not_before"]
    ran = run("files", "status")
    assert (NAME in ran.out, "files trust" in ran.err) == (True, True)
    assert "by files" in run("catalogue", "status").out


def test_status_has_the_file_of_a_store_that_is_off(run: Run, files: Catalogue) -> None:
    """A store that is switched off still has its file of promotions while one runs there."""
    files.enrol(is_sending=False)
    group = Group((STORE,), (STORE,))
    files.stack.uploads.keep_group(KeptGroup(group, FilePlace("morning"), (STORE,), now() + timedelta(days=1)))
    [file] = run("files", "status", "--json").json["files"]
    assert (file["kind"], file["name"]) == ("promotions", NAME)


class FunctionOfTest:
    """The uploader, busy for the first calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = [*answers]
        self.asked: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "uploader"
        self.asked.append(json.loads(Payload))
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": ""}}, "Invoke")
        is_error = "errorType" in answer
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **({"FunctionError": "x"} if is_error else {})}


def test_send_asks_the_uploader(run: Run, files: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending waits for the uploader's turn, and shows what it did; a problem is status 1, and so is a crash."""
    files.enrol(channel=Channel.FILES, place=FilePlace("morning"))
    done = {"kind": "catalogue", "name": NAME, "rows": 7, "size": 120, "digest": "ab" * 32, "notes": []}
    good = {"files": [{**done, "is_changed": True, "is_sent": True, "is_atomic": True}], "problems": {}}
    dry = {"files": [{**done, "is_changed": True, "is_sent": False, "is_atomic": False}], "problems": {}}
    bad = {"files": [], "problems": {"server": "the server refuses the login"}}
    made = FunctionOfTest("TooManyRequestsException", good, dry, bad, {"errorType": "MemoryError"})
    real = DeployedStack.client
    monkeypatch.setattr(sending, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(
        DeployedStack,
        "client",
        lambda self, name, is_slow=False: made if name == "lambda" else real(self, name, is_slow),
    )
    assert run("files", "send", STORE, "--yes", "--json").json == good
    ran = run("files", "send", STORE, "--dry-run")
    assert (ran.status, "a dry run" in ran.out) == (0, True)
    assert [one["dry_run"] for one in made.asked] == [False, False, True]
    ran = run("files", "send", STORE, "--yes")
    assert (ran.status, "refuses the login" in ran.err) == (1, True)
    assert "MemoryError" in run("files", "send", STORE, "--yes").err
    files.enrol(is_sending=False)
    assert run("files", "send", STORE, "--yes").status == 1
