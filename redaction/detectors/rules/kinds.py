# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Products by the word for what they are: `a Stanley flask`, `loa Marshall`, `hãng xe khách Phương Trang`.

Its opinions say that nobody is named in a span, as those of `things` do. What somebody owns is written otherwise:
`Stanley's flask`, `loa của Marshall`.
"""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.text import LOW, UP, Text
from redaction.detectors.rules.vietnamese import vietnamese_syllables
from redaction.finding import Finding
from redaction.merge import NOTHING

_SCORE: Final = 0.86
_NAME: Final = rf"[{UP}][{LOW}]{{2,20}}"
# An article or a quantity before it: `tell Anna tea is ready` names somebody.
_ENGLISH: Final = re.compile(
    rf"(?<![\w-])(?i:an?|the|my|our|your|his|her|their|this|that|these|those|some|another|old|new|with|of|and) (?P<value>{_NAME}(?:[- ]{_NAME})?) (?:(?:electric|leather|cordless|wireless|wooden|ceramic|stainless|steel|cast-iron|road|rain|winter|hiking|running) )?"
    r"(?:flasks?|mugs?|jackets?|boots?|wellies|shoes?|trainers|sandals|jeans|coats?|backpacks?|rucksacks?|tents?|lamps?|torch(?:es)?|speakers?|amps?|amplifiers?|guitars?|pianos?|violins?|keyboards?|strings|microphones?|headphones"
    r"|drills?|knife|knives|screwdrivers?|spanners?|saws?|hammers?|mowers?|tyres?|tires?|vans?|trucks?|scooters?|bikes?|engines?|ovens?|kettles?|blenders?|mixers?|toasters?|vacuums?|fridges?|freezers?|dishwashers?|boilers?|pans?|pots?"
    r"|prams?|buggy|buggies|strollers?|cots?|nappies|diapers?|dummies|bottles?|salt|sauce|tea|coffee|biscuits?|crackers?|cheese|ham|sausages?|pears?|apples?|plums?|cherries|potato(?:es)?|tomato(?:es)?|onions?|roses?|dahlias?|tulips?|clematis|lilies|hydrangeas?|wines?|gin|whisky|whiskey|beers?|ale|stout"
    r"|tablets?|cream|ointment|spray|drops|servers?|library|libraries|frameworks?|plugins?|databases?|clusters?|queues?|drivers|adapters?|cables?|chargers?|routers?|cameras?|lenses|printers?|laptops?|consoles?|sofas?|desks?|wardrobes?|bookcases?|shel(?:f|ves)|mattress(?:es)?|tartan|tweed)(?![\w-])"
)
_VIETNAMESE: Final = re.compile(
    rf"(?i:(?<!\w)(?:xe (?:máy|đẩy|đạp|tải)|tã|bỉm|sữa|bình sữa|máy \w{{2,6}}|loa|tai nghe|đàn|len|kem|bột giặt|dầu(?: gội| gió)?|nước (?:mắm|giặt|xả|rửa chén)|bia|rượu|trà|cà phê|bánh|kẹo|mì|gạo|phô mai|nhớt|lốp|vỏ|sơn|keo|bếp|nồi(?: cơm)?|chảo|quạt|tủ lạnh|tivi|thuốc|nôi|nệm|ống kính|thư viện|phần mềm|ứng dụng|máy chủ|dấu|bệnh|thang|thang điểm|trường|phép|giản đồ|đèn|bình|đĩa|độ|vít|phông|phông chữ|font|organ|piano|kèn|ampli|trống|cây|giống|chó|mèo|thỏ|cá|hoa hồng|hoa lan|khách sạn|sân bay|rạp|chuỗi|hộp|dao cạo|gót chân|con ngựa thành|sợi chỉ|ống|chân máy|mực|đồng hồ|robot|kiểm định|kiểm nghiệm|hệ số|kappa của|alpha của|giải|giải thưởng|cúp|bão|eo|rãnh|mũi)) (?P<value>{_NAME}(?:-{_NAME})?)(?!\w)"
)
_FIRM: Final = re.compile(
    rf"(?i:(?<!\w)(?:xe khách|xe giường nằm|nhà xe|hãng(?: \w{{2,5}})?|hiệu|nhãn(?: hiệu)?|thương hiệu|siêu thị|điện máy|hãng phim|đài|ban nhạc|nhà xuất bản|đội bóng|câu lạc bộ|phần mềm|phim|game|bão|giải(?: thưởng)?|cúp|quán ăn|khách sạn|bảo hiểm|ngân hàng|rạp)) (?P<value>[{UP}][{LOW}]{{1,12}}(?: [{UP}][{LOW}]{{1,12}}){{0,3}})(?!\w)"
)
# Foods and fruits by the shop or the village: two syllables at least, as `bánh Lan làm` is Lan's.
_FOOD: Final = re.compile(
    rf"(?i:(?<!\w)(?:xoài|bưởi|sầu riêng|nhãn|vải|cam|quýt|thanh long|gạo|nước mắm|dầu(?: gió)?|cao|sữa|phở|bún(?: \w{{2,4}})?|bánh(?: \w{{2,5}}){{0,2}}|kem|chè|cà phê|bia|cây|lan|chó|mèo|giống)) (?P<value>[{UP}][{LOW}]{{1,6}}(?: [{UP}][{LOW}]{{1,6}}){{1,3}})(?!\w)"
)
# What falls and blows bears people's names in turn.
_WEATHER: Final = re.compile(
    rf"(?<!\w)(?:Storm|Hurricane|Typhoon|Cyclone|Sturmtief|Orkan(?:tief)?|Hurrikan|Taifun|Zyklon|Tiefdruckgebiet|Hochdruckgebiet|(?:Tief|Hoch)(?= [{UP}][{LOW}]+ (?:zieht|bringt|sorgt|folgt|kommt|liegt|über|naht))) [„\"“]?(?P<value>{_NAME})(?!\w)"
)

EXPRESSIONS: Final = (_VIETNAMESE, _FIRM, _FOOD, _WEATHER)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Opinions that nobody is named."""
    if "en" in text.page.languages:
        for match in _ENGLISH.finditer(text.text):
            yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in text.page.matches(_WEATHER):
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    if not text.vietnamese:
        return
    for match in (*text.page.matches(_FIRM), *text.page.matches(_FOOD)):
        yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
    for match in text.page.matches(_VIETNAMESE):
        # `xe Hùng`, `áo Lan`: what is Hùng's and Lan's, the small word between them left out.
        if match["value"].lower() not in vietnamese_syllables():
            yield Finding(*match.span("value"), NOTHING, _SCORE, "thing")
