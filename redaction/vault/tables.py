"""The vault's tables. Columns hold keyed hashes, random ids, ciphertext and times; no original, in no column.

Every name begins with `vault_`, because on PostgreSQL one database may hold vault, log and control together.
Times are milliseconds since 1970.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}
)

scope = sa.Table(
    "vault_scope",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("ref", sa.String(128), unique=True, nullable=True, comment="keyed hash; none once shredded"),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("destination", sa.String(128), nullable=False),
    sa.Column("token_length", sa.SmallInteger, nullable=False),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("keys", sa.LargeBinary, nullable=True, comment="wrapped; none once shredded"),
    sa.Column("ttl_s", sa.BigInteger, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    sa.Column("shredded", sa.BigInteger, nullable=True),
)

mapping = sa.Table(
    "vault_mapping",
    metadata,
    sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True),
    sa.Column("token", sa.String(40), primary_key=True),
    sa.Column("entity_type", sa.String(128), nullable=False),
    sa.Column("counter", sa.Integer, nullable=False),
    sa.Column("surface_ref", sa.LargeBinary(16), nullable=False, comment="keyed hash of type and surface"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

binding = sa.Table(
    "vault_binding",
    metadata,
    sa.Column("destination", sa.String(128), primary_key=True),
    sa.Column("object_ref", sa.LargeBinary(32), primary_key=True, comment="keyed hash of the provider's id"),
    sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True, index=True),
    sa.Column("place", sa.SmallInteger, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=True, comment="the provider's id, for erasure"),
    sa.Column("lost", sa.Integer, nullable=False, comment="placeholders that went with the scope"),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    sa.Column("owner", sa.String(64), nullable=True, comment="keyed hash of the application; none before schema 4"),
)

person = sa.Table(
    "vault_person",
    metadata,
    sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True),
    sa.Column("ref", sa.String(64), primary_key=True, index=True, comment="pseudonymous, as the log names the person"),
)
"""Whom a scope concerns; the log's keys alone say who that is, and erasure asks for it."""

answer = sa.Table(
    "vault_answer",
    metadata,
    sa.Column("exchange", sa.String(26), primary_key=True, comment="as the log names it"),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), nullable=False, index=True),
    sa.Column("swapped", sa.SmallInteger, nullable=False, comment="random; order in which a pair is shown"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False, index=True),
    sa.Column("expires", sa.BigInteger, nullable=False, index=True),
)
"""What recipients were asked and said, with placeholders, where a policy keeps it for a comparison."""

secret = sa.Table(
    "vault_secret",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("key_id", sa.String(64), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
