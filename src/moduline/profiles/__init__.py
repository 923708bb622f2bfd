"""Facts about chips, modules and vendor conventions, each with its source; logic never compares a chip's name.

Verbs: ``catalog.module``, ``catalog.chip``, ``catalog.convention``, ``catalog.module_of_model``.
"""
