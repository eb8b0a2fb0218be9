"""Words that results, errors and outputs share."""


def counted(number: int, one: str, many: str = "") -> str:
    """``1 order``, ``2 orders``; ``many`` where it is not the one with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
