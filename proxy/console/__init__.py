"""The control plane: REST API and web console, a process of its own beside the doors.

It reads the same log and control database as everything else, through the leaves' own questions; every reading is a
record. It never sees a transfer's text, and a crash of it never touches traffic.
"""
