"""The traps that other proxies fell into, each with the tests that show it closed; those that had none are here.

`TRAPS` is the list: what the trap is -> `file::test`, below `tests/`. A test compares the names with the files.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.leaks import assert_no_leak

TESTS = Path(__file__).parents[2]
HERE = "proxy/formats/test_traps.py"
CONFORMANCE = "integration/conformance/test_conformance.py::test_an_exchange_is_the_one_that_it_would_have_been"
WORDS = "integration/conformance/test_conformance.py::test_words_of_every_shape_with_the_whole_detection"
CUT = "integration/conformance/test_conformance.py::test_a_stream_says_the_same_however_it_is_cut"
EARLY = "integration/conformance/test_conformance.py::test_the_first_words_are_there_before_the_provider_sends_its_next"
TABLES = "proxy/formats/test_field_tables.py::test_words_are_inspected_and_opaque_places_left_alone"
FUZZ = "proxy/formats/test_fuzz.py::test_an_unknown_field_leaks_nothing_and_comes_back"

TRAPS: dict[str, tuple[str, ...]] = {
    "tool calls, their free keys and results are never looked at": (CONFORMANCE, TABLES, f"{HERE}::test_free_keys_of_a_call_are_words"),
    "JSON inside a JSON string": ("proxy/formats/test_splice.py::test_json_in_strings_in_json_is_written_back_through_every_layer", FUZZ),
    "a body that is a bare scalar or an array": ("proxy/formats/test_splice.py::test_a_body_that_is_no_object_is_read_as_well", f"{HERE}::test_a_body_that_is_one_string_or_one_list_goes_through_the_gate"),
    "duplicate keys": ("integration/test_bad_input.py::test_duplicate_keys_are_all_inspected", "proxy/formats/test_splice.py::test_duplicate_keys_have_pointers_of_their_own"),
    "1e400 and other spellings of numbers": ("proxy/formats/test_splice.py::test_only_the_chosen_literals_change",),
    "lone surrogates": ("integration/test_bad_input.py::test_a_lone_surrogate_passes_through_unchanged",),
    "a byte order mark, UTF-16": ("proxy/formats/test_splice.py::test_every_unicode_encoding_is_read_and_written_in_itself", "integration/test_bad_input.py::test_utf16_is_read_or_refused_never_sent_unread"),
    "gzip, br, zstd request bodies": ("integration/test_bad_input.py::test_an_encoded_body_is_decoded_inspected_and_sent_plain",),
    "chunked bodies": ("integration/test_bad_http.py::test_framing_that_can_be_read_in_two_ways_is_refused",),
    "Expect: 100-continue": ("proxy/network/test_requests.py::test_expect_100_continue_is_answered_by_the_door",),
    "text in base64 and data: URLs": ("proxy/formats/test_echoes.py::test_an_opened_text_comes_back_as_the_app_wrote_it", "proxy/formats/test_echoes.py::test_the_head_of_a_data_url_is_no_hiding_place", FUZZ),
    "uploads of text, PDF and office files": (WORDS, "integration/test_files.py::test_a_word_file_leaves_with_placeholders_and_the_record_says_so", "integration/test_files.py::test_a_pdf_with_personal_data_is_refused_and_one_without_passes"),
    "EXIF and words in images": ("integration/test_files.py::test_words_in_a_picture_are_painted_over_and_its_metadata_goes",),
    "path, query, headers": ("integration/test_path.py::test_path_query_and_headers_are_inspected_and_credentials_left_alone", WORDS),
    "file names in multipart": (CONFORMANCE, "proxy/formats/test_bodies.py::test_fields_file_names_and_text_files_of_an_upload_are_inspected"),
    "a header that repeats the body, and is compared with it": ("integration/test_mcp.py::test_tools_get_placeholders_and_the_app_what_it_would_have_got",),
    "words that begin behind an escaped line break": ("redaction/detectors/test_normalize.py::test_a_word_ends_at_an_escaped_control_character", FUZZ),
    "sub-protocols of a WebSocket": (f"{HERE}::test_a_sub_protocol_is_no_hiding_place",),
    "ids, names, MIME types and enum values are touched": (CONFORMANCE, "integration/test_sdks.py::test_what_is_no_text_arrives_as_the_app_wrote_it", f"{HERE}::test_what_is_structure_is_the_same_bytes"),
    "keywords of a JSON Schema are touched, its words are not looked at": ("integration/test_red_team.py::test_a_reference_in_a_schema_still_finds_what_it_names", WORDS),
    "the stream path is another path": (CUT, "proxy/formats/test_answers.py::test_a_stream_restores_the_same_for_any_cut_and_any_delta"),
    "several choices and parallel calls, interleaved": (CUT, "integration/test_sdks.py::test_parallel_tool_calls_come_back_as_arguments_that_parse"),
    "a stream without its end": (CUT, "proxy/formats/test_answers.py::test_a_stream_that_breaks_off_gives_out_all_it_held"),
    "usage and error events in the middle": (f"{HERE}::test_usage_and_errors_in_the_middle_of_a_stream",),
    "an error that quotes the prompt": (CONFORMANCE, "proxy/formats/test_answers.py::test_a_document_is_restored_also_in_an_error"),
    "our refusal is no error of the SDK": ("integration/test_more_sdks.py::test_a_refusal_is_an_error_of_the_sdk_with_our_code", "integration/test_refusals.py::test_a_body_that_is_too_large"),
    "state that the provider keeps": ("integration/test_provider_state.py::test_an_answer_about_an_earlier_response_is_restored", "integration/test_sessions.py::test_a_resumed_session_of_gemini_live_restores_what_the_first_one_sent"),
    "prompt caches miss": ("integration/test_path.py::test_the_same_value_has_the_same_placeholder_on_every_turn", f"{HERE}::test_a_longer_conversation_begins_with_the_same_bytes"),
    "URL-safe base64, coded anew": ("proxy/formats/test_splice.py::test_text_in_base64_is_read_and_written_in_its_alphabet",),
    "proto JSON in both spellings": ("proxy/formats/test_requests.py::test_gemini_takes_both_spellings_of_a_key",),
    "Responses: three classes of delta, and everything twice": ("proxy/formats/test_openai_responses.py::test_typed_events_restore_the_same_for_any_cut", CUT),
    "obfuscation padding": ("proxy/formats/test_openai_responses.py::test_audio_and_padding_pass_and_an_unlisted_delta_is_restored",),
    "text hidden as numbers": ("proxy/formats/test_requests.py::test_token_ids_as_a_prompt_are_uninspected", "proxy/formats/test_stored.py::test_token_ids_in_embeddings_are_uninspected", "proxy/formats/test_others.py::test_an_earlier_conversation_as_token_ids_is_uninspected"),
    "keys for a browser, calls beside us": ("integration/test_sessions.py::test_setting_up_a_call_or_a_key_that_leads_around_us_is_refused_in_words",),
    "Gemini's absolute upload URL": ("integration/test_uploads.py::test_the_sdk_uploads_a_file_that_leaves_with_placeholders",),
    "offsets of annotations, citations and segments": (f"{HERE}::test_offsets_stay_as_the_provider_counted_them",),
    "Gemini Live insists on wss": ("integration/test_sdk_sessions.py::test_gemini_live_gets_the_messages_that_it_would_have_got",),
    "checksums of AWS event streams": ("proxy/framing/test_awsevents.py::test_a_new_text_gets_new_checksums_and_keeps_its_headers",),
    "names of Bedrock's documents": ("integration/test_bedrock.py::test_a_document_keeps_a_name_that_bedrock_takes",),
    "an answer that is compressed although nobody asked": (CONFORMANCE,),
    "a whole stream is buffered, the first token waits": (EARLY, "integration/test_sdks.py::test_the_first_delta_is_there_before_the_upstream_sends_its_next"),
    "log-probabilities": (f"{HERE}::test_log_probabilities_pass_and_the_words_beside_them_are_restored",),
    "sound with a transcript": ("integration/test_sessions.py::test_what_was_said_in_sound_is_inspected_as_an_answer", f"{HERE}::test_the_transcript_of_a_spoken_answer_is_restored"),
    "store and background": ("integration/test_provider_state.py::test_store_never_tells_the_provider_and_refuses_what_cannot_be_told", "proxy/formats/test_openai_responses.py::test_a_response_is_kept_unless_it_says_otherwise"),
    "encrypted reasoning is touched": ("proxy/formats/test_openai_responses.py::test_encrypted_reasoning_passes_both_ways",),
}  # fmt: skip

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
CHAT = "/v1/chat/completions"


def chat(*messages: Any, **more: Any) -> bytes:
    said = [{"role": "user", "content": one} if isinstance(one, str) else one for one in messages]
    return json.dumps({"model": "m", "messages": said, **more}, ensure_ascii=False).encode()


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n" for one in events)


def values(answer: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in answer.decode().splitlines() if line.startswith("data: {")]


def placeholder(went: Any) -> str:
    return str(went.left.json()["messages"][0]["content"])


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_a_test(trap: str) -> None:
    for name in TRAPS[trap]:
        file, _, test = name.partition("::")
        assert f"def {test}(" in (TESTS / file).read_text(), name


def test_free_keys_of_a_call_are_words(gate: Any) -> None:
    function = {"name": "f", "arguments": json.dumps({MAIL: {"deep": [{IBAN: 1}]}})}
    call = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
    went = gate.ask("openai", CHAT, chat(call))
    assert_no_leak([went.left], [MAIL, IBAN])
    parts = [
        {"functionCall": {"name": "f", "args": {MAIL: [IBAN]}}},
        {"functionResponse": {"name": "f", "response": {IBAN: MAIL}}},
    ]
    went = gate.ask("gemini", "/v1beta/models/m:generateContent", json.dumps({"contents": [{"parts": parts}]}).encode())
    assert_no_leak([went.left], [MAIL, IBAN])


@pytest.mark.parametrize("body", [f'"{MAIL}"', f'["{MAIL}", ["{IBAN}"]]', f' [ {{"a": "{MAIL}"}} , 1e400, -0 ] '])
@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/any"])
def test_a_body_that_is_one_string_or_one_list_goes_through_the_gate(gate: Any, path: str, body: str) -> None:
    went = gate.ask("openai", path, body.encode())
    assert_no_leak([went.left], [one for one in (MAIL, IBAN) if one in body])
    assert went.answer(went.left.body, status=400).decode() == body


@pytest.mark.parametrize(
    "offered", [f"realtime, {MAIL}", "realtime, call.+49-171-2345678", f"x.{IBAN.replace(' ', '')}"]
)
def test_a_sub_protocol_is_no_hiding_place(gate: Any, offered: str) -> None:
    fields = [(b"sec-websocket-protocol", offered.encode())]
    went = gate.ask("openai", "/v1/realtime?model=m", b"", "", method="GET", upgrade=True, fields=fields)
    if went.left is not None:
        assert_no_leak([went.left], [MAIL, "171-2345678", IBAN])


@pytest.mark.parametrize(
    "offered", ["realtime", "realtime, openai-insecure-api-key.sk-abc, openai-beta.realtime-v1", "graphql-ws"]
)
def test_a_sub_protocol_that_is_one_arrives(gate: Any, offered: str) -> None:
    fields = [(b"sec-websocket-protocol", offered.encode())]
    went = gate.ask("openai", "/v1/realtime?model=m", b"", "", method="GET", upgrade=True, fields=fields)
    assert went.left.headers.get("sec-websocket-protocol") == offered


def test_what_is_structure_is_the_same_bytes(gate: Any) -> None:
    tool = {"type": "function", "function": {"name": "anna_schmidt_lookup", "parameters": {
        "type": "object", "properties": {"q": {"type": "string", "format": "email", "pattern": "^[a-z]+$"}}, "required": ["q"],
        "additionalProperties": False}}}  # fmt: skip
    call = {
        "id": "call_4917123456789",
        "type": "function",
        "function": {"name": "anna_schmidt_lookup", "arguments": "{}"},
    }
    body = chat(
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_4917123456789", "content": "ok"},
        tools=[tool], model="ft:gpt:anna-schmidt:4917123456789", seed=4917123456789, prompt_cache_key="k-1",
    )  # fmt: skip
    went = gate.ask("openai", CHAT, body)
    assert went.left.body == body


def test_usage_and_errors_in_the_middle_of_a_stream(gate: Any) -> None:
    went = gate.ask("openai", CHAT, chat(MAIL, stream=True))
    token = placeholder(went)
    head = {"id": "c", "object": "chat.completion.chunk"}

    def says(piece: str) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": {"content": piece}}]}

    usage = {**head, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    error = {"error": {"message": f"overloaded while saying {token}", "type": "server_error"}}
    found = values(went.answer(sse(says(token[:5]), usage, says(token[5:]), error), "text/event-stream"))
    assert "".join(one["choices"][0]["delta"]["content"] for one in found if one.get("choices")) == MAIL
    assert [one for one in found if one.get("usage")] == [usage]
    assert found[-1]["error"]["message"] == f"overloaded while saying {MAIL}"


@settings(max_examples=20)
@given(count=st.integers(1, 4), ascii_only=st.booleans())
def test_a_longer_conversation_begins_with_the_same_bytes(gate: Any, count: int, ascii_only: bool) -> None:
    said = [
        {"role": ("user", "assistant")[number % 2], "content": f"{number} ü {MAIL} {IBAN}"}
        for number in range(2 * count + 1)
    ]
    turns = []
    for end in range(1, len(said) + 1, 2):
        body = json.dumps({"model": "m", "messages": said[:end]}, ensure_ascii=ascii_only)
        turns.append(gate.ask("openai", CHAT, body.encode()).left.body)
    for before, after in pairwise(turns):
        assert after.startswith(before.removesuffix(b"]}"))


@pytest.mark.parametrize(
    ("destination", "target", "answer"),
    [
        ("openai", "/v1/responses", {"output": [{"type": "message", "content": [{"type": "output_text", "text": "{}", "annotations": [
            {"type": "url_citation", "start_index": 12345, "end_index": 123456, "url": "https://e.org", "title": "{}"}]}]}]}),
        ("cohere", "/v2/chat", {"message": {"content": [{"type": "text", "text": "{}"}], "citations": [{"start": 12345, "end": 123456, "text": "{}"}]}}),
        ("gemini", "/v1beta/models/m:generateContent", {"candidates": [{"content": {"parts": [{"text": "{}"}]}, "groundingMetadata": {
            "groundingSupports": [{"segment": {"startIndex": 12345, "endIndex": 123456, "text": "{}"}}]}}]}),
        ("anthropic", "/v1/messages", {"content": [{"type": "text", "text": "{}", "citations": [
            {"type": "char_location", "cited_text": "{}", "start_char_index": 12345, "end_char_index": 123456}]}]}),
    ],
    ids=["openai", "cohere", "gemini", "anthropic"],
)  # fmt: skip
def test_offsets_stay_as_the_provider_counted_them(gate: Any, destination: str, target: str, answer: Any) -> None:
    went = gate.ask(destination, target, json.dumps({"text": MAIL}).encode())
    raw = json.dumps(answer)
    found = went.answer(raw.replace("{}", went.left.json()["text"]).encode())
    assert found.decode() == raw.replace("{}", MAIL)


def test_log_probabilities_pass_and_the_words_beside_them_are_restored(gate: Any) -> None:
    went = gate.ask("openai", CHAT, chat(MAIL, logprobs=True, top_logprobs=1))
    token = placeholder(went)
    listed = [{"token": token[:3], "bytes": [91, 69, 77] * 20, "logprob": -0.1, "top_logprobs": []}]
    answer = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": token}, "logprobs": {"content": listed}}]
    }
    found = json.loads(went.answer(json.dumps(answer).encode()))
    assert found["choices"][0]["message"]["content"] == MAIL
    assert found["choices"][0]["logprobs"] == {"content": listed}


def test_the_transcript_of_a_spoken_answer_is_restored(gate: Any) -> None:
    went = gate.ask("openai", CHAT, chat(MAIL, modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}))
    sound = {"id": "audio_1", "data": "UklGRiQAAABXQVZF", "expires_at": 1, "transcript": placeholder(went)}
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": None, "audio": sound}}]}
    found = json.loads(went.answer(json.dumps(answer).encode()))
    assert found["choices"][0]["message"]["audio"] == {**sound, "transcript": MAIL}
    pieces = [
        {"choices": [{"index": 0, "delta": {"audio": {"transcript": piece}}}]}
        for piece in (placeholder(went)[:7], placeholder(went)[7:])
    ]
    again = gate.ask("openai", CHAT, chat(MAIL, modalities=["text", "audio"], stream=True))
    said = values(again.answer(sse(*pieces), "text/event-stream"))
    assert "".join(one["choices"][0]["delta"]["audio"]["transcript"] for one in said) == MAIL
