"""Names of files and folders on an SFTP server. Nothing from outside is put into a path unchecked."""

import re

from partner_orders.platform.sftp_failures import UnsafeNameError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}){0,7}", re.ASCII)


def checked_name(name: str) -> str:
    """A file's name that stays in its folder. Raises UnsafeNameError."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise UnsafeNameError("use at most 128 letters, digits, dots, hyphens and underscores in a file's name")
    return name


def checked_folder(folder: str) -> str:
    """A folder below the user's home. Raises UnsafeNameError."""
    if not _FOLDER.fullmatch(folder) or ".." in folder:
        raise UnsafeNameError("name a folder below the home, such as catalog, without a slash at its beginning")
    return folder
