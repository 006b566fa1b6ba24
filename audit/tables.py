"""The tables of audit.db, as the queries see them; how they came to be so is told in `migrations`.

`entry`, `tile` and `tree` are the log. `transfer`, `finding` and `subject` are derived from
entries in the same transaction and can be built again from them; so are the tables of `sums`, up to the entry that
`tree.summed` names. `reference` alone holds what entries do not: the destroyable link from a person to a pseudonym.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
    func,
    text,
)

metadata = MetaData()

REVISION = "0007"
"""The newest migration; a database at this revision is opened without loading Alembic."""

_NAME = String(128)
_HASH = LargeBinary(32)
UNUSUAL = text("state <> 'complete' AND state <> 'blocked'")
"""How few exchanges end; both databases take the index of these only where a question says it in the same words."""
ACTS = text("kind <> 'transfer' AND kind <> 'outcome'")
"""The few entries that have an index by kind; taken like the one of `UNUSUAL`."""
ROW_INDEX = BigInteger().with_variant(Integer, "sqlite")
"""Only INTEGER PRIMARY KEY is SQLite's own row id; BIGINT would cost a second B-tree."""

entry = Table(
    "entry",
    metadata,
    Column("idx", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("leaf", _HASH, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("entry_kind", "kind", "idx", sqlite_where=ACTS, postgresql_where=ACTS),
)

tile = Table(
    "tile",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

tree = Table(
    "tree",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("origin", _NAME, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("erasures", BigInteger, nullable=False),
    Column("summed", BigInteger, nullable=False, server_default=text("0")),
)

cosigned = Table(
    "cosigned",
    metadata,
    Column("size", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)

boot = Table(
    "boot",
    metadata,
    Column("boot", String(26), primary_key=True),
    Column("node", _NAME, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger),
)

transfer = Table(
    "transfer",
    metadata,
    Column("idx", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("id", String(26), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("node", _NAME, nullable=False),
    Column("boot", String(26), nullable=False),
    Column("environment", String(16), nullable=False),
    Column("application", _NAME, nullable=False),
    Column("identified_by", String(16), nullable=False),
    Column("session", String(22)),
    Column("purpose", _NAME),
    Column("controller", _NAME),
    Column("basis", String(64)),
    Column("destination", _NAME),
    Column("entity", _NAME),
    Column("role", String(64)),
    Column("mechanism", String(32)),
    Column("countries", String(512)),
    Column("retention", String(64)),
    Column("training", String(64)),
    Column("provider", _NAME),
    Column("host", String(260)),
    Column("endpoint", _NAME),
    Column("model", _NAME),
    Column("format", _NAME),
    Column("door", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("network", _NAME),
    Column("policy_digest", String(64)),
    Column("policy_name", _NAME),
    Column("action", String(16), nullable=False),
    Column("reason", String(64)),
    Column("observe", Boolean, nullable=False, server_default=false()),
    Column("subjects", Integer, nullable=False),
    Column("findings", BigInteger, nullable=False),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
    Column("outcome_idx", BigInteger),
    Column("state", String(16)),
    Column("status", Integer),
    Column("ended", BigInteger),
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Column("findings_of", BigInteger),
    UniqueConstraint("id", "attempt", name="transfer_id_attempt"),
    Index("transfer_day", "day", "destination", "idx"),
    Index("transfer_application", "application", "idx"),
    Index("transfer_destination", "destination", "idx"),
    Index("transfer_session", "session", "idx"),
    Index("transfer_state", "state", "idx", sqlite_where=UNUSUAL, postgresql_where=UNUSUAL),
    Index("transfer_open", "node", "idx", sqlite_where=text("state IS NULL"), postgresql_where=text("state IS NULL")),
)

finding = Table(
    "finding_set",
    metadata,
    Column("idx", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("row", SmallInteger, primary_key=True, autoincrement=False),
    Column("entity_type", String(48), nullable=False),
    Column("operator", String(16), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("rule", _NAME),
    Column("recognizer", _NAME),
    Column("language", String(3)),
    sqlite_with_rowid=False,
)
"""Under the index of the first transfer that had just these; see `FINDINGS_OF`."""

FINDINGS_OF = func.coalesce(transfer.c.findings_of, transfer.c.idx)
"""Of a transfer the index in `finding`: many have the same findings as one before, which are kept once."""
SHOWN = tuple(column for column in transfer.columns if column.name != "findings_of")
"""The columns of a transfer for people: how rows are kept is nobody's who asks."""

subject = Table(
    "subject",
    metadata,
    Column("ref", String(22), primary_key=True),
    Column("idx", ROW_INDEX, primary_key=True, autoincrement=False),
    Column("role", String(16), primary_key=True),
    sqlite_with_rowid=False,
)

reference = Table(
    "reference",
    metadata,
    Column("lookup", LargeBinary(32), primary_key=True),
    Column("ref", String(22), primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("space", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("reference_ref", "ref"),
    sqlite_with_rowid=False,
)
