"""Sections of the policy file about who sends and about whom: applications, their tokens, flags of persons."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from policies.language.fields import Many, Pointer, Section, Slug, Text, Word, Words
from policies.model import MediaAction

Pair = Annotated[StrictStr, Field(pattern=r"^([A-Za-z0-9_.:/-]{1,100}=.{1,200})?$")]
Fingerprint = Annotated[StrictStr, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
# RFC 1123 label; names and values of labels as Kubernetes takes them ("Labels and Selectors").
Namespace = Annotated[StrictStr, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
LabelName = Annotated[StrictStr, Field(pattern=rf"^([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_LABEL}$")]
LabelValue = Annotated[StrictStr, Field(pattern=rf"^({_LABEL})?$")]
HeaderName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
# Asymmetric only: with a shared secret, whoever checks a token could also make one.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Statement = Annotated[StrictStr, Field(min_length=1, max_length=2000)]

MediaTable = dict[Word, MediaAction]


class PodsSection(Section):
    # Without a namespace, whoever may make a pod anywhere in the cluster could be any application.
    namespace: Namespace
    labels: Annotated[dict[LabelName, LabelValue], Field(min_length=1, max_length=16)]


class IdentifySection(Section):
    credential: Text = ""
    header: Pair = ""
    networks: Words = ()
    certificate: Text = ""
    claim: Pair = ""
    provider_key: Fingerprint = ""
    pods: PodsSection | None = None


class ApplicationSection(Section):
    identify: IdentifySection = IdentifySection()
    purpose: Slug | None = None
    purposes: Words = ()
    owner: Text = ""
    subject: Pointer = ""
    media: MediaTable = Field(default_factory=dict)
    shares_objects_with: Words = ()


class TokensSection(Section):
    header: HeaderName = "dragoman-token"
    issuer: Word
    audience: Word
    keys: Word
    algorithms: Many[Algorithm] = ("RS256", "ES256", "EdDSA")


class SubjectFlagsSection(Section):
    source: Literal["header", "claim", "file", "sql", "http"]
    at: Word
    query: Statement | None = None
    cache_seconds: Annotated[StrictInt, Field(ge=0, le=60)] = 60
