"""`dragoman compare` on a running dragoman: pairs rated blind, judged by the own model through the gate, reported."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from proxy.commands.compare import app
from proxy.config import parse_origin
from proxy.fakes.server import FakeProvider
from tests.integration.test_mirror import KEPT, KEY, MAIL, settled


@pytest.fixture
async def compared(tmp_path: Path, stand: Any) -> Any:
    """Starts a stand whose policy keeps pairs; `say` sends questions, `call` runs the command."""
    policy = tmp_path / "mirrors.yaml"
    policy.write_text(KEPT.replace("fake-echo: own-70b", "fake-echo: own-70b, judge-1: judge-1"))

    def start(own: str) -> Any:
        upstreams = {"own-llama": parse_origin(own, what="own-llama")}
        return stand(settings={"policy": policy}, upstreams=upstreams, openai={})

    return start


async def say(it: Any, chat: Callable[..., dict[str, Any]], *texts: str) -> list[str]:
    """The exchanges of these questions, each kept with both answers before the next is asked."""
    ids = []
    async with it.client("openai", headers=KEY) as client:
        for text in texts:
            answer = await client.post("/v1/chat/completions", json=chat(text))
            assert answer.status_code == 200
            ids.append(answer.headers["dragoman-transfer"])
            await settled(it)
    return ids


async def call(it: Any, *words: str, typed: str = "", code: int = 0) -> Result:
    words = (*words, "--home", str(it.home), "--policy", str(it.app.settings.policy))
    done = await asyncio.to_thread(CliRunner().invoke, app, list(words), input=typed)
    assert done.exit_code == code, (done.output, done.exception)
    return done


async def test_a_person_rates_without_knowing_whose_answer_it_is(compared: Any, chat: Any) -> None:
    async with FakeProvider("openai", opening="Own words: ") as own, compared(own.url) as it:
        ids = await say(it, chat, f"One {MAIL}", f"Two {MAIL}", "Three")
        listed = json.loads((await call(it, "list", "--json")).stdout)
        assert [one["exchange"] for one in listed["pairs"]] == ids[::-1]
        assert listed["kept"] == 3
        shown = (await call(it, "rate", typed="q\n")).stdout
        before, _, _ = shown.partition("Which is better?")
        assert "Own words: Three" in before
        assert not re.search(r"own-llama|openai|own-70b", before)
        own_side = "a" if before.index("Own words") < before.index("Answer B") else "b"
        done = await call(it, "rate", typed=f"{own_side}\nt\ns\n")
        assert "own-llama (own-70b)" in done.stdout
        assert done.stdout.endswith("2 rated\n")
        assert MAIL not in shown + done.stdout
        assert "[Email Address 1]" in done.stdout
        again = json.loads((await call(it, "list", "--json")).stdout)
        assert [one["exchange"] for one in again["pairs"]] == [ids[0]]
        looks = [one for one in it.records("query") if one["question"] == "show"]
        assert {tuple(one["filters"]) for one in looks} == {("compare",), ("compare", "rate")}
        assert [one["transfer"] for one in looks if "rate" in one["filters"]] == ids[:0:-1]
        report = json.loads((await call(it, "report", "--json")).stdout)
        (match,) = report["matches"]
        assert (match["first"]["destination"], match["second"]) == (
            "openai",
            {"destination": "own-llama", "model": "own-70b"},
        )
        assert (match["people"]["wins"], match["people"]["losses"], match["people"]["ties"]) == (1, 0, 1)
        assert match["people"]["low"] == pytest.approx(0.2065, abs=1e-4)
        for side in match["measures"].values():
            assert (side["answers"], side["failed"], side["counted"]) == (3, 0, 3)
            assert 0 <= side["wait_ms"] <= side["total_ms"]
            assert side["cost"] is None
        assert [(one["own"], one["all"]) for one in report["weeks"]] == [(0, 3)]
        it.verified()


async def test_prices_of_the_home_make_costs_and_the_table_says_so(compared: Any, chat: Any) -> None:
    async with FakeProvider("openai") as own, compared(own.url) as it:
        await say(it, chat, MAIL)
        table = 'date = 2026-11-01\ncurrency = "USD"\nsource = "x"\n[models."fake-*"]\ninput = 100\noutput = 100\n'
        await asyncio.to_thread((it.home / "prices.toml").write_text, table)
        (match,) = json.loads((await call(it, "report", "--json")).stdout)["matches"]
        assert float(match["measures"]["first"]["cost"]) > 0
        assert match["measures"]["second"]["cost"] is None
        text = (await call(it, "report")).stdout
        assert "Prices as read on 2026-11-01" in text
        assert "cost USD" in text


async def test_the_own_model_judges_through_the_gate_and_its_requests_are_in_the_log(compared: Any, chat: Any) -> None:
    # It says what it was asked back, so what it "says" holds every verdict and is none.
    async with FakeProvider("openai") as own, compared(own.url) as it:
        await say(it, chat, f"One {MAIL}")
        words = ("judge", "own-llama", "--model", "judge-1", "--gateway", it.gateway, "--json")
        assert json.loads((await call(it, *words)).stdout) == {"judged": 0, "without_verdict": 1}
        await settled(it)
        asked = [one for one in own.received if one.json()["model"] == "judge-1"]
        assert len(asked) == 1
        assert MAIL not in asked[0].body.decode()
        record = it.records("transfer")[-1]
        assert (record["destination"]["name"], record["attempt"], record["bytes_out"]) == (
            "own-llama", 1, len(asked[0].body),
        )  # fmt: skip
        refused = await call(it, "judge", "openai", "--model", "x", "--gateway", it.gateway, code=1)
        assert "no own model" in str(refused.exception)
        it.app.control.set_stop("destination", "own-llama", stopped=True)
        await it.app.refresh()
        stopped = await call(it, *words, code=1)
        assert "destination_stopped" in str(stopped.exception)


class OwnModel:
    """A model of the company's own: answers in words of its own, and judges as it is told to."""

    def __init__(self) -> None:
        self.judged: list[dict[str, Any]] = []

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        said = body["messages"][-1]["content"]
        answer = self.verdict(json.loads(said)) if body["model"] == "judge-1" else f"Own words: {said}"
        message = {"role": "assistant", "content": answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response({"id": "c", "object": "chat.completion", "model": body["model"], "choices": [choice]})

    def verdict(self, pair: dict[str, Any]) -> str:
        """Of the first question its own answer is better, wherever it stands; of the others what stands first."""
        self.judged.append(pair)
        own_is_first = "Own words" in pair["answer_a"]
        fair = "One" in json.dumps(pair["request"])
        return json.dumps({"better": "a" if own_is_first or not fair else "b"})


@pytest.fixture
async def own_judge() -> AsyncIterator[tuple[str, OwnModel]]:
    """Its URL."""
    model, app = OwnModel(), web.Application()
    app.router.add_post("/v1/chat/completions", model.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", model
    await runner.cleanup()


async def test_a_judges_verdicts_count_apart_from_peoples(
    compared: Any, chat: Any, own_judge: tuple[str, OwnModel]
) -> None:
    url, model = own_judge
    async with compared(url) as it:
        await say(it, chat, f"One {MAIL}", f"Two {MAIL}")
        words = ("judge", "own-llama", "--model", "judge-1", "--gateway", it.gateway, "--json")
        assert json.loads((await call(it, *words)).stdout) == {"judged": 2, "without_verdict": 0}
        await settled(it)
        (match,) = json.loads((await call(it, "report", "--json")).stdout)["matches"]
        judged, people = match["judge"], match["people"]
        assert (judged["wins"], judged["losses"], judged["ties"]) == (1, 0, 1)
        assert (people["wins"], people["losses"], people["ties"]) == (0, 0, 0)
        # Each pair in both orders, and nothing of it as it was.
        assert len(model.judged) == 4
        sides = {(one["answer_a"], one["answer_b"]) for one in model.judged}
        assert {(b, a) for a, b in sides} == sides
        assert MAIL not in json.dumps(model.judged)
        asked = [one for one in it.records("transfer") if one["model"] == "judge-1"]
        assert len(asked) == 4
        assert {(one["destination"]["name"], one["attempt"]) for one in asked} == {("own-llama", 1)}
        assert json.loads((await call(it, *words)).stdout) == {"judged": 0, "without_verdict": 0}
        assert len(model.judged) == 4  # no pair twice
        it.verified()


async def test_what_was_erased_is_not_shown_and_its_rating_stays_a_number(compared: Any, chat: Any) -> None:
    async with FakeProvider("openai") as own, compared(own.url) as it:
        await say(it, chat, f"One {MAIL}")
        await call(it, "rate", typed="a\n")
        await asyncio.to_thread(shred_all, it)
        assert json.loads((await call(it, "list", "--json")).stdout) == {"kept": 0, "pairs": []}
        (match,) = json.loads((await call(it, "report", "--json")).stdout)["matches"]
        assert match["people"]["wins"] + match["people"]["losses"] == 1


def shred_all(it: Any) -> None:
    from redaction.vault import open_vault

    vault = open_vault(it.home)
    for scope in {row for token in tokens_of(it) for row in vault.scopes_with(token)}:
        vault.shred(scope)
    vault.close()


def tokens_of(it: Any) -> list[str]:
    return [one.decode() for one in re.findall(rb"\[[A-Z_]+_[0-9A-Z]{8}\]", it.received()[0].body)]
