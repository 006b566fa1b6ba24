"""Consent decides: flags of persons from a trusted header or a file, and a person whom a field of the body names."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from audit.references import Space
from policies.declared import SubjectSource
from proxy.identity import Subject
from proxy.outbound.flags import FlagService

POLICY = """\
version: 1
name: consent
controllers: {us: {name: Example Ltd}}
purposes: {explain: {controller: us, basis: consent}, other: {controller: us, basis: contract}}
destinations:
  openai: {extends: bundled:openai@2026-11-23}
applications:
  chat: {identify: {networks: [127.0.0.0/8]}, purpose: explain, purposes: [other], subject: /user}
trust: {dragoman-subject: [127.0.0.0/8], dragoman-flags: [TRUSTED], dragoman-purpose: [127.0.0.0/8]}
subject_flags: {source: SOURCE, at: AT, cache_seconds: 0}
rules:
  - {id: minors-stay, when: {subject: {minor: "yes"}}, do: block}
  - {id: no-consent, when: {purpose: explain, subject: {consent: [withdrawn, unknown], participants: all}}, do: block}
  - {id: people, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
HERE, ELSEWHERE = "127.0.0.0/8", "192.0.2.0/24"


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., Path]:
    """A policy file with flags from somewhere."""

    def write(source: str, at: str, trusted: str = HERE) -> Path:
        path = tmp_path / "policy.yaml"
        text = POLICY.replace("SOURCE", source).replace("AT", at).replace("TRUSTED", trusted)
        path.write_text(text, encoding="utf-8")
        return path

    return write


async def asked(it: Any, chat: Callable[..., dict[str, Any]], headers: list[tuple[str, str]], **more: Any) -> str:
    """`sent`, or the id of the rule that blocked."""
    before = len(it.received())
    async with it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat("Hello", **more), headers=headers)
    if answer.status_code == 200:
        assert len(it.received()) == before + 1
        assert not any(name.lower().startswith(b"dragoman") for name, _ in it.received()[-1].headers.fields)
        return "sent"
    assert (answer.status_code, len(it.received())) == (403, before)
    return str(it.records("blocked")[-1]["rules"][0])


@pytest.mark.parametrize(
    ("lines", "happens"),
    [
        ([], "no-consent"),
        (["consent=given"], "sent"),
        (["consent=given; minor=yes"], "minors-stay"),
        (["Consent=given; objected=no"], "sent"),
        (["consent=perhaps"], "no-consent"),
        (["consent=withdrawn"], "no-consent"),
        (["subject=anna; consent=given", "subject=ben; consent=given"], "sent"),
        (["subject=anna; consent=given", "subject=ben; consent=withdrawn"], "no-consent"),
        (["subject=anna; consent=given"], "no-consent"),
    ],
)
async def test_flags_from_a_trusted_header_decide_and_never_leave(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], lines: list[str], happens: str
) -> None:
    headers = [("dragoman-flags", line) for line in lines]
    if any("subject" in line for line in lines):
        headers += [("dragoman-subject", "anna"), ("dragoman-subject", "ben; role=participant")]
    async with stand(settings={"policy": policy("header", "dragoman-flags")}) as it:
        assert await asked(it, chat, headers) == happens


async def test_a_header_from_elsewhere_is_not_believed(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path]
) -> None:
    async with stand(settings={"policy": policy("header", "dragoman-flags", ELSEWHERE)}) as it:
        assert await asked(it, chat, [("dragoman-flags", "consent=given")]) == "no-consent"


