"""The fault simulator: the real functions over generated trading hours, with everything broken that can break.

One seed is one story, and always the same one. See ``python -m tools.simulation --help``.
"""
