"""Planted bugs: each an edit of our code that the properties or the simulator must catch (``make mutants``).

``bugs`` lists them, ``planting`` makes the edits, ``__main__`` runs the tests against each.
"""
