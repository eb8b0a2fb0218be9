"""Why a file did not reach the SFTP server. The texts have nothing that the server said, such as users and paths."""


class SftpError(RuntimeError):
    """``is_of_server``: every other file would fail in the same way now."""

    is_of_server = False


class ConnectionFailedError(SftpError):
    """The server does not respond, is too slow, or the connection was lost. A part of the file may be there."""

    is_of_server = True


class UploadCutError(SftpError):
    """The connection was lost within a file, after the server had let us in. A part of the file may be there."""


class HostKeyChangedError(SftpError):
    """The server has another key than the one that is trusted: it may be another server. Nothing was sent to it."""

    is_of_server = True


class LoginRefusedError(SftpError):
    """The server refuses the user, or its password or key."""

    is_of_server = True


class FolderMissingError(SftpError):
    """There is no such folder below the user's home."""


class WriteRefusedError(SftpError):
    """The server does not take the file: a right is missing, its disk is full, or it kept another number of bytes."""


class UnsafeNameError(ValueError):
    """A name or a folder that is not put into a path; the message says what may be used."""
