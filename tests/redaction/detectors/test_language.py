import pytest

from redaction.language import Languages


@pytest.fixture(scope="module")
def languages():
    return Languages(("en", "de", "vi"))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Could you please summarize the following article for me?", "en"),
        ("Kannst du mir bitte die folgende Nachricht zusammenfassen?", "de"),
        ("Bạn có thể tóm tắt bài viết này giúp tôi không?", "vi"),
        ("ban co the tom tat bai viet nay giup toi khong", "vi"),
        ("em o nha 27 hem 118 duong tran quang khai nhe", "vi"),
    ],
)
def test_the_likeliest_language_comes_first(languages, text, first):
    assert languages.of(text)[0] == first


def test_a_text_without_words_may_be_anything(languages):
    assert set(languages.of("12 34")) == {"en", "de", "vi"}


def test_a_mixed_text_gets_more_than_one(languages):
    assert {"de", "en"} <= set(languages.of("Hi, can you call me? Ich bin zu Hause."))


def test_one_configured_language_needs_no_model():
    assert Languages(("de",)).of("Could you please help?") == ("de",)


def test_a_lone_surrogate_is_no_error(languages):
    assert languages.of("hello \ud800 world, how are you today")
