"""What is done with the records of a line: exports, figures, labels, and telling other systems.

Where records are kept is ``burn.books``.
"""
