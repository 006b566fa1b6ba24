"""The leaf that decides: `load` reads a policy (`language`), `decide` answers from it; the rest are its tools.

Facts enter, decisions leave; no text that is inspected. Pure, but for reading the files.
"""
