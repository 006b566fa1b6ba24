"""Trains the name model that is shipped in `redaction/models`: `python -m redaction.train CORPORA`.

Learns from generated chat (templates and lists of this project) and from the learning part of the licensed corpora in
a folder that the user gives. Nothing here runs in the product.
"""
