"""Why a database failed, in words for whoever has to mend it: its kind alone, since an error's text may hold anything.

Statements and parameters never come out of here.
"""

import sqlite3

_WORDS = {
    sqlite3.SQLITE_FULL: "no room is left on its disk",
    sqlite3.SQLITE_IOERR: "its disk is full or fails",  # SQLite says so as well where no room is left for its journal
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is no database",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
}


def why(error: BaseException) -> str:
    """What is known about an error of SQLAlchemy's or a driver's; the name of its kind where no words are."""
    cause = getattr(error, "orig", None) or error
    if not isinstance(cause, sqlite3.Error) or not hasattr(cause, "sqlite_errorcode"):
        return type(cause).__name__
    return _WORDS.get(cause.sqlite_errorcode & 0xFF, cause.sqlite_errorname)
