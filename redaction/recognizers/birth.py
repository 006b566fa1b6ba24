"""Dates of birth and ages: a date is only personal beside a word that says so."""

import re
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer

_MONTH: Final = (
    r"(?:jan(?:uar|uary|\.)?|jänner|feb(?:ruar|ruary|\.)?|mär(?:z|\.)?|maerz|mar(?:ch|\.)?|apr(?:il|\.)?|mai|may|jun[ie]?\.?|jul[iy]?\.?|aug(?:ust|\.)?"
    r"|sep(?:t|tember|\.)?|o[ck]t(?:ober|\.)?|nov(?:ember|\.)?|de[cz](?:ember|\.)?)"
)
_DATE: Final = (
    rf"(?:[0-9]{{1,2}}\s?[./-]\s?[0-9]{{1,2}}\s?[./-]\s?(?:[0-9]{{4}}|[0-9]{{2}})(?![0-9])|[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s)?{_MONTH},?\s(?:[0-9]{{4}}|'?[0-9]{{2}}(?![0-9]))|{_MONTH}\s[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s[0-9]{{4}}"
    r"|(?:ngày\s|ngay\s)?[0-9]{1,2}\s(?:tháng|thang)\s[0-9]{1,2}(?:,?\s(?:năm|nam)\s[0-9]{4})?|[0-9]{1,2}\.\s?[0-9]{1,2}\.(?:\s?[0-9]{2,4})?"
    rf"|{_MONTH}\s[0-9]{{1,2}}(?:st|nd|rd|th)?(?![\w])|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s)?{_MONTH}(?![^\W_]))"
)
_WORD: Final = (
    r"(?:geb(?:oren(?:\sam)?|\.(?:\sam)?|urtsdatum|urtstag|-datum|\.-datum)?|\*|born(?:\son|\sin)?|d\.?o\.?b\.?|date\sof\sbirth|birth\s?date|birthday|bday|b-day"
    r"|ngày\s(?:tháng\snăm\s)?sinh|ngay\s(?:thang\snam\s)?sinh|sinh\sngày|sinh\sngay|sinh\snhật|sinh\snhat|sn|ns|ntns|jahrgang|birth_date|date_of_birth)"
)
_LINK: Final = r"[\"'`)*_]{0,4}\s{0,3}(?:[:=|]|is|ist|war|was|on|am|là|la|vào|the)?\s{0,3}(?:on\s|am\s|the\s|ngày\s|ngay\s|den\s|der\s|vào\s)?[\"'`*_]{0,3}\s{0,2}"
_OF_WHOM: Final = r"(?:\s(?:của\s|cua\s)?(?:em|mình|minh|con|tôi|toi|anh|chị|chi|bé|cháu|nó|mẹ|bố|ba))?"
# Without separators, as calendars and databases write it (ISO 8601, basic format).
_COMPACT: Final = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
_BORN: Final = re.compile(rf"(?i)(?<![^\W_]){_WORD}{_OF_WHOM}{_LINK}(?P<value>{_DATE}|{_COMPACT})")
_BORN_AFTER: Final = re.compile(
    rf"(?i)(?<![\w.])(?P<value>{_DATE})\s?(?:geboren|born|\(?(?:dob|geb\.?|geburtsdatum)\)?|zur welt gekommen|ist mein geburtstag|is my birthday)(?![^\W_])"
)
# The word may stand a few words away when the date has its year: "birthday in the calendar: July 19, 1990".
_NEAR_DATE: Final = rf"(?:{_DATE})(?<=[0-9]{{4}})"
_BORN_NEAR: Final = re.compile(
    rf"(?i)(?<![^\W_])(?:birthday|bday|geburtstag|geboren|born|sinh nhật|sinh nhat|sinh ngày)[^0-9\n]{{1,25}}(?<![\w.])(?P<value>{_NEAR_DATE})"
)
_BORN_VI: Final = re.compile(rf"(?i)(?<![^\W_])sinh\s(?:vào\s|hôm\s|ngày\s|ngay\s)?(?P<value>(?=[0-9]){_NEAR_DATE})")
_BORN_NEAR_AFTER: Final = re.compile(
    rf"(?i)(?<![\w.])(?P<value>{_NEAR_DATE})[^0-9\n.!?]{{1,15}}(?:geburtstag|birthday|geboren|born)(?![^\W_])"
)
_YEAR: Final = re.compile(
    r"(?i)(?<![^\W_])(?:jahrgang|born in|geboren|geb\.|sinh năm|sinh nam|birth year|geburtsjahr|year of birth|năm sinh|nam sinh)\s?[:=]?\s?(?:im jahr |in |năm )?(?P<value>(?:19|20)[0-9]{2})(?![0-9.-])"
)
_AGE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:i'?m|i am|ich bin|bin|she'?s|he'?s|she is|he is|er ist|sie ist|aged?|alter|age|em|anh|chị|con|cháu|tôi|mình|tuổi)(?:\s(?:jetzt|now|năm nay|nam nay|already|schon))?\s?:?\s"
    r"(?P<value>[1-9][0-9]{0,2})(?:\s(?:years?\sold|yrs?\sold|yo|y/o|jahre(?:\salt)?|tuổi|tuoi))(?![^\W_])"
)
# "87 Jahre alt" says it without a pronoun; "3 years of work" does not.
_AGED: Final = re.compile(
    r"(?i)(?<![\w.,-])(?P<value>1?[0-9]?[0-9])(?:\s(?:years?\sold|yrs?\sold|jahre\salt|tuổi|tuoi)|-jährige[rn]?|-year-old\s(?:man|woman|boy|girl|son|daughter|male|female|patient|child))(?![^\W_])"
)
_TURNED: Final = re.compile(
    r"(?i)(?<![^\W_])(?:turned|turns|turning|wurde|wird)\s(?P<value>[1-9][0-9]?)(?=[.,!]?\s?(?:$|last|this|next|today|yesterday|tomorrow|on\s|in\s|heute|gestern|morgen|jahre))"
)
_HINTED: Final = re.compile(rf"(?i)^\s*(?P<value>{_DATE}|{_COMPACT})")
_HINT: Final = re.compile(r"birth|geburt|dob|geb_?dat|ngay_?sinh|ngày sinh|bday")


def _hinted(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.95 if _HINT.search(page.hint) else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("birth_date", "DATE_OF_BIRTH", _BORN, 0.95, group="value", trigger=("0",), skip_opaque=False),
    Pattern("birth_date_before", "DATE_OF_BIRTH", _BORN_AFTER, 0.9, group="value", trigger=("0",), skip_opaque=False),
    Pattern("birth_year", "DATE_OF_BIRTH", _YEAR, 0.8, group="value", trigger=("0",)),
    Pattern("birth_field", "DATE_OF_BIRTH", _HINTED, check=_hinted, group="value", trigger=("0",), skip_opaque=False),
    Pattern("birth_near", "DATE_OF_BIRTH", _BORN_NEAR, 0.85, group="value", trigger=("0",), skip_opaque=False),
    Pattern("birth_near", "DATE_OF_BIRTH", _BORN_NEAR_AFTER, 0.8, group="value", trigger=("0",), skip_opaque=False),
    Pattern("birth_date", "DATE_OF_BIRTH", _BORN_VI, 0.9, group="value", trigger=("sinh",), skip_opaque=False),
    Pattern("age", "AGE", _AGED, 0.6, group="value", trigger=("0",)),
    Pattern("age", "AGE", _TURNED, 0.5, group="value", trigger=("turn", "wurde", "wird")),
    Pattern("age", "AGE", _AGE, 0.7, group="value", trigger=("0",)),
)
