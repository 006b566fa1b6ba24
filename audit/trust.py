"""Whom an auditor trusts: a C2SP tlog-policy, that is logs, witnesses and how many of them must have cosigned.

One file says it for both sides: HOME/witness.policy names the witnesses whom the log asks, and the same file, with the
log's own key, is what an auditor verifies with. Pure; who asks is `proxy/outbound/witnesses.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.checkpoint import Cosignature, cosignatures, unverified
from audit.errors import AuditError, SigningKeyError, VerifyError
from audit.merkle import NodeSource, consistency_proof
from audit.signing import COSIGNATURE, ED25519, VerifierKey, parse_note

MOST = 32
"""Logs, witnesses and groups each: what the specification asks every implementation for."""
MAX_ANSWER = 16_384
"""Bytes of a witness's answer; it holds a line of some 150 bytes for each of its keys."""


class TrustError(AuditError):
    """A trust policy that does not read as C2SP tlog-policy says."""

    code = "trust_policy"


@dataclass(frozen=True, slots=True)
class Witness:
    """One of them. name: within the policy; url: prefix of its add-checkpoint, "" where nobody asks it."""

    name: str
    vkey: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """quorum: name of a witness or group, or `none`. groups: name to how many of which members, in order."""

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Witness, ...]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str
    source: str

    @classmethod
    def parse(cls, data: bytes) -> "TrustPolicy":
        """A policy from its file. Raises TrustError that names the line."""
        reader = _Reader()
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
            try:
                reader.read(line)
            except (TrustError, SigningKeyError) as error:
                raise TrustError(f"line {number}: {error.message}") from None
        if reader.quorum is None:
            raise TrustError("there is no quorum line")
        return cls(tuple(reader.logs), tuple(reader.witnesses), reader.groups, reader.quorum, reader.kept())

    def text(self, log: VerifierKey) -> bytes:
        """The file for an auditor: of this log, with the same witnesses, without their addresses."""
        return f"log {log}\n{self.source}".encode("utf-8", "surrogateescape")

    def met(self, names: frozenset[str]) -> bool:
        """Whether the witnesses of these names are enough."""
        reached = set(names)
        for group, (least, members) in self.groups.items():  # each speaks of earlier ones only
            if sum(member in reached for member in members) >= least:
                reached.add(group)
        return self.quorum == "none" or self.quorum in reached

    def cosigned(self, note: bytes) -> tuple[Cosignature, ...]:
        """The good cosignatures of these witnesses. Raises VerifyError where one of a known witness is wrong."""
        return cosignatures(note, [witness.vkey for witness in self.witnesses])

    def holds(self, note: bytes) -> bool:
        """Whether enough witnesses cosigned. Raises VerifyError."""
        keys = {one.witness for one in self.cosigned(note)}
        return self.met(frozenset(witness.name for witness in self.witnesses if witness.vkey in keys))


@dataclass(slots=True)
class _Reader:
    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str | None = None
    _names: set[str] = field(default_factory=set)
    _members: set[str] = field(default_factory=set)
    _lines: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        if any(mark < " " and mark != "\t" for mark in line):
            raise TrustError("only spaces and tabs may stand between words")
        words = line.replace("\t", " ").split(" ")
        match [word for word in words if word]:
            case []:
                return
            case [first, *_] if first.startswith("#"):
                return
            case ["log", vkey] | ["log", vkey, _]:
                self._log(vkey)
                return
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(name, vkey, *url)
                self._lines.append(f"witness {name} {vkey}")
                return
            case ["group", name, count, *members]:
                self._group(name, count, tuple(members))
                self._lines.append(f"group {name} {count} {' '.join(members)}")
            case ["quorum", name]:
                if self.quorum is not None or name not in self._names | {"none"}:
                    raise TrustError("there is one quorum line, and it names a witness or group from above, or none")
                self.quorum = name
                self._lines.append(f"quorum {name}")
            case _:
                raise TrustError("a line begins with log, witness, group or quorum, and has its own number of words")

    def kept(self) -> str:
        """The lines that an auditor needs."""
        return "".join(f"{line}\n" for line in self._lines)

    def _log(self, text: str) -> None:
        key = VerifierKey.parse(text)
        if key.kind != ED25519 or any(key.public == one.public for one in self.logs) or len(self.logs) == MOST:
            raise TrustError(f"a log has an Ed25519 key of its own, and there are at most {MOST}")
        self.logs.append(key)

    def _witness(self, name: str, text: str, url: str = "") -> None:
        key = VerifierKey.parse(text)
        known = any(key.public == one.vkey.public for one in self.witnesses)
        if key.kind != COSIGNATURE or known or len(self.witnesses) == MOST:
            raise TrustError(f"a witness has a cosignature/v1 key (type 04) of its own, and there are at most {MOST}")
        if url and not url.startswith(("https://", "http://")):
            raise TrustError("the address of a witness begins with https:// or http://")
        self._name(name)
        self.witnesses.append(Witness(name, key, url.rstrip("/")))

    def _group(self, name: str, count: str, members: tuple[str, ...]) -> None:
        number = {"any": "1", "all": str(len(members))}.get(count, count)
        plain = number.isascii() and number.isdecimal() and len(number) < 4 and number == str(int(number))
        if not plain or not 1 <= int(number) <= len(members) or len(self.groups) == MOST:
            raise TrustError(f"a group is any, all or a number of its members, and there are at most {MOST}")
        for member in members:
            if member not in self._names or member in self._members:
                raise TrustError("a group's members stand above it, and each belongs to one group once")
            self._members.add(member)
        self._name(name)
        self.groups[name] = int(number), members

    def _name(self, name: str) -> None:
        if name in self._names or name == "none":
            raise TrustError("a name is used once, and `none` is taken")
        self._names.add(name)


def add_checkpoint(node: NodeSource, old: int, note: bytes) -> bytes:
    """The body of a witness's add-checkpoint (C2SP tlog-witness). old: the size that it knows; not above the note's."""
    import base64

    size = unverified(note).size
    proof = consistency_proof(node, old, size) if old else []
    lines = (f"old {old}", *(base64.b64encode(one).decode() for one in proof))
    return "\n".join(lines).encode() + b"\n\n" + note


def accepted(answer: bytes, note: bytes, witness: Witness) -> tuple[Cosignature, str]:
    """A witness's cosignature on a note and its line, out of its answer; of other keys nothing is taken over.

    Raises VerifyError where there is none, or a wrong one.
    """
    text = parse_note(note)[0]
    whole = text.encode() + b"\n" + answer
    found = cosignatures(whole, [witness.vkey])
    if not found:
        raise VerifyError("the witness answered without a cosignature of its key", code="signature_missing")
    key = (witness.vkey.name, witness.vkey.id)
    line = next(one.line() for one in parse_note(whole)[1] if (one.name, one.id) == key)
    return found[0], line


def with_lines(note: bytes, lines: Sequence[str]) -> bytes:
    """A note with further signature lines; those that it has already are left out."""
    return note + "".join(line for line in lines if line.encode() not in note).encode()
