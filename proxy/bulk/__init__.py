"""Bulk: folders of JSON lines and Parquet through the same gate, vault, policy and log, on Ray Data.

Ray carries names of files and what became of them, never a row: each of its actors reads a partition itself, takes it
through a gate of its own, and writes what came out. So no text gets into Ray's object store, spill files or log.
"""
