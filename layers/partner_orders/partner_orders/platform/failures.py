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
    TOO_LARGE = "too_large"
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
    # Whoever serves the store is killed.
    ENDS_THE_RUN = "ends_the_run"
    NOT_REGISTERED = "not_registered"
    TOO_OLD = "too_old"

    @property
    def is_of_whole_store(self) -> bool:
        """Whether the store fails with it whatever is requested of it."""
        return self in {Failure.NOT_FOUND, Failure.ANOTHER_STORE, Failure.FORBIDDEN, Failure.UNAUTHORIZED}

    @property
    def may_be_of_one_order(self) -> bool:
        """Whether one order, or one minute, may cause it for every window that it is in."""
        return self in {
            Failure.SERVER_ERROR,
            Failure.REFUSED,
            Failure.NO_RESPONSE,
            Failure.NOT_JSON,
            Failure.NOT_A_PAGE,
            Failure.TOO_LARGE,
        }

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

    @property
    def may_be_of_a_guess(self) -> bool:
        """Whether another form of the same request may work: the platform refused it for what it says."""
        return self.failure is Failure.REFUSED and self.retry_after is None and self.detail.startswith("4")

    @property
    def may_be_of_the_id(self) -> bool:
        """Whether the store's other id may work."""
        return self.failure is Failure.NOT_FOUND or self.may_be_of_a_guess

    @property
    def is_of_window(self) -> bool:
        """Whether a shorter window may be read where this one cannot be."""
        return isinstance(self, UnsteadyWindowError | TooManyPagesError)


class TokenRejectedError(PartnerApiError):
    """The platform rejected the token: with 401."""

    def __init__(self) -> None:
        super().__init__(Failure.UNAUTHORIZED)


class PlatformUnavailableError(PartnerApiError):
    """Requests for other stores would fail as well now."""

    @property
    def may_be_of_a_guess(self) -> bool:
        return False


class UnsteadyWindowError(PartnerApiError):
    """The pages of a window contradict each other, or are too large. Those of its parts may not be."""


class TooManyPagesError(PartnerApiError):
    """The window has more ``pages`` than the caller wants to read at once; nothing but the first was read."""

    def __init__(self, pages: int) -> None:
        super().__init__(Failure.TOO_MANY_PAGES)
        self.pages = pages


class OutOfTimeError(RuntimeError):
    """The next request is allowed only after the time that the caller has."""
