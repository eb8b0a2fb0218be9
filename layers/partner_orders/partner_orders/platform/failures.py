"""Why a request to the platform failed, or the check of a store, and what follows from it."""

from enum import StrEnum


class Failure(StrEnum):
    """Why a request failed, or all that was asked of a store. The values are those of reports and metrics."""

    UNAUTHORIZED = "unauthorized"
    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    NO_RESPONSE = "no_answer"
    NOT_JSON = "not_json"
    NOT_A_PAGE = "not_a_page"
    EMPTY_PAGE = "empty_page"
    REPEATED_PAGE = "repeated_page"
    MOVED_PAGES = "moved_pages"
    ENDLESS_PAGES = "endless_pages"
    TOO_MANY_PAGES = "too_many_pages"
    # The platform calls another store by this id now.
    ANOTHER_STORE = "another_store"
    # The platform shows nothing of a store in a time of which we have orders.
    NOTHING_SHOWN = "nothing_shown"
    NOT_REGISTERED = "not_registered"
    TOO_OLD = "too_old"

    @property
    def is_of_whole_store(self) -> bool:
        """Whether the store fails with it whatever is requested of it."""
        return self in {Failure.NOT_FOUND, Failure.ANOTHER_STORE, Failure.FORBIDDEN, Failure.UNAUTHORIZED}

    @property
    def is_temporary(self) -> bool:
        """Whether it passes without anybody's help."""
        return self in {Failure.BLOCKED, Failure.NO_RESPONSE, Failure.RATE_LIMITED, Failure.SERVER_ERROR}


class PartnerApiError(RuntimeError):
    """A request that failed. The text is the failure's value and, after a colon, the ``detail``; it holds nothing of
    the response's body. ``retry_after`` is the least number of seconds to wait before a retry, None where a retry would
    change nothing."""

    def __init__(self, failure: Failure, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{failure}:{detail}" if detail else str(failure))
        self.failure = failure
        self.detail = detail
        self.retry_after = retry_after


class TokenRejectedError(PartnerApiError):
    """The platform rejected the token: with 401."""

    def __init__(self) -> None:
        super().__init__(Failure.UNAUTHORIZED)


class PlatformUnavailableError(PartnerApiError):
    """Requests for other stores would fail as well now."""


class UnsteadyWindowError(PartnerApiError):
    """The pages of a window contradict each other. Those of its parts may not."""


class TooManyPagesError(PartnerApiError):
    """The window has more ``pages`` than the caller wants to read at once; nothing but the first was read."""

    def __init__(self, pages: int) -> None:
        super().__init__(Failure.TOO_MANY_PAGES)
        self.pages = pages


class OutOfTimeError(RuntimeError):
    """The next request is allowed only after the time that the caller has."""
