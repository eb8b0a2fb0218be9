"""Break each promise of README.md and docs/guarantees.md, and see the test fail that holds it (``make promises``).

``pages`` reads the sentences, tests/promises names the tests of each, ``trial`` breaks and tests a copy of the code,
``table`` writes docs/promises.md.
"""
