"""The demo's conversation: a messenger group in German, English and Vietnamese. Every person in it is made up."""

_TURNS = (
    "Hallo zusammen, hier ist Annika. Frau Lindner zieht um: Gartenstraße 12a, 10115 Berlin.",
    "Hi all, Oliver Whitfield here, my new number is +44 20 7946 0958.",
    "chị Nguyễn Thị Hạnh ơi, số mới của em là 090 123 4567 nhé.",
    "Kannst du die Miete überweisen? IBAN DE89 3704 0044 0532 0130 00.",
    "Sure, send the contract to oliver.whitfield@example.com please.",
    "mình gửi cho chị Hạnh rồi, địa chỉ 27 đường Trần Quang Khải, Quận 1.",
    "Danke! Frau Lindner fragt, wann wir kommen.",
    "We come on Saturday at ten, tell Annika as well.",
    "thứ bảy mình bận, chủ nhật được không?",
    "Sonntag passt. Annika bringt Kuchen mit.",
)


def conversation(turns: int = 50) -> list[dict[str, str]]:
    """That many messages, as an app would send them to have the conversation explained."""
    roles = ("user", "assistant")
    return [{"role": roles[number % 2], "content": _TURNS[number % len(_TURNS)]} for number in range(turns)]


PLANTED = (
    "Lindner",
    "Gartenstraße 12a",
    "Oliver Whitfield",
    "+44 20 7946 0958",
    "Nguyễn Thị Hạnh",
    "090 123 4567",
    "DE89 3704 0044 0532 0130 00",
    "oliver.whitfield@example.com",
)
