"""The demo's conversation: three friends plan a move, in German, English and Vietnamese. Everybody in it is made up."""

_TURNS = (
    "Hallo zusammen, hier ist Annika Lindner. Ich ziehe am 1. um: Gartenstraße 12a, 10115 Berlin.",
    "Hi all, Oliver Whitfield here, my new number is +44 20 7946 0958.",
    "Em chào mọi người, em là Nguyễn Thị Hạnh, số mới của em là 090 123 4567 nhé.",
    "Kannst du die Miete überweisen? IBAN DE89 3704 0044 0532 0130 00.",
    "Sure. Send the contract to oliver.whitfield@example.com please.",
    "mình gửi rồi, địa chỉ cũ của mình là 27 đường Trần Quang Khải, Quận 1.",
    "Danke! Frau Lindner senior fragt, wann wir kommen.",
    "We come on Saturday at ten, tell Annika as well.",
    "thứ bảy mình bận, chủ nhật được không?",
    "Sonntag passt. Annika bringt Kuchen mit.",
    "Who has the key to the old flat?",
    "chị Hạnh giữ chìa khóa đó.",
    "Der Hausmeister heißt Herr Krügel, Telefon 030 1234567.",
    "I called him, he speaks English. Nice guy.",
    "vậy mình khỏi gọi nữa.",
    "Wie viele Kartons habt ihr noch?",
    "Eleven, and two of them are books. My back hurts already.",
    "sách nặng lắm, chia ra nhiều thùng nhỏ đi.",
    "Gute Idee. Der Transporter kostet 89 Euro am Tag.",
    "I can pay by card: 4111 1111 1111 1111, but do not tell anyone ;)",
    "haha, đừng gửi số thẻ trong nhóm chứ.",
    "Der Vertrag liegt unter annika.lindner@example.org, falls jemand ihn braucht.",
    "Oliver, did you get the mail from the landlord?",
    "Yes, Mr. Okafor wrote that the deposit comes back in three weeks.",
    "tiền cọc bao nhiêu vậy?",
    "1.200 Euro, die Hälfte davon gehört Hạnh.",
    "Then send it to her account in Vietnam, she will tell you the bank.",
    "Vietcombank, chủ tài khoản Nguyễn Thị Hạnh.",
    "Perfekt, mache ich am Montag.",
    "Does anyone know a doctor near the new place? My throat is sore.",
    "Dr. Petra Vogelsang, zwei Straßen weiter, sehr nett.",
    "anh Oliver nhớ mang theo thẻ bảo hiểm nhé.",
    "Thanks, both of you.",
    "Der Router hat die Adresse 192.168.178.1, das Passwort steht unten drauf.",
    "The wifi works, I am writing from the new flat!",
    "đẹp quá, chụp hình gửi mẹ em xem với.",
    "Mache ich. Wie heißt deine Mutter auf dem Handy?",
    "My contact list says Bà Trần Thu Thủy, is that right?",
    "đúng rồi, số của mẹ là 0987 654 321.",
    "Foto ist raus.",
    "She answered with twelve hearts.",
    "mẹ em vui lắm.",
    "Am Samstag kommt auch Jürgen Reinhardt zum Streichen.",
    "Which colour did you choose in the end?",
    "màu xanh lá nhạt, giống phòng cũ.",
    "Ich habe die Farbe bestellt, Bestellnummer 4402-118.",
    "Parking is free on Sundays, the sign says so.",
    "vậy chủ nhật mình chạy xe tải luôn.",
    "Abgemacht: Sonntag um zehn, Gartenstraße 12a, alle zusammen.",
    "See you there. Oliver out.",
)

QUESTION = "Explain to somebody who was away: who moves where, who pays what, and what is still open?"
SHOWN = 6
"""Messages of the conversation that fit on a screen."""


def conversation() -> list[dict[str, str]]:
    """All 50 messages and the question, as an app would send them."""
    turns = [{"role": "user", "content": text} for text in _TURNS]
    return [*turns, {"role": "user", "content": f"{QUESTION} {' '.join(_TURNS[:SHOWN])}"}]


PLANTED = (
    "Annika",
    "Lindner",
    "Gartenstraße 12a",
    "Oliver",
    "Whitfield",
    "+44 20 7946 0958",
    "Nguyễn Thị Hạnh",
    "090 123 4567",
    "DE89 3704 0044 0532 0130 00",
    "oliver.whitfield@example.com",
    "27 đường Trần Quang Khải",
    "Krügel",
    "030 1234567",
    "4111 1111 1111 1111",
    "annika.lindner@example.org",
    "Okafor",
    "Vogelsang",
    "192.168.178.1",
    "Trần Thu Thủy",
    "0987 654 321",
    "Reinhardt",
)
"""What must not reach the provider."""
