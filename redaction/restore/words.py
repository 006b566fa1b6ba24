"""The type words that a model may write in a placeholder instead of ours: translated, shortened, spelled its own way.

A closed list in English, German and Vietnamese. Only words enter here; the eight or twelve check-protected characters
behind the word say which placeholder it is, so a word in the wrong row can never restore the wrong value.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from redaction.tokens import MAX_LABEL

# label -> words, blank between parts; Vietnamese also as written without diacritics (added below)
_WORDS: Final[dict[str, str]] = {
    "PERSON": "person, name, full name, personenname, vorname, nachname, tên, họ tên, người, tên người",
    "USERNAME": "username, user name, user, benutzername, benutzer, nutzername, tên người dùng, người dùng",
    "DATE_OF_BIRTH": "date of birth, birthday, birthdate, geburtsdatum, geburtstag, ngày sinh",
    "AGE": "age, alter, tuổi",
    "LICENSE_PLATE": "license plate, licence plate, kennzeichen, biển số, biển số xe",
    "EMAIL_ADDRESS": "email address, email, e mail, mail, e mail adresse, email adresse, địa chỉ email, thư điện tử",
    "PHONE_NUMBER": "phone number, phone, telephone, telefonnummer, telefon, handynummer, rufnummer, "
    "số điện thoại, điện thoại, sđt",
    "STREET_ADDRESS": "street address, address, street, adresse, anschrift, straße, strasse, địa chỉ, đường",
    "POSTAL_CODE": "postal code, zip code, zip, postleitzahl, plz, mã bưu chính, mã bưu điện",
    "URL": "url, link, website, webseite, trang web, liên kết",
    "LOCATION": "location, place, city, ort, standort, stadt, địa điểm, nơi, thành phố",
    "COORDINATES": "coordinates, koordinaten, tọa độ",
    "IBAN_CODE": "iban code, iban, kontonummer, số tài khoản",
    "CREDIT_CARD": "credit card, card number, card, kreditkarte, kreditkartennummer, thẻ tín dụng, số thẻ",
    "BANK_ACCOUNT": "bank account, account, account number, bankkonto, konto, kontonummer, số tài khoản, tài khoản",
    "IP_ADDRESS": "ip address, ip, ip adresse, địa chỉ ip",
    "MAC_ADDRESS": "mac address, mac, mac adresse, địa chỉ mac",
    "DEVICE_ID": "device id, device, geräte id, gerät, gerätekennung, thiết bị, mã thiết bị",
    "PASSWORD": "password, passwort, kennwort, mật khẩu",
    "API_KEY": "api key, key, api schlüssel, schlüssel, khóa api",
    "PASSPORT": "passport, reisepass, hộ chiếu",
    "ORGANIZATION": "organization, organisation, company, firma, unternehmen, công ty, tổ chức",
    "CUSTOMER_ID": "customer id, customer number, kundennummer, mã khách hàng",
    "EMPLOYEE_ID": "employee id, personalnummer, mitarbeiternummer, mã nhân viên",
    "PLACEHOLDER": "placeholder, platzhalter, trình giữ chỗ",
}
_PLAIN_VIETNAMESE = str.maketrans(
    "àáạảãâầấậẩẫăằắặẳẵèéẹẻẽêềếệểễìíịỉĩòóọỏõôồốộổỗơờớợởỡùúụủũưừứựửữỳýỵỷỹđ",
    "aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd",
)
# How the blank inside a word may be written; the Markdown escape is the longest, two characters.
_JOINTS = ("_", "\\_", " ", "-")

MAX_WORD: Final = MAX_LABEL + 4  # four escaped blanks; what is longer would break the bound of what is held back

type WordPrefixes = Mapping[str, frozenset[str]]
"""Every prefix of every accepted word in capitals -> the labels for which it is the whole word (empty: go on)."""


def words_of(label: str) -> frozenset[str]:
    """Every accepted spelling of a label's type word, in capitals; each at most MAX_WORD characters."""
    plain = {label.replace("_", " ").lower(), *_WORDS.get(label, label.replace("_", " ").lower()).split(", ")}
    plain |= {word.translate(_PLAIN_VIETNAMESE) for word in plain}
    spelled = {fold(word.replace(" ", joint)) for word in plain for joint in _JOINTS}
    return frozenset(word for word in spelled if len(word) <= MAX_WORD)


def _own(label: str) -> frozenset[str]:
    return frozenset((label, label.replace("_", "\\_")))


def fold(text: str) -> str:
    """Capitals, character by character, so that the length stays (`ß` has no single capital and keeps its own)."""
    upper = text.upper()
    if len(upper) == len(text):
        return upper
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in text)


@lru_cache(maxsize=256)  # one entry per combination of entity types in an exchange; a policy has few of them
def word_prefixes(labels: frozenset[str], *, translated: bool = True) -> WordPrefixes:
    """The prefixes of all words of these labels, as a trie written out.

    translated: False for the label's own word alone. That is all that is read where the brackets are lost: otherwise
    every "name" and "street" at the end of a delta would have to wait for the next one.
    """
    found: dict[str, set[str]] = {}
    for label in labels:
        for word in words_of(label) if translated else words_of(label) & _own(label):
            for end in range(1, len(word)):
                found.setdefault(word[:end], set())
            found.setdefault(word, set()).add(label)
    return MappingProxyType({prefix: frozenset(whole) for prefix, whole in found.items()})
