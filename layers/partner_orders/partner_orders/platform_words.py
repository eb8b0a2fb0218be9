"""What the platform says in words of its own, which are stored and shown."""

import re

# Addresses, and telephone numbers in the international form. Either may stand within quotes or brackets.
_CONTACTS = re.compile(r"""[^\s"',;<>(){}\[\]]*@[^\s"',;<>(){}\[\]]*|\+[0-9](?:[ ()-]*[0-9]){5,}""")


def without_contacts(text: str) -> str:
    """The text with an ellipsis in place of each email address and telephone number."""
    return _CONTACTS.sub("…", text)
