"""Pieces of uploads that are not whole: files that every door worker of one machine reaches, sealed and soon forgotten.

The key is made anew at each start and kept in the memory of dragoman's processes alone, so what a crash leaves behind
cannot be read by anybody; the next start removes it. Names of folders are keyed hashes. AES-256-GCM with random 96-bit
nonces (NIST SP 800-38D), bound to where a piece stands. Blocking: whoever calls has left the event loop.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.errors import FormatError, UnavailableError
from proxy.running.keys import private_dir
from proxy.steps.uploads import too_large

PIECES = "run/uploads"
"""Of the home."""
KEY_BYTES = 32
MAX_UPLOADS = 16
"""Held at one time, by all workers together: each may be as large as a body."""
MAX_PIECES = 1000
FORGET_S = 60.0
_HEAD = "head"
_NONCE_BYTES, _TAG_BYTES = 12, 16


class PieceFolder:
    """`services.Pieces` in a folder. limit: bytes of one upload. now: seconds since 1970, which all processes share."""

    def __init__(self, folder: Path, key: bytes, limit: int, now: Callable[[], float] = time.time) -> None:
        self._folder, self._limit, self._now = private_dir(folder), limit, now
        self._names, sealing = (hmac.digest(key, use, hashlib.sha256) for use in (b"names", b"pieces"))
        self._cipher = AESGCM(sealing)

    def begin(self, upload: str, head: bytes, ttl_s: float) -> None:
        self.forget_old()
        with _disk():
            # Built beside, so that nobody sees it without its head; where two begin the same one, the first has it.
            building = self._folder / f".{secrets.token_hex(16)}"
            building.mkdir(mode=0o700)
            place = self._place(upload)
            try:
                self._write(building / _HEAD, place.name, head, self._now() + ttl_s)
                building.rename(place)
            except OSError:
                shutil.rmtree(building, ignore_errors=True)
                if not place.is_dir():
                    raise
                return
            if len(list(self._uploads())) <= MAX_UPLOADS:
                return
            self.drop(upload)
        raise FormatError("too many uploads are under way; try again", code="too_many_uploads", status=429)

    def head(self, upload: str) -> bytes | None:
        self.forget_old()
        place = self._place(upload)
        with contextlib.suppress(FileNotFoundError), _disk():
            return self._read(place / _HEAD, place.name)
        return None

    def size(self, upload: str) -> int:
        self.forget_old()
        return sum(size for _, size in self._pieces(self._place(upload)))

    def add(self, upload: str, piece: str, data: bytes, ttl_s: float | None = None) -> bool:
        place = self._place(upload)
        try:
            with _disk():
                self._write(place / piece, place.name, data)
                if ttl_s is not None:
                    self._live_until(place, ttl_s)
        except (FileNotFoundError, FileExistsError):
            return False
        # Afterwards, because others may have added meanwhile.
        sizes = [size for _, size in self._pieces(place)]
        if sum(sizes) > self._limit:
            self.drop(upload)
            raise too_large(self._limit)
        if len(sizes) > MAX_PIECES:
            self.drop(upload)
            raise FormatError(f"an upload has at most {MAX_PIECES} pieces", code="upload_invalid")
        return True

    def take(self, upload: str) -> Mapping[str, bytes] | None:
        place = self._place(upload)
        taken = self._folder / f".{secrets.token_hex(16)}"
        try:
            with _disk():
                place.rename(taken)
                return {name: self._read(taken / name, place.name) for name, _ in self._pieces(taken)}
        except FileNotFoundError:
            return None
        finally:
            shutil.rmtree(taken, ignore_errors=True)

    def drop(self, upload: str) -> None:
        shutil.rmtree(self._place(upload), ignore_errors=True)

    def forget_old(self) -> None:
        """Remove what has had its time; also of a worker that ended while it took it."""
        now = self._now()
        for place in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if (place / _HEAD).stat().st_mtime <= now:
                    shutil.rmtree(place, ignore_errors=True)

    # --- files -----------------------------------------------------------------------------------------------------

    def _place(self, upload: str) -> Path:
        return self._folder / hmac.digest(self._names, upload.encode(), hashlib.sha256).hex()

    def _uploads(self) -> Iterator[Path]:
        return (place for place in self._folder.iterdir() if not place.name.startswith("."))

    def _pieces(self, place: Path) -> list[tuple[str, int]]:
        """(name, bytes), in the order of the names."""
        try:
            with os.scandir(place) as found:
                sizes = [(one.name, one.stat().st_size - _NONCE_BYTES - _TAG_BYTES) for one in found]
        except FileNotFoundError:
            return []
        return sorted((name, size) for name, size in sizes if name != _HEAD)

    def _write(self, path: Path, upload: str, data: bytes, end: float | None = None) -> None:
        """Raises FileExistsError, FileNotFoundError. Whole under its name, with its time, or not there at all.

        end: of the life of what the file heads; whoever forgets what is old must never see it without.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, data, f"{upload}/{path.name}".encode())
        unfinished = self._folder / f".{secrets.token_hex(16)}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(nonce)
                stream.write(sealed)
            if end is not None:
                os.utime(unfinished, (end, end))
            os.link(unfinished, path)
        finally:
            unfinished.unlink()

    def _read(self, path: Path, upload: str) -> bytes:
        sealed = path.read_bytes()
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], f"{upload}/{path.name}".encode())
        except (InvalidTag, ValueError):
            raise UnavailableError(
                "what is held of this upload does not decrypt; begin the upload again", code="upload_damaged"
            ) from None

    def _live_until(self, place: Path, ttl_s: float) -> None:
        end = self._now() + ttl_s
        os.utime(place / _HEAD, (end, end))


def fresh(folder: Path) -> Path:
    """The folder, empty: what another start left in it cannot be read any more."""
    shutil.rmtree(folder, ignore_errors=True)
    return private_dir(folder)


async def forgetting(pieces: PieceFolder) -> None:
    """Look again and again for what has had its time; whoever began an upload may never come back."""
    while True:
        await asyncio.sleep(FORGET_S)
        # A disk that is away says so to whoever sends the next piece.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(pieces.forget_old)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """A disk that is full or not there refuses the piece; what is not there, or there already, is for the caller."""
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        raise UnavailableError("the pieces of an upload cannot be held on this disk", code="uploads_away") from None
