"""The run over a folder: which partitions are left, Ray Data over their names, the manifest of those that are done.

`manifest.jsonl` in the target has a line per partition, written after its output has its name: a second run skips what
is there with the digests of that line, so each row comes out exactly once, however often a run was cut off.
"""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from audit.errors import AuditError
from proxy.bulk.job import CHUNK, BulkError, Done, Job, digest_of
from proxy.bulk.parts import SUFFIXES
from proxy.bulk.path import policy_for
from proxy.bulk.worker import TEMPORARY, Worker
from proxy.config import Settings
from proxy.running.databases import join_log, serve_log

MANIFEST = "manifest.jsonl"
FOLDER = "drg-bulk-"
OBJECT_STORE = 100 * 1024 * 1024
"""Bytes, little more than the least that Ray takes: only names and digests pass through it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did. skipped: partitions that an earlier one had done. failed: those without an output."""

    done: tuple[Done, ...]
    skipped: int
    failed: tuple[Done, ...]


def run(settings: Settings, job: Job, *, workers: int, address: str, progress: Callable[[int, int], None]) -> Summary:
    """Does what is left. address: of a running Ray cluster, "" for one on this machine that ends with the run.

    Raises BulkError, and the errors of policy and log.
    """
    if find_spec("ray") is None:
        raise BulkError("Ray is not installed; install dragoman[ray]")
    names = partitions(job)
    policy = policy_for(settings, job)
    if not job.restore:
        _begin_log(settings)
    with _manifest(job) as manifest:
        for half in job.target.rglob(f".*{TEMPORARY}"):
            half.unlink(missing_ok=True)  # of a run that was killed: whoever still writes there finds no name for it
        there = _read(manifest)
        left = [name for name in names if not _is_done(job, there.get(name), policy.digest)]
        done: list[Done] = []
        failed: list[Done] = []
        progress(0, len(left))
        if left:
            for one in _through_ray(job, left, workers, address):
                (failed if one.error else done).append(one)
                if not one.error:
                    _note(manifest, one)
                progress(len(done) + len(failed), len(left))
    return Summary(tuple(done), len(names) - len(left), tuple(failed))


def partitions(job: Job) -> list[str]:
    """Names of the files below the source that are read, in order. Raises BulkError."""
    if not job.source.is_dir():
        raise BulkError(f"{job.source}: with --engine ray this is a folder of {', '.join(SUFFIXES)} files")
    source, target = job.source.resolve(), job.target.resolve()
    if target == source or target.is_relative_to(source) or source.is_relative_to(target):
        raise BulkError("--out names a folder of its own, neither inside of the input's nor around it")
    found = [path.relative_to(job.source).as_posix() for path in job.source.rglob("*") if path.suffix in SUFFIXES]
    if MANIFEST in found and not _is_ours(job.source / MANIFEST):
        raise BulkError(
            f"{job.source / MANIFEST}: rows under this name would be taken for our own list; rename the file"
        )
    names = sorted(name for name in found if name != MANIFEST)
    if not names:
        raise BulkError(f"{job.source}: there are no {', '.join(SUFFIXES)} files in it")
    return names


def _is_ours(path: Path) -> bool:
    """Whether a manifest begins as ours do, as beside the output of a redaction."""
    with path.open("rb") as file, contextlib.suppress(ValueError):
        head = json.loads(file.readline(CHUNK))
        return isinstance(head, dict) and head.keys() == {"to", "scope", "application", "purpose", "restore", "keep"}
    return False


def _begin_log(settings: Settings) -> None:
    """The actors join a log; the first run of all makes it."""
    try:
        join_log(settings).close()
    except AuditError:
        serve_log(settings).close()


@contextmanager
def _manifest(job: Job) -> Iterator[IO[str]]:
    """Open for one run at a time. Raises BulkError where another run has it, or it is of another job."""
    job.target.mkdir(parents=True, exist_ok=True)
    head: dict[str, str | bool] = {"to": job.to, "scope": job.scope, "application": job.application}
    head |= {"purpose": job.purpose, "restore": job.restore, "keep": ",".join(sorted(job.keep))}
    with (job.target / MANIFEST).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BulkError("another run writes into this folder") from None
        file.seek(0)
        first = file.readline()
        if not first.endswith("\n"):
            file.truncate(0)
            _write(file, json.dumps(head))
        elif first != json.dumps(head) + "\n":
            raise BulkError(
                "this folder was begun with other --to, --scope, --app, --purpose or --keep; name an empty one"
            )
        elif not file.read().endswith("\n") and file.tell() > len(first):
            _write(file, "")  # after a last line that a crash cut off
        yield file


def _read(manifest: IO[str]) -> dict[str, Done]:
    """The newest line of each partition; one that a crash cut off says nothing."""
    manifest.seek(0)
    manifest.readline()
    found: dict[str, Done] = {}
    for line in manifest:
        with contextlib.suppress(ValueError, TypeError):
            one = Done.of_line(line)
            found[one.name] = one
    return found


def _note(manifest: IO[str], one: Done) -> None:
    _write(manifest, one.line())


def _write(file: IO[str], line: str) -> None:
    file.write(line + "\n")
    file.flush()
    os.fsync(file.fileno())


def _is_done(job: Job, known: Done | None, policy: str) -> bool:
    """Whether input, output and policy are those of a line."""
    if known is None or (known.policy != policy and not job.restore):
        return False
    output = job.target / known.name
    return (
        output.is_file()
        and digest_of(output) == known.output_sha256
        and digest_of(job.source / known.name) == known.input_sha256
    )


def _own(job: Job) -> frozenset[str]:
    """Digests of what a redaction wrote, where its manifest lies beside the files to restore."""
    try:
        with (job.source / MANIFEST).open(encoding="utf-8") as file:
            return frozenset(one.output_sha256 for one in _read(file).values()) if job.restore else frozenset()
    except OSError:
        return frozenset()


def _begin_ray(given: dict[str, Any]) -> None:
    """Raises BulkError with Ray's own words: no row has been read yet that they could quote."""
    import ray

    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **given)
    except Exception as error:  # Ray raises bare ones, as when a busy machine takes longer than it waits
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise BulkError(f"Ray could not be started ({said}); what is done is kept, run it again") from None


def _through_ray(job: Job, names: list[str], workers: int, address: str) -> Iterator[Done]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it warns of its own actors on standard error
    actors = max(1, min(workers, len(names)))
    given: dict[str, Any] = {"address": address} if address else {
        "address": "local", "num_cpus": actors, "object_store_memory": OBJECT_STORE, "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
    }  # fmt: skip
    with _folder() as folder:
        yield from _rows(job, names, actors, given if address else given | {"_temp_dir": folder})


@contextmanager
def _folder() -> Iterator[str]:
    """For Ray's sockets, whose paths are short. Those of runs that were killed go first: nobody locks them any more."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix="drg-"))
    with _locked(folder):
        folder = folder.rename(folder.with_name(folder.name.replace("drg-", FOLDER, 1)))
        try:
            yield str(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Raises OSError where another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _rows(job: Job, names: list[str], actors: int, given: dict[str, Any]) -> Iterator[Done]:
    import ray
    import ray.data

    try:
        _begin_ray(given)
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = ray.data.from_items([{"name": name} for name in names], override_num_blocks=len(names)).map_batches(
            Worker,
            fn_constructor_args=(job, _own(job)),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1,
        )
        for row in rows.iter_rows():
            yield Done.of_line(row["line"])
    except ray.exceptions.RayError as error:
        raise BulkError(f"Ray ended ({type(error).__name__}); what is done is kept, run it again") from None
    finally:
        ray.shutdown()
