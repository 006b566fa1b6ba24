"""What the fake of OpenAI keeps of evaluations, skills and fine-tuning: as it came, told by the digest of its bytes."""

import re
from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Answer, Received, dump, whole

_MADE = re.compile(r".*/(?P<kind>evals|skills|fine_tuning/jobs)(?:/(?P<of>[\w-]+)/(?P<part>runs|versions))?")
_KEPT = re.compile(r".*/(?P<path>(?:evals|skills|fine_tuning/jobs)/[\w-]+(?:/(?:runs|versions)/[\w-]+)?)")
_PREFIX = {"evals": "eval_", "skills": "skill_", "fine_tuning/jobs": "ftjob-", "runs": "evalrun_"}


def answer(call: Received, play: Play) -> Answer | None:
    """`POST` of something new, `GET` and `DELETE` of what is kept; None for anything else, an unknown id included."""
    if call.method == "POST" and (made := _MADE.fullmatch(call.path)) is not None:
        return _made(made, call, play)
    known = _KEPT.fullmatch(call.path)
    if known is None or known["path"] not in play.memory:
        return None
    if call.method == "GET":
        return Answer(200, (("content-type", "application/json"),), (play.memory[known["path"]][1].encode(),))
    if call.method != "DELETE":
        return None
    del play.memory[known["path"]]
    return whole({"deleted": True})


def _made(made: re.Match[str], call: Received, play: Play) -> Answer:
    body = call.decoded()
    digest = sha256(body).hexdigest()[:24]
    part = made["part"] or made["kind"]
    ident = _PREFIX[part] + digest if part in _PREFIX else "1"
    said: dict[str, Any] = {"text": body.decode("utf-8", "replace")}
    if not (call.headers.get("content-type") or "").startswith("multipart/"):
        said = call.json()
    kept = {**said, "id": ident if part in _PREFIX else f"skillver_{digest}"}
    if part == "runs":
        kept["eval_id"] = made["of"]
    if part == "versions":
        kept |= {"skill_id": made["of"], "version": ident}
    path = f"{made['kind']}/{made['of']}/{part}/{ident}" if made["of"] else f"{part}/{ident}"
    play.memory[path] = (ident, dump(kept, ascii_only=play.ascii_only).decode())
    return whole(kept, ascii_only=play.ascii_only)
