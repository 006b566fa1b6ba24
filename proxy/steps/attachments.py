"""Files in a request: opened before detection, written anew after the decision, as far as the policy says `inspect`.

The policy's media tables say for each file whether it is looked into, passes or is refused. What could not be looked
into stays a part that nothing inspected, which the same tables refuse; why is told to the app.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from policies.model import MediaAction, MediaKind
from policies.model import MediaPart as PolicyPart
from proxy.documents.base import IMAGES, PDF, RETYPE, DocumentError, Opened
from proxy.errors import FormatError
from proxy.formats.base import Attachment, MediaPart
from proxy.steps.records import media_kind
from proxy.steps.work import Services, Work, known
from redaction.segment import Segment, SegmentKind

MAX_FILES = 100  # of one request; no API takes as many
_LONGEST_PLACE = 128  # characters of a record's pointer


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that was looked into. images: what the policy says of images in it. retype: see `MediaAction`."""

    attachment: Attachment
    opened: Opened
    images: MediaAction
    retype: bool = False

    def pointer(self, number: int) -> str:
        """Of one of its texts; valid in no body."""
        return f"{self.attachment.pointer}!{number}"


async def open_attachments(work: Work, services: Services) -> None:
    """Look into the files of a request: their texts become segments. Raises FormatError where there are too many."""
    inspected = known(work.inspected)
    if len(inspected.attachments) > MAX_FILES:
        raise FormatError(f"the request holds more than {MAX_FILES} files; send fewer", code="too_many_files")
    files = [file for one in inspected.attachments if (file := await _opened(work, services, one)) is not None]
    if not files:
        return
    by_pointer = {file.attachment.pointer: file for file in files}
    media = tuple(
        replace(part, inspectable=file.opened.inspectable) if (file := by_pointer.get(part.pointer)) else part
        for part in inspected.media
    )
    work.files = tuple(files)
    work.inspected = replace(
        inspected,
        segments=(*inspected.segments, *(segment for file in files for segment in _segments(file))),
        media=(*media, *(part for file in files for part in _parts(file))),
    )
    work.facts.media = work.inspected.media


async def rewrite_attachments(work: Work, services: Services) -> Mapping[str, str]:
    """Pointer -> new bytes, as Latin-1, of every file that does not leave as it came. Raises FormatError."""
    inspected, decision, texts = known(work.inspected), known(work.decision), known(work.tokenized).texts
    passed = {part.pointer for part, one in zip(inspected.media, decision.media, strict=False)
              if one.action is MediaAction.PASS}  # fmt: skip
    written: dict[str, str] = {}
    treated = dict.fromkeys(passed, "passed")
    for file in () if decision.observe else work.files:
        one = file.attachment
        new = {n: texts[file.pointer(n)] for n in range(len(file.opened.texts)) if file.pointer(n) in texts}
        images = RETYPE if file.retype and one.media_type == PDF else file.images.value
        try:
            raw = await services.documents.rewrite(one.raw, one.media_type, images, new, file.opened)
        except DocumentError as error:
            raise FormatError(error.message, code=error.code) from None
        if one.pointer not in passed:
            treated[one.pointer] = _treated(one, changed=raw != one.raw, texts=bool(new))
        if raw != one.raw:
            written[one.pointer] = raw.decode("latin-1")
    work.facts.media = tuple(
        [replace(part, treated=treated.get(part.pointer, part.treated)) for part in inspected.media]
    )
    return written


def _treated(one: Attachment, *, changed: bool, texts: bool) -> str:
    if not changed:
        return "inspected"
    if not texts:
        return "stripped"
    if one.media_type == PDF:
        return "retyped"
    return "painted" if one.media_type in IMAGES else "rewritten"


async def _opened(work: Work, services: Services, one: Attachment) -> OpenFile | None:
    """None where the policy does not have it looked into, or it could not be."""
    action = _action(work, media_kind(one.media_type).value, one.media_type, len(one.raw))
    images = action if one.media_type in IMAGES else _action(work, MediaKind.IMAGE.value, "", 0)
    if action is MediaAction.REFUSE or (action is MediaAction.PASS and one.media_type not in IMAGES):
        return None
    try:
        opened = await services.documents.read(one.raw, one.media_type, images.value)
    except DocumentError as error:
        work.unread.append(error.message)
        return None
    if opened.why:
        work.unread.append(opened.why)
    return OpenFile(one, opened, images, action is MediaAction.RETYPE)


def _action(work: Work, kind: str, media_type: str, size: int) -> MediaAction:
    policy, application = work.active.policy, work.identity.application
    part = PolicyPart(MediaKind(kind), media_type, size, inspectable=True)
    return policy.media_action(application if application in policy.applications else "", part)[0]


def _segments(file: OpenFile) -> Iterator[Segment]:
    for number, text in enumerate(file.opened.texts):
        place = f"{file.attachment.place}/{text.place}"[:_LONGEST_PLACE]
        yield Segment(file.pointer(number), text.text, SegmentKind.FILE, place)


def _parts(file: OpenFile) -> Iterator[MediaPart]:
    for number, part in enumerate(file.opened.parts):
        pointer = f"{file.attachment.pointer}!part{number}"
        treated = "inspected" if part.inspectable else ""
        yield MediaPart(pointer, part.media_type, part.size, part.inspectable, treated)
