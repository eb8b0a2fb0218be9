"""What the chain says of an order: checked, stored, and judged by what the platform shows (docs/answers.md)."""
