"""The tables of `control.db`: what operators and officers set besides files."""

import sqlalchemy as sa

metadata = sa.MetaData()

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("application", sa.String(96), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Index("credential_application", "application"),
)

stop = sa.Table(
    "stop",
    metadata,
    sa.Column("target", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(96), primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False),
)

policy_activation = sa.Table(
    "policy_activation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(96), nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("name", sa.String(96), nullable=False),
    # names of applications, separated by spaces; empty for roles that are not bound to any
    sa.Column("applications", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.BigInteger),
    sa.UniqueConstraint("digest", name="api_token_digest"),
)

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("reference", sa.String(26), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("application", sa.String(96), nullable=False),
    sa.Column("destination", sa.String(96), nullable=False),
    # names of rules, separated by spaces
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("until", sa.BigInteger),
    # why it may pass: of the closed set that the log knows, and in the officer's words, which the log never gets
    sa.Column("reason", sa.String(32), nullable=False, server_default=""),
    sa.Column("because", sa.Text, nullable=False, server_default=""),
    sa.Index("approval_fingerprint", "fingerprint"),
)

saved_search = sa.Table(
    "saved_search",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    # whose it is, as `reveal` names people
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(96), nullable=False),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    # {field: value} as JSON
    sa.Column("filters", sa.Text, nullable=False),
    sa.UniqueConstraint("role", "owner", "name", name="saved_search_name"),
)

stream = sa.Table(
    "stream",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    # index of the first entry that the receiver does not have yet; none before the first start
    sa.Column("position", sa.BigInteger),
    # who sends now, and until when nobody else does
    sa.Column("holder", sa.String(160), nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("sent", sa.BigInteger),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.String(200), nullable=False),
)

reveal = sa.Table(
    "reveal",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("asked", sa.BigInteger, nullable=False),
    # ids of tokens, and whose they are
    sa.Column("asker", sa.String(64), nullable=False),
    sa.Column("asker_name", sa.String(96), nullable=False),
    sa.Column("approver", sa.String(64), nullable=False),
    sa.Column("approver_name", sa.String(96), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    # a placeholder or a reference, never what it stands for
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("scope", sa.String(64), nullable=False),
    sa.Column("exchange", sa.String(26), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("ticket", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("name", sa.String(96), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    # [[name, text], ...] as JSON, the policy first
    sa.Column("files", sa.Text, nullable=False),
)

policy_proposal = sa.Table(
    "policy_proposal",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("name", sa.String(96), nullable=False),
    sa.Column("instead_of", sa.String(80), nullable=False),
    sa.Column("asked_by", sa.String(160), nullable=False),
    sa.Column("asked_name", sa.String(160), nullable=False),
    sa.Column("agreed_by", sa.String(160), nullable=False),
    sa.Column("agreed", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

erasure_request = sa.Table(
    "erasure_request",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("asked_by", sa.String(160), nullable=False),
    sa.Column("asked_name", sa.String(160), nullable=False),
    # SHA-256 of the person's references, which are random
    sa.Column("about", sa.LargeBinary(32), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Index("erasure_request_about", "about"),
)

rating = sa.Table(
    "rating",
    metadata,
    sa.Column("exchange", sa.String(26), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    # the log's reference of an actor, or `judge:MODEL`
    sa.Column("rater", sa.String(128), primary_key=True),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("first_destination", sa.String(96), nullable=False),
    sa.Column("first_model", sa.String(128), nullable=False),
    sa.Column("second_destination", sa.String(96), nullable=False),
    sa.Column("second_model", sa.String(128), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("rating_at", "at"),
)
