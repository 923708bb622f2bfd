"""The release room: project folder plus stock package gives production package; recipes give virtual firmware.

Verbs: ``produce.produce``, ``firmware.build``, ``firmware.stock_package``. This room opens the folders and files.
"""
