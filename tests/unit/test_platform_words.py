"""What is stored and shown of the platform's own words."""

import pytest

from partner_orders.platform_words import without_contacts


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ask a.khan@example.com", "ask …"),
        ('{"by":"a.khan@example.com","code":7}', '{"by":"…","code":7}'),
        ("@here, a@b@c; <x@y>", "…, …; <…>"),
        ("a@b c@d", "… …"),
        ("call +92 (300) 123-4567 or 1234567", "call … or 1234567"),
        ("SKU A+17 for 3+12345", "SKU A+17 for 3+12345"),
        ("no contact", "no contact"),
        ("", ""),
    ],
)
def test_contacts_are_taken_out(said: str, shown: str) -> None:
    """Addresses and telephone numbers are replaced, and nothing beside them."""
    assert without_contacts(said) == shown


@pytest.mark.parametrize("begins", ["", "a@b ", "+1 "])
def test_long_words_are_read_once(begins: str) -> None:
    """A word of a million letters has no contact; to look for one from each letter would not end."""
    word = "x" * 1_000_000
    assert without_contacts(begins + word).endswith(word)
