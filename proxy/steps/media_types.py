"""Which media types a record may name: those of this list and those that the policy names. A client may call its bytes
`image/anna-schmidt`, so what nobody listed is recorded as a family alone. Pure.
"""

import re
from collections.abc import Iterator

from audit.values import MediaKind
from policies.policy import Policy
from proxy.documents.base import READABLE
from proxy.formats.base import SDP, SESSION_KEY
from proxy.formats.inspection import NUMBERS, TOKEN_IDS
from proxy.formats.media import OCTETS

_SUBTYPES = {
    "application": "gzip zip x-tar x-7z-compressed x-rar-compressed vnd.rar x-bzip2 zstd json jsonl x-ndjson xml yaml "
    "grpc protobuf msgpack cbor rtf msword epub+zip javascript sql toml wasm parquet "
    "vnd.apache.parquet x-ole-storage dicom ogg mp4 "
    "vnd.ms-excel vnd.ms-powerpoint vnd.ms-outlook vnd.openxmlformats-officedocument.presentationml.presentation "
    "vnd.oasis.opendocument.text vnd.oasis.opendocument.spreadsheet vnd.oasis.opendocument.presentation "
    "vnd.google-apps.document vnd.google-apps.spreadsheet vnd.google-apps.presentation",
    "audio": "wav x-wav wave vnd.wave mpeg mp3 mpga mp4 m4a x-m4a aac flac x-flac ogg opus webm pcm l16 basic amr midi "
    "x-aiff aiff x-ms-wma pcmu pcma",
    "image": "bmp tiff svg+xml heic heif avif x-icon vnd.microsoft.icon jpg jxl jp2 apng vnd.adobe.photoshop x-raw",
    "text": "plain html css csv tab-separated-values markdown x-markdown xml rtf calendar vcard x-vcard javascript "
    "x-python x-script.python x-java x-c x-c++ x-csharp x-php x-ruby x-sh x-tex x-typescript jsonl yaml vtt",
    "video": "mp4 mpeg quicktime webm x-matroska x-msvideo avi x-ms-wmv x-flv 3gpp mov mpg wmv",
    "multipart": "mixed form-data related alternative",
    "message": "rfc822",
}
LISTED = frozenset(
    (
        *(*READABLE, NUMBERS, TOKEN_IDS, SDP, SESSION_KEY, OCTETS),
        *(f"{family}/{one}" for family, listed in _SUBTYPES.items() for one in listed.split()),
    )
)
_SHAPE = re.compile(r"(?=.{1,80}\Z)[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", re.ASCII)
_FAMILIES = frozenset(kind.value for kind in (MediaKind.AUDIO, MediaKind.IMAGE, MediaKind.VIDEO)) | {"text"}


def recorded_type(media_type: str, policy: Policy) -> str:
    """A media type as a record says it, without parameters; `image/x-unlisted` where nobody listed it."""
    bare = media_type.partition(";")[0].strip().lower()
    family = bare.partition("/")[0]
    if bare in LISTED or (_SHAPE.fullmatch(bare) and bare in _named_by(policy)):
        return bare
    return f"{family}/x-unlisted" if family in _FAMILIES else OCTETS


def _named_by(policy: Policy) -> Iterator[str]:
    """Every kind and media type for which a policy says what happens."""
    yield from policy.media
    for application in policy.applications.values():
        yield from application.media
    for rule in policy.rules:
        yield from rule.when.media or ()
