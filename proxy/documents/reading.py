"""One way into every kind of file: by its media type, with what the machine can recognize in pixels."""

from collections.abc import Mapping
from subprocess import SubprocessError

from proxy.documents import image, ocr, office, pdf
from proxy.documents.base import IMAGES, OFFICE, PDF, RETYPE, DocumentError, Opened, Text


class Reader:
    """Reads files. languages: ISO 639-1 codes of words in images."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self._languages = languages
        self._ocr: tuple[str, str] | None = None

    def read(self, raw: bytes, media_type: str, images: str) -> Opened:
        """Everything that a file says. images: `inspect`, `pass` or `refuse`. Raises DocumentError."""
        if media_type in IMAGES:
            return self._picture(raw) if images == "inspect" else Opened(inspectable=False)
        if media_type == PDF:
            return pdf.read(raw, images, self.recognize)
        if media_type in OFFICE:
            return office.read(raw, media_type, images, self.recognize)
        raise DocumentError("document_unreadable", "nothing here reads files of this type")

    def rewrite(self, raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened) -> bytes:
        """The file with new texts by their numbers; an image without its metadata. Raises DocumentError."""
        if media_type in IMAGES:
            boxes = [word for at, text in new.items() for word in image.changed_words(before.texts[at], text)]
            return image.cleaned(raw, boxes) if images == "inspect" else image.cleaned_if_readable(raw)
        if media_type in OFFICE:
            return office.rewritten(raw, media_type, images, new, before)
        if new and images == RETYPE:
            return pdf.retyped(new, before)
        if new:
            raise DocumentError(
                "document_not_replaceable",
                "personal data stands in a PDF, which cannot be rewritten; send it as text or as a Word file, or "
                "let the policy retype documents (`media: {document: retype}`) or pass them for this application",
            )
        return raw

    def recognize(self, raw: bytes) -> tuple[list[Text], str]:
        """The words of an image, and what is missing where they cannot be read."""
        if self._ocr is None:
            self._ocr = ocr.available(self._languages)
        languages, why = self._ocr
        if not languages:
            return [], f"words in images are not read on this machine: {why}"
        try:
            return ocr.texts_of(raw, languages), ""
        except DocumentError as error:
            return [], error.message
        except (SubprocessError, OSError):
            return [], "words in an image could not be read"

    def _picture(self, raw: bytes) -> Opened:
        image.cleaned(raw, ())  # refused here where it cannot be cleaned
        texts, why = self.recognize(raw)
        found = Opened(inspectable=not why, why=why)
        for text in texts:
            found.add(text)
        return found
