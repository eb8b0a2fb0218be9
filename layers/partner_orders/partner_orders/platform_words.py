"""What the platform says in words of its own, which are stored and shown."""

import re

# What an address does not go beyond: it may stand within quotes or brackets.
_ENDS = r"""\s"',;<>(){}\[\]"""
# Addresses, looked for from the beginning of a word alone, since a word may be as long as a file; and telephone numbers
# in the international form.
_CONTACTS = re.compile(rf"(?<![^{_ENDS}])[^@{_ENDS}]*+@[^{_ENDS}]*|\+[0-9](?:[ ()-]*[0-9]){{5,}}")


def without_contacts(text: str) -> str:
    """The text with an ellipsis in place of each email address and telephone number."""
    return _CONTACTS.sub("…", text)
