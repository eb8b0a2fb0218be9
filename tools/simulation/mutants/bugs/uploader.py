"""Planted bugs in what is sent as files: what is in a file, what is forgotten after it, and how a promotion ends."""

from tools.simulation.mutants.planting import Mutant, one_edit

_PACKAGE = "layers/partner_orders/partner_orders"
_UPLOADER = f"{_PACKAGE}/uploader"

MUTANTS: list[Mutant] = [
    one_edit(
        "store-of-files-by-api",
        "A store that is sent by files is sent by API as well: each overwrites the other.",
        f"{_PACKAGE}/catalogue/store_settings.py",
        "CatalogueSettings.sends_by_api",
        "self.is_sending and self.channel is Channel.API",
        "self.is_sending",
    ),
    one_edit(
        "file-without-margins",
        "A file offers the pieces that the chain keeps back.",
        f"{_UPLOADER}/contents.py",
        "CatalogueContents._of_shard",
        "to_send(row, margins)",
        "row.values",
    ),
    one_edit(
        "changes-forgotten-after-the-upload",
        "The changes are read after the file was made, so that one which came meanwhile is forgotten unsent.",
        f"{_UPLOADER}/uploading.py",
        "Uploader.serve",
        "self._forget(changes, wake_ups)",
        "self._forget(self._waiting(target), wake_ups)",
    ),
    one_edit(
        "stale-rows-in-a-file",
        "Rows are read as they were a moment ago, and the newest change is forgotten unsent.",
        f"{_UPLOADER}/contents.py",
        "CatalogueContents._of_shard",
        "consistent=True",
        "consistent=False",
    ),
    one_edit(
        "half-a-file-counts-as-sent",
        "A file that was cut off is taken for the one before, which had the same content.",
        f"{_UPLOADER}/upload_state.py",
        "unsure",
        'replace(state.last, digest="")',
        "state.last",
    ),
    one_edit(
        "promotion-ended-by-a-new-row",
        "A row of a promotion is ended as it would be made now, not as it was sent.",
        f"{_UPLOADER}/promotion_file.py",
        "_changed",
        "ended = dict.fromkeys((*before.ended, *before.on))",
        "ended = dict.fromkeys((*before.ended, *after.on))",
    ),
    one_edit(
        "rows-kept-after-the-upload",
        "The rows of promotions are kept once they were sent: a crash in between leaves none to end them by.",
        f"{_UPLOADER}/uploading.py",
        "Uploader._send",
        "        prepared.keep()\n",
        "",
    ),
    one_edit(
        "login-tried-without-pause",
        "A login that is refused is tried again in each run, until the user is locked.",
        f"{_UPLOADER}/run.py",
        "UploaderRun._may_connect",
        "not is_asked and not server.may_try(self._clock())",
        "not is_asked and server.failures > 1_000",
    ),
    one_edit(
        "old-parts-stay",
        "Parts of a longer file before stay in the folder, and bring back older values.",
        f"{_UPLOADER}/uploading.py",
        "Uploader._send",
        "if name not in names:",
        "if not names:",
    ),
    one_edit(
        "any-host-key-will-do",
        "Whatever key the server shows is trusted.",
        f"{_PACKAGE}/platform/sftp.py",
        "SftpSession._logged_in",
        "known_hosts=([trusted], [], []),",
        "known_hosts=None,",
    ),
    one_edit(
        "written-under-its-own-name",
        "A file is written under its own name though the server renames: the platform may read half of it.",
        f"{_PACKAGE}/platform/sftp.py",
        "SftpSession._offers_rename",
        "except _NOT_THERE:\n            return True",
        "except _NOT_THERE:\n            return False",
    ),
    one_edit(
        "formula-without-quotes",
        "A SKU that begins like a formula is not quoted.",
        f"{_UPLOADER}/csv_text.py",
        "cell",
        "text[0] not in _FORMULA and ",
        "",
    ),
]
