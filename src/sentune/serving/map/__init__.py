"""The map of the page, in a process that has the index and no model.

::

    process ─┤ pipe ├─ worker ─ atlas: where passages lie in the plane
"""
