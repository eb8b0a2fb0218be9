"""What a promotion file cannot tell, for a promotion whose stores are sent by files (docs/platform.md 11)."""

from partner_orders.promotions.promotion import Promotion
from partner_orders.uploader.promotion_file import NotForFilesError, rows_of


def problems_of_file(promotion: Promotion) -> list[str]:
    """Why no file can tell a promotion; nothing where one can."""
    try:
        rows_of(promotion)
    except NotForFilesError as error:
        return [str(error)]
    return []
