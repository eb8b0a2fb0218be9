"""The sender: answers to the platform, one after the other, each read back (docs/answers.md)."""
