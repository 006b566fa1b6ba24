"""State on the provider's side: what an earlier request said is still restored, and `store: never` keeps nothing."""

import json
import sqlite3

import pytest

from policies.load import bundled_file
from tests.integration.erasing import ANNA, about, configure, erase

MAIL, OTHER = "anna.schmidt@example.com", "bert@example.org"


def said(answer) -> str:
    """All words of a response, streamed or not."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        data = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
        return "".join(event["delta"] for event in map(json.loads, data) if event["type"].endswith("text.delta"))
    return answer.json()["output"][0]["content"][0]["text"]


def ident(answer) -> str:
    if answer.headers["content-type"].startswith("text/event-stream"):
        return json.loads(next(line for line in answer.text.splitlines() if line.startswith("data: "))[6:])["response"][
            "id"
        ]
    return answer.json()["id"]


def bindings(it) -> int:
    with sqlite3.connect(f"file:{it.home / 'vault.db'}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT COUNT(*) FROM vault_binding").fetchone()[0]


async def test_an_answer_about_an_earlier_response_is_restored(each_door):
    async with each_door(openai={"chunk": 3}) as it, it.client("openai") as client:
        for stream in (False, True):
            body = {"model": "fake-echo-all", "stream": stream}
            first = await client.post("/v1/responses", json={**body, "input": f"I am {MAIL}"})
            follow = {**body, "input": f"and {OTHER}?", "previous_response_id": ident(first)}
            second = await client.post("/v1/responses", json=follow)
            third = await client.post(
                "/v1/responses", json={**body, "input": "so?", "previous_response_id": ident(second)}
            )
            got = await client.get(f"/v1/responses/{ident(third)}")
            assert MAIL in said(first)
            assert MAIL in said(second)
            assert OTHER in said(second)
            assert MAIL in said(third)
            assert OTHER in said(third)
            assert said(got) == said(third)
        assert not [call for call in it.received() if MAIL.encode() in call.body or OTHER.encode() in call.body]


async def test_nothing_of_a_response_that_was_not_named_is_restored(stand):
    async with stand(openai={}) as it, it.client("openai") as client:
        first = await client.post("/v1/responses", json={"model": "fake-echo", "input": f"I am {MAIL}"})
        token = json.loads(it.received()[0].body)["input"].removeprefix("I am ")
        assert said(first) == f"I am {MAIL}"
        other = await client.post("/v1/responses", json={"model": "fake-echo", "input": f"who is {token}"})
        assert said(other) == f"who is {token}"


async def test_a_response_that_was_not_stored_binds_nothing(stand):
    async with stand(openai={}) as it, it.client("openai") as client:
        await client.post("/v1/responses", json={"model": "fake-echo", "input": f"I am {MAIL}", "store": False})
        await client.post("/v1/chat/completions", json={"model": "fake-echo", "messages": []})
        await it.settled()
        assert bindings(it) == 0
        await client.post("/v1/responses", json={"model": "fake-echo", "input": "x"})
        assert bindings(it) == 1


async def test_store_never_tells_the_provider_and_refuses_what_cannot_be_told(stand, tmp_path):
    policy = tmp_path / "never.yaml"
    bundled = bundled_file("default").decode()
    assert "  openai: {" in bundled
    policy.write_text(bundled.replace("  openai: {", "  openai: {store: never, ", 1))
    async with stand(openai={}, settings={"policy": policy}) as it, it.client("openai") as client:
        body = '{"model": "fake-echo", "input": "hello"}'
        answer = await client.post("/v1/responses", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200
        assert it.received()[0].body.decode() == '{"store":false,"model": "fake-echo", "input": "hello"}'
        refused = await client.post("/v1/conversations", json={"items": []})
        assert (refused.status_code, refused.headers["dragoman-reason"]) == (403, "store_refused")
        assert len(it.received()) == 1
        await it.settled()
        assert bindings(it) == 0


EVAL = {
    "name": f"of {MAIL}", "data_source_config": {"type": "custom", "item_schema": {"type": "object"}},
    "testing_criteria": [{"type": "string_check", "name": "c", "input": "{{item.who}}", "operation": "eq", "reference": MAIL}],
}  # fmt: skip
RUN = {
    "name": "r",
    "data_source": {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"who": OTHER}}]}},
}
JOB = {"model": "gpt-4o-mini", "training_file": "file-1", "suffix": "s", "metadata": {"by": MAIL}}
SKILL = {"files": ("skill/SKILL.md", f"---\nname: care\n---\nWrite to {MAIL}.", "text/markdown")}
VERSION = {"files": ("skill/SKILL.md", f"---\nname: care\n---\nWrite to {OTHER}.", "text/markdown")}


async def create(client, headers=None):
    """Path of each object that was made -> what an app gets of it."""
    made = {}

    async def post(path, **body):
        answer = await client.post(f"/v1/{path}", headers=headers, **body)
        assert answer.status_code == 200, answer.text
        made[f"{path}/{answer.json().get('version') or answer.json()['id']}"] = answer
        return answer.json()["id"]

    one = await post("evals", json=EVAL)
    await post(f"evals/{one}/runs", json=RUN)
    one = await post("skills", files=SKILL)
    await post(f"skills/{one}/versions", files=VERSION)
    await post("fine_tuning/jobs", json=JOB)
    return made


async def test_evaluations_skills_and_fine_tuning_are_restored_when_they_are_asked_for(each_door):
    async with each_door(openai={}) as it, it.client("openai") as client:
        for path, made in (await create(client)).items():
            got = await client.get(f"/v1/{path}")
            assert got.status_code == 200, path
            assert got.json() == made.json()
            assert MAIL in got.text or OTHER in got.text, path
        assert not [call for call in it.received() if MAIL.encode() in call.body or OTHER.encode() in call.body]
        await it.settled()
        assert bindings(it) == 5
        assert {one["endpoint"] for one in it.records("transfer")} == {
            "evals", "eval_runs", "eval_run", "eval", "skills", "skill_versions", "skill_version", "skill",
            "fine_tuning", "fine_tuning_job",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [("evals", {"json": EVAL}), ("evals/eval_1", {"json": {"name": "n"}}), ("evals/eval_1/runs", {"json": RUN}),
     ("skills", {"files": SKILL}), ("skills/skill_1/versions", {"files": VERSION}), ("fine_tuning/jobs", {"json": JOB})],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
async def test_store_never_refuses_what_would_be_kept_of_them(stand, tmp_path, path, body):
    policy = tmp_path / "never.yaml"
    policy.write_text(bundled_file("default").decode().replace("  openai: {", "  openai: {store: never, ", 1))
    async with stand(openai={}, settings={"policy": policy}) as it, it.client("openai") as client:
        refused = await client.post(f"/v1/{path}", **body)
        assert (refused.status_code, refused.headers["dragoman-reason"]) == (403, "store_refused")
        assert it.received() == []


async def test_an_erasure_deletes_evaluations_and_skills_and_says_what_stays(stand, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "sk-fake")
    async with stand(openai={}) as it, it.client("openai") as client:
        configure(it)
        made = await create(client, about(ANNA))
        await it.settled()
        done = await erase(it, "--yes")
        asked = {call.path for call in it.received() if call.method == "DELETE"}
        job = next(path for path in made if path.startswith("fine_tuning"))
        assert asked == {f"/v1/{path}" for path in made if path != job}
        assert done.exit_code == 1, "the job is still with the provider"
        notice = json.loads(next((it.home / "erasures").glob("*.json")).read_text())
        kept = [one["id"] for one in notice["objects"] if one["verdict"] == "kept"]
        assert kept == [job.rpartition("/")[2]]
