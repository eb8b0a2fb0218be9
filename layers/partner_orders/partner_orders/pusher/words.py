"""Why the platform refused something, for people."""

from partner_orders.platform.calls import CallRefusedError, PlatformNotFoundError
from partner_orders.platform.failures import PartnerApiError

MAX_WORDS = 400  # characters of a refusal


def words_of(error: PartnerApiError) -> str:
    """Why the platform refused, in its own words where it gave any."""
    if isinstance(error, CallRefusedError):
        said = ": ".join(filter(None, (error.code, error.message)))
        return (said or f"status {error.detail}")[:MAX_WORDS]
    if isinstance(error, PlatformNotFoundError):
        return "Platform Not Found"
    return str(error)
