"""What an operator can do with a stack, apart from how it is asked for and how it is shown."""
