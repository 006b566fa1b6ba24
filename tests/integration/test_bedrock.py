"""Amazon Bedrock with boto3 through both doors: signed again, restored in its binary stream, for every family."""

import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from proxy.fakes.leaks import assert_no_leak

MAIL, PHONE = "anna.schmidt@example.com", "0171 2345678"
TEXT = f"Write to {MAIL} or call {PHONE}."
KEY = "AKIAOURS:our secret key:our session"
MESSAGES = [{"role": "user", "content": [{"text": TEXT}]}]
TOOLS = {"tools": [{"toolSpec": {"name": "send_mail", "description": f"as {MAIL} does",
                                 "inputSchema": {"json": {"type": "object", "properties": {"text": {"type": "string"}}}}}}]}  # fmt: skip


@pytest.fixture
def aws(each_door: Any, tmp_path: Any) -> Any:
    """A stand with AWS keys of ours."""
    (tmp_path / "aws.key").write_text(KEY)

    def start(**fake: Any) -> Any:
        return each_door(settings={"provider_keys": {"bedrock": str(tmp_path / "aws.key")}}, bedrock=fake)

    return start


async def ask(sdk: Any, it: Any, method: str, *, stream: bool = False, **kwargs: Any) -> Any:
    route = it.route("bedrock")
    return await sdk.call("bedrock", method, **route, api_key="AKIATHEIRS", stream=stream, **kwargs)


def signature_of(received: Any, scheme_host: str) -> str:
    """What AWS would compute for what it received, with our keys and its own date."""
    fields = {name.decode(): value.decode() for name, value in received.headers}
    wanted = fields["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    url = f"{scheme_host}{received.target.decode()}"
    kept = {name: value for name, value in fields.items() if name.lower() in wanted}
    request = AWSRequest("POST", url, headers=kept, data=received.body)
    request.context["timestamp"] = fields["X-Amz-Date"]
    access, secret, token = KEY.split(":")
    signer = SigV4Auth(Credentials(access, secret, token), "bedrock", "eu-central-1")
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


async def test_converse_is_restored_and_signed_with_our_keys(aws: Any, sdk: Any) -> None:
    async with aws() as it:
        value = await ask(sdk, it, "converse", modelId="amazon.nova-lite-v1:0", messages=MESSAGES)
        assert value["output"]["message"]["content"] == [{"text": TEXT}]
        (came,) = it.received("bedrock")
        assert_no_leak([came], [MAIL, PHONE])
        sent = came.headers.get("authorization")
        assert "Credential=AKIAOURS/" in sent
        assert "AKIATHEIRS" not in str(came.headers)
        assert sent.endswith(
            signature_of(came, it.fakes["bedrock"].url if it.door == "gateway" else it.base("bedrock"))
        )
        await it.settled()
        (record,), (outcome,) = it.records("transfer"), it.records("outcome")
    assert (record["format"], record["endpoint"], record["model"]) == ("bedrock", "converse", "amazon.nova-lite-v1:0")
    assert outcome["tokens_in"] > 0


@pytest.mark.parametrize("wire", [0, 7])
async def test_a_converse_stream_joins_to_the_text(aws: Any, sdk: Any, wire: int) -> None:
    async with aws(chunk=3, wire=wire) as it:
        events = await ask(sdk, it, "converse_stream", stream=True, modelId="m", messages=MESSAGES)
        assert_no_leak(it.received("bedrock"), [MAIL, PHONE])
        await it.settled()
        (outcome,) = it.records("outcome")
    said = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(said) == TEXT
    assert [next(iter(event)) for event in events if "contentBlockDelta" not in event] == [
        "messageStart", "contentBlockStop", "messageStop", "metadata"]  # fmt: skip
    assert outcome["stream"] == "complete"


async def test_tools_come_back_with_values_whole_and_streamed(aws: Any, sdk: Any) -> None:
    async with aws(chunk=2) as it:
        value = await ask(sdk, it, "converse", modelId="m", messages=MESSAGES, toolConfig=TOOLS)
        events = await ask(sdk, it, "converse_stream", stream=True, modelId="m", messages=MESSAGES, toolConfig=TOOLS)
        result = {"toolUseId": "call_0", "content": [{"json": {"found": {MAIL: PHONE}}}]}
        turns = [*MESSAGES, {"role": "assistant", "content": value["output"]["message"]["content"]},
                 {"role": "user", "content": [{"toolResult": result}]}]  # fmt: skip
        last = await ask(sdk, it, "converse", modelId="m", messages=turns, toolConfig=TOOLS)
        assert_no_leak(it.received("bedrock"), [MAIL, PHONE])
    (use,) = (block["toolUse"] for block in value["output"]["message"]["content"])
    assert (use["name"], use["input"]["text"]) == ("send_mail", TEXT)
    parts = [
        event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in events if "contentBlockDelta" in event
    ]
    assert json.loads("".join(parts))["text"] == TEXT
    assert MAIL in last["output"]["message"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("model", "body", "answer", "piece"),
    [
        ("anthropic.claude-x", {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
                                "messages": [{"role": "user", "content": TEXT}]},
         lambda one: one["content"][0]["text"], lambda one: (one.get("delta") or {}).get("text", "")),
        ("amazon.titan-text", {"inputText": TEXT}, lambda one: one["results"][0]["outputText"],
         lambda one: one["outputText"]),
        ("meta.llama3", {"prompt": TEXT, "max_gen_len": 9}, lambda one: one["generation"],
         lambda one: one["generation"]),
    ],
)  # fmt: skip
async def test_invoke_speaks_every_family(aws: Any, sdk: Any, model: str, body: Any, answer: Any, piece: Any) -> None:
    async with aws(chunk=3) as it:
        value = await ask(sdk, it, "invoke_model", modelId=model, body=json.dumps(body))
        chunks = await ask(
            sdk, it, "invoke_model_with_response_stream", stream=True, modelId=model, body=json.dumps(body)
        )
        assert_no_leak(it.received("bedrock"), [MAIL, PHONE])
    assert answer(value) == TEXT
    assert "".join(piece(json.loads(chunk["chunk"]["bytes"])) for chunk in chunks) == TEXT


async def test_a_document_keeps_a_name_that_bedrock_takes(aws: Any, sdk: Any) -> None:
    document = {"format": "txt", "name": f"Brief an {PHONE}", "source": {"bytes": "@"}}
    async with aws() as it, it.client("bedrock") as client:
        document["source"]["bytes"] = "V3JpdGUgdG8gYW5uYS5zY2htaWR0QGV4YW1wbGUuY29tIHNvb24u"
        answer = await client.post(
            "/model/m/converse",
            json={"messages": [{"role": "user", "content": [{"document": document}, {"text": "sum up"}]}]},
            headers={"authorization": "Bearer ABSKkey"},
        )
        assert answer.status_code == 200, answer.text
        (came,) = it.received("bedrock")
        assert_no_leak([came], [MAIL, PHONE])
        name = came.json()["messages"][0]["content"][0]["document"]["name"]
        assert name.startswith("Brief an [PHONE-NUMBER-")
        assert came.headers.get("authorization") == "Bearer ABSKkey"


async def test_without_keys_of_ours_a_signed_request_is_refused_as_boto3_expects(each_door: Any, sdk: Any) -> None:
    async with each_door(bedrock={}) as it:
        error = await ask(sdk, it, "converse", modelId="m", messages=MESSAGES)
        assert (error.status, error.code, "ClientError" in error.parents) == (401, "provider_key_missing", True)
        assert it.received("bedrock") == []
