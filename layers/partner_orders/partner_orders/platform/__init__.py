"""Platform: the other side, as docs/platform.md describes it."""
