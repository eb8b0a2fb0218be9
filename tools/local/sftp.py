"""`make sftp-server`: the SFTP server of the platform of `make up`, which picks up what the uploader sends."""

import sys
import time
from collections.abc import Collection, Iterable
from typing import Any

from partner_orders.catalogue.channel import Channel
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from tools.local.emulator import ROOT
from tools.local.orders import platform
from tools.local.second_terminal import refuse, with_stack
from tools.local.sftp_server import CATALOGUE, PROMOTIONS, SSHD, Sshd, sshd
from tools.local.stack import Stack

# Kept from one start to the next: a new host key would be one that nobody trusts.
FOLDER = ROOT / ".local" / "sftp"
MOST_ERRORS = 5  # of a file that are printed
PICKED_EVERY = 10.0  # seconds; the platform's own pause is not known


def main() -> int:
    return with_stack(_serve)


def _serve(stack: Stack) -> int:
    if SSHD is None:
        return refuse("this needs OpenSSH's sshd; on Debian: sudo apt-get install openssh-server")
    catalogue = CatalogueStack.of(stack.deployed())
    if catalogue is None:
        return refuse("the stack has no catalogue beside it")
    prefixes: set[str] = set()  # also those of stores that were switched off since: ends go on
    with sshd(FOLDER, port=int(catalogue.parameters["SftpPort"])) as server:
        print(tour(server), flush=True)
        while True:
            prefixes |= _prefixes(catalogue)
            for line in lines_of(_pick_up(stack, prefixes, server)):
                print(line, flush=True)
            time.sleep(PICKED_EVERY)


def _prefixes(catalogue: CatalogueStack) -> set[str]:
    settings = catalogue.tables.settings.all().values()
    return {one.place.prefix for one in settings if one.channel is Channel.FILES and one.place.prefix}


def _pick_up(stack: Stack, prefixes: Collection[str], server: Sshd) -> list[dict[str, Any]]:
    """What the platform made of the files that are new."""
    folders = {"catalogue": str(server.home / CATALOGUE), "promotions": str(server.home / PROMOTIONS)}
    picked: list[dict[str, Any]] = []
    for prefix in sorted(prefixes):
        response = platform(stack, "POST", "catalogue-pick-up", {"prefix": prefix, "folders": folders})
        response.raise_for_status()
        picked += response.json()["files"]
    return picked


def lines_of(picked: Iterable[dict[str, Any]]) -> list[str]:
    """What the portal would show of each file."""
    found = []
    for one in picked:
        bad = f", {len(one['errors'])} bad" if one["errors"] else ""
        found.append(f"picked up  {one['kind']}/{one['name']}  {one['problem'] or str(one['rows']) + ' rows' + bad}")
        found += [f"           line {line}: {text}" for line, text in [*one["errors"].items()][:MOST_ERRORS]]
        if len(one["errors"]) > MOST_ERRORS:
            found.append(f"           and {len(one['errors']) - MOST_ERRORS} more")
    return found


def tour(server: Sshd) -> str:
    """What runs, and the commands to type in another terminal."""
    command = ".venv/bin/partner-orders"
    return f"""\
The platform's SFTP server runs on 127.0.0.1:{server.port} until Ctrl-C. It picks up files each {PICKED_EVERY:.0f}
seconds, and what it made of each file is printed here. Type this in another terminal:

  # Trust the server's key, and store the login. Then look at all of it
  {command} files trust
  {command} secrets set-sftp < {server.login_key.relative_to(ROOT)}
  {command} doctor
  # Open a store with `make catalogue`, and type the first three commands that it prints: set, load, load
  # Then send the store by files in place of `resume`. Its first file comes within five minutes; `send` is faster
  {command} files on <store> --prefix morning --reason "first list checked"
  {command} files send <store>
  {command} files status

docs/files.md has the details, and docs/promotions.md how to put a promotion. It goes into a file of its own."""


if __name__ == "__main__":
    sys.exit(main())
