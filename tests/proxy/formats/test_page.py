"""docs/formats.md says what the code does."""

from pathlib import Path

from proxy.formats import ALL
from proxy.formats.described import MARK, page

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def test_the_page_is_what_the_tables_say():
    by_hand, mark, generated = PAGE.read_text().partition(MARK)
    assert mark, "the page has lost the sentence that its second half begins with"
    assert generated == page(), "run: python -m proxy.formats.described docs/formats.md"
    assert "| a string that no table names | inspected" in by_hand


def test_every_format_is_on_the_page_and_its_operations_have_names_of_their_own():
    text = page()
    for item in ALL:
        assert item.name == "generic" or f"## {item.name}\n" in text
        names = [one.name for one in getattr(item, "operations", ())]
        assert len(set(names)) == len(names)


def test_the_tables_show_structure_opaque_places_and_media():
    text = page()
    for place in ("messages/*/tool_calls/*/{id,type,index}", "contents/*/parts/*/thoughtSignature",
                  "messages/*/content/*/input_audio/data", "reasoning/**", "`items/*` like `instructions/*`"):  # fmt: skip
        assert place in text
    chat = text.split("## openai_chat")[1].split("\n## ")[0]
    assert "words, `tool_arguments`: `messages/*/tool_calls/*/function/arguments`" in chat
    assert "Answers of chat, completions:\n\n- let alone, opaque: " in chat
    assert "messages/*/content`" not in text.split("## anthropic")[0].split("## openai_responses")[0]


def test_the_page_says_of_every_operation_what_becomes_of_a_request():
    told = {}
    for section in page().split("\n## "):
        lines = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
        told |= {(section.split("\n")[0].removeprefix("## "), line[0].removeprefix("| ")): line[3] for line in lines}
    assert told["openai_chat", "chat"] == "inspected"
    assert told["openai_realtime", "realtime"] == "a session: each message inspected"
    assert told["openai_realtime", "call"].startswith("any content type, inspected; refused unless the policy lets `")
    assert told["openai_live", "sideband"].startswith("refused: ")
    assert told["bedrock", "async_invoke"].startswith("refused: ")
    assert told["openai_other", "file"].startswith("inspected")
