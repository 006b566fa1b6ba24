"""Street addresses, postal codes and places in three languages."""

import pytest

STREETS = [
    "wohne in der «Hauptstr. 12a, 10115 Berlin»",
    "ich wohne «Hauptstraße 7»",
    "Adresse: «Am Alten Markt 4, 24103 Kiel»",
    "«Wilhelm-Busch-Straße 9, 30167 Hannover»",
    "in der «bahnhofstr. 23» beim bäcker",
    "«Große Bleichen 12», dritter Stock",
    "«Zum Steinbruch 5, 57072 Siegen»",
    "«Unter den Linden 77»",
    "«Flat 3, 221B Baker St», London".replace("», London", ", London»"),
    "ship to «14 Pemberley Road, Bristol BS6 7AU» please",
    "at «1209 N Kedzie Blvd, Apt 4» around six",
    "i live at «482 maple ave» next door",
    "to «220 Sycamore Court, Madison, WI 53703».",
    "mail «PO Box 4417» only",
    "«nhà 27 hẻm 118 đường Trần Quang Khải, P. Tân Định»",
    "«nha 27 hem 118 duong tran quang khai, p. tan dinh» nhe",
    "Giao đến «218/5 Cách Mạng Tháng Tám, Quận 3, TP.HCM» giúp",
    "dia chi: «23/7 le van sy, p.13, q.3»",
    "«số 45 ngõ 12 đường Láng, phường Láng Thượng, quận Đống Đa, Hà Nội»",
    "«tổ 5, ấp Bình Hòa, xã Long Hưng, huyện Châu Thành»",
    "ship «56 nguyen trai, q5» nha",
]
NOT_STREETS = [
    "Schritt 3: Schrauben Sie die Platte an.",
    "Im Jahr 2023 stieg der Umsatz um 12 Prozent.",
    "Parkplatz 3 ist frei",
    "Seite 14 von 20",
    "Im Kapitel 7 steht mehr",
    "walk 15 minutes down the road",
    "5 people drive 3 miles",
    "Mua 2 kg gạo, 1 chai nước mắm",
    "đọc 10 trang sách, quận nào cũng được",
]
PLACES = [
    "wir fahren nach «Bamberg» morgen",
    "bin grad in «köln», kommst du?",
    "she moved to «Baltimore» last year",
    "i am near «san francisco» now",
    "Quê em ở «Nam Định» ạ",
    "minh song o «hai phong» tu nho",
    "Cuối tuần đi «Đà Lạt» không?",
    "wohne in «Frankfurt am Main» seit März",
]
NOT_PLACES = ["das Essen war gut", "Er arbeitet in Halle 4.", "I like reading in bed", "Lan can cầu thang bị hỏng rồi."]


@pytest.mark.parametrize("marked", STREETS)
def test_finds_street_addresses_whole(look, marked):
    wanted, found = look(marked, "STREET_ADDRESS")
    assert found == wanted


@pytest.mark.parametrize("text", NOT_STREETS)
def test_leaves_numbers_that_are_no_house(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize("marked", PLACES)
def test_finds_places(look, marked):
    wanted, found = look(marked, "LOCATION")
    assert found == wanted


@pytest.mark.parametrize("text", NOT_PLACES)
def test_leaves_words_that_are_places_elsewhere(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [("79098 Freiburg", "79098"), ("PLZ: 10115", "10115"), ("flat in SW1A 1AA", "SW1A 1AA"), ("CA 94105", "94105")],
)
def test_finds_postal_codes(look, text, code):
    assert ("POSTAL_CODE", code) in look(text)[1]
