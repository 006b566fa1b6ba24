"""What is inside files: texts of PDF, Word and Excel files, text and metadata of images, and new texts written back.

Bytes of a file enter, texts and new bytes leave; what a text means and what becomes of it is decided elsewhere. All of
it runs in a process of its own (`pool`), with limits on memory and time, because every file is hostile. Nothing is
executed, no network is asked and nothing is written to disk.
"""
