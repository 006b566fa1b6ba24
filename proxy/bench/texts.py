"""Texts for the bench: chat of a given length and language with personal data in it, never the same twice.

Names and numbers are made up from the lists below; nothing is taken from real people.
"""

import random

_PARTS = {
    "en": (
        "hey {given}, can you call me back on +44 20 7946 {n4}? ",
        "{given} {family} said the order {n6} is late again and the shop at {n2} Mill Lane is closed. ",
        "Please write to {low}.{n4}@example.com before Friday, the invoice went to the wrong person. ",
        "I think the new recipe with lentils was much better than the one from last week. ",
        "We should leave the house at eight, the train takes about forty minutes. ",
    ),
    "de": (
        "Hallo {given}, ruf mich bitte unter 0171 23{n4}5 zurück. ",
        "Frau {family} wohnt jetzt in der Gartenstraße {n2}, 10115 Berlin, glaube ich. ",
        "Schick die Rechnung an {low}.{n4}@example.org, sonst wird das heute nichts mehr. ",
        "Das Rezept mit den Linsen war viel besser als das von letzter Woche. ",
        "Wir sollten um acht losfahren, der Zug braucht ungefähr vierzig Minuten. ",
    ),
    "vi": (
        "anh {given} ơi, gọi lại cho em số 090 123 {n4} nhé. ",
        "chị {family} Thị {given} chuyển đến số {n2} đường Lê Lợi, Quận 1 rồi. ",
        "gửi hoá đơn vào {low}.{n4}@example.com trước thứ sáu giúp mình. ",
        "món canh hôm qua ngon hơn món tuần trước nhiều lắm. ",
        "mình nên đi lúc tám giờ, tàu chạy khoảng bốn mươi phút. ",
    ),
}
_GIVEN = {
    "en": ("Oliver", "Grace", "Harriet", "Callum"),
    "de": ("Jürgen", "Annika", "Torsten", "Heike"),
    "vi": ("Hạnh", "Tuấn", "Lan", "Khoa"),
}
_FAMILY = {
    "en": ("Whitfield", "Barlow", "Prescott"),
    "de": ("Lindner", "Vogt", "Reinhardt"),
    "vi": ("Nguyễn", "Trần", "Phạm"),
}


def new_text(length: int, language: str, rng: random.Random) -> str:
    """About `length` bytes of chat in `language`, different each time."""
    out: list[str] = []
    size = 0
    while size < length:
        given = rng.choice(_GIVEN[language])
        part = rng.choice(_PARTS[language]).format(
            given=given,
            family=rng.choice(_FAMILY[language]),
            low=f"user{rng.randrange(10**6)}",
            n2=rng.randrange(10, 99),
            n4=rng.randrange(1000, 9999),
            n6=rng.randrange(10**5, 10**6),
        )
        out.append(part)
        size += len(part.encode())
    return "".join(out)


def seen_text(length: int) -> str:
    """The same text of about that length each time."""
    return new_text(length, "en", random.Random(7))  # noqa: S311