async def test_flags_from_a_file_follow_its_changes_and_the_purpose(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "flags.json"

    def says(flags: Any) -> None:
        file.write_bytes(orjson.dumps(flags))

    async with stand(settings={"policy": policy("file", str(file))}) as it:
        anna = [("dragoman-subject", "anna")]
        assert await asked(it, chat, anna) == "no-consent", "a file that is not there knows nobody"
        says({"anna": {"consent": "given"}})
        assert await asked(it, chat, anna) == "sent"
        assert await asked(it, chat, [("dragoman-subject", "ben")]) == "no-consent"
        says({"anna": {"consent": {"explain": "withdrawn", "other": "given"}}})
        assert await asked(it, chat, anna) == "no-consent", "a withdrawal stops the next request"
        assert await asked(it, chat, [*anna, ("dragoman-purpose", "other")]) == "sent"
        says({"anna": {"consent": "given", "minor": True}})
        assert await asked(it, chat, anna) == "minors-stay"
        file.write_text("{", encoding="utf-8")
        assert await asked(it, chat, anna) == "no-consent"
        assert b'dragoman_events_total{error="file",kind="flags_unreadable"}' in it.app.metrics.render()


async def test_a_field_of_the_body_names_the_person(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "flags.json"
    file.write_bytes(orjson.dumps({"u-77": {"consent": "given"}}))
    async with stand(settings={"policy": policy("file", str(file))}) as it:
        assert await asked(it, chat, [], user="u-77") == "sent"
        (subject,) = it.records("transfer")[-1]["subjects"]
        assert subject["role"] == "requester"
        assert "u-77" not in subject["ref"]
        assert await asked(it, chat, [], user="u-78") == "no-consent"
        assert await asked(it, chat, [], user={"id": "u-77"}) == "no-consent", "no identifier, nobody known"


@pytest.mark.parametrize("sent", ["jürgen@example.de".encode(), "jürgen@example.de".encode("latin-1")])
async def test_a_person_whose_header_is_not_ascii_is_found_as_people_write_the_name(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], tmp_path: Path, sent: bytes
) -> None:
    file = tmp_path / "flags.json"
    file.write_bytes(orjson.dumps({"jürgen@example.de": {"consent": "given"}}))
    async with stand(settings={"policy": policy("file", str(file))}) as it:
        header: Any = [(b"dragoman-subject", sent)]
        assert await asked(it, chat, header) == "sent"
        (subject,) = it.records("transfer")[-1]["subjects"]
        known = it.app.ledger.references.known(Space.SUBJECT, "jürgen@example.de")
        assert (subject["ref"],) == known


class ConsentService:
    """A company's own service that knows what persons said. status, answer: what it says next; None: what it knows."""

    def __init__(self) -> None:
        self.knows: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.status = 200
        self.answer: bytes | None = None
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        question = orjson.loads(await request.read())
        self.asked.append(question)
        table = {name: self.knows[name] for name in question["subjects"] if name in self.knows}
        return web.Response(status=self.status, body=orjson.dumps(table) if self.answer is None else self.answer)


@pytest.fixture
async def consents() -> AsyncIterator[ConsentService]:
    service = ConsentService()
    runner = web.ServerRunner(web.Server(service.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/flags"
    yield service
    await runner.cleanup()


class TestService:
    async def test_it_is_asked_for_everybody_at_once_and_for_the_purpose(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], consents: ConsentService
    ) -> None:
        consents.knows = {"anna": {"consent": "given"}, "ben": {"consent": "given"}}
        both = [("dragoman-subject", "anna"), ("dragoman-subject", "ben; role=participant")]
        async with stand(settings={"policy": policy("http", consents.url)}) as it:
            assert await asked(it, chat, both) == "sent"
            assert consents.asked == [{"purpose": "explain", "subjects": ["anna", "ben"]}]
            consents.knows["ben"] = {"consent": "withdrawn"}
            assert await asked(it, chat, both) == "no-consent", "with cache_seconds: 0 a withdrawal stops the next"
            assert await asked(it, chat, [("dragoman-subject", "cem")]) == "no-consent"

    @pytest.mark.parametrize(
        ("status", "answer"), [(500, b"{}"), (200, b"not json"), (200, b"[]"), (302, b"{}"), (200, b'"x"' * 600_000)]
    )
    async def test_whatever_goes_wrong_makes_everybody_unknown(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], consents: ConsentService,
        status: int, answer: bytes,
    ) -> None:  # fmt: skip
        consents.status, consents.answer = status, answer
        async with stand(settings={"policy": policy("http", consents.url)}) as it:
            assert await asked(it, chat, [("dragoman-subject", "anna")]) == "no-consent"
            assert b'dragoman_events_total{error="http",kind="flags_unreadable"}' in it.app.metrics.render()

    async def test_a_service_that_is_not_there_makes_everybody_unknown(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path]
    ) -> None:
        async with stand(settings={"policy": policy("http", "http://127.0.0.1:9/flags")}) as it:
            assert await asked(it, chat, [("dragoman-subject", "anna")]) == "no-consent"


async def test_answers_of_a_service_are_kept_as_long_as_the_policy_says(consents: ConsentService) -> None:
    now = 0.0
    service = FlagService(lambda kind, label: None, clock=lambda: now)
    source = SubjectSource("http", consents.url, cache_seconds=30)
    consents.knows = {"anna": {"consent": "given"}}
    try:
        for moment, questions in ((0.0, 1), (29.9, 1), (30.0, 2)):
            now = moment
            (facts,) = await service.look_up(source, [Subject("anna")], "explain")
            assert facts.consent == "given"
            assert len(consents.asked) == questions
        (other,) = await service.look_up(source, [Subject("anna")], "another purpose")
        assert (other.consent, len(consents.asked)) == ("given", 3)
    finally:
        await service.close()
