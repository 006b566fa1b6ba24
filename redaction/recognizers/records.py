"""Numbers under which an organisation keeps a person: medical records, customers, employees. Only behind their label."""

import re
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer

_LINK: Final = r"[\"'`*)]{0,3}\s{0,2}(?:(?:no|nr|id|number|nummer|số|so)\b\.?\s{0,2})?(?:[:=#]|is\b|ist\b|lautet\b|là\b|la\b)?\s{0,2}[\"'`*#]{0,3}"
_VALUE: Final = r"(?P<value>(?=[A-Za-z./_-]{0,12}[0-9])[A-Za-z0-9](?:[A-Za-z0-9./_-]{2,22}[A-Za-z0-9]))(?![\w])"
_MEDICAL: Final = re.compile(
    rf"(?i)(?<![^\W_])(?:mrn|medical record(?: (?:number|no\.?|id))?|patient (?:id|number|no\.?)|patienten(?:nummer|nr\.?|-?id)|fall(?:nummer|nr\.?)|krankenblatt(?:nummer)?"
    rf"|mã bệnh nhân|ma benh nhan|mã (?:số )?hồ sơ bệnh án|mã y tế|mã ba|(?:số )?(?:hồ sơ )?bệnh án|so benh an){_LINK}{_VALUE}"
)
_CUSTOMER: Final = re.compile(
    rf"(?i)(?<![^\W_])(?:customer (?:id|number|no\.?)|client (?:id|number|no\.?)|member(?:ship)? (?:id|number|no\.?)|kunden(?:nummer|nr\.?|-?id)|mitglieds(?:nummer|nr\.?)|versicherungsnummer"
    rf"|vertrags(?:nummer|nr\.?)|mã khách hàng|ma khach hang|mã kh|ma kh|mã thành viên|loyalty (?:id|number)){_LINK}{_VALUE}"
)
_EMPLOYEE: Final = re.compile(
    rf"(?i)(?<![^\W_])(?:employee (?:id|number|no\.?)|staff (?:id|number|no\.?)|badge (?:id|number|no\.?)|student (?:id|number|no\.?)|personal(?:nummer|nr\.?)|mitarbeiter(?:nummer|nr\.?|-?id)"
    rf"|matrikel(?:nummer|nr\.?)|mã (?:số )?nhân viên|ma nhan vien|mã (?:số )?sinh viên|mssv|msnv|nhân viên mã(?: số)?|sinh viên mã(?: số)?){_LINK}{_VALUE}"
)
_INSURED: Final = re.compile(
    rf"(?i)(?<![^\W_])(?:(?:health )?insurance (?:id|number|no\.?|policy(?: (?:number|no\.?))?)|medic(?:are|aid) (?:id|number|no\.?)|(?:member|subscriber|policy) (?:id|number|no\.?)[^\n:0-9]{{1,30}}insurance(?: card)?"
    rf"|krankenversicherungsnummer|versicherten(?:nummer|nr\.?|karte(?: ?(?:nummer|nr\.?))?)|kvnr|mã (?:số )?bhyt|số (?:thẻ )?bảo hiểm y tế){_LINK}{_VALUE}"
)
_HINTS: Final = {
    "MEDICAL_RECORD": re.compile(r"mrn|medical_?record|patient_?(?:id|no|number)|patientennummer"),
    "CUSTOMER_ID": re.compile(r"(?:customer|client|member|kunden)[_-]?(?:id|no|number|nr|nummer)$"),
    "EMPLOYEE_ID": re.compile(r"(?:employee|staff|personal|student|matrikel)[_-]?(?:id|no|number|nr|nummer)$"),
}
_FIELD: Final = re.compile(rf"^\s*{_VALUE}\s*$")


def _hinted(entity_type: str) -> Pattern:
    def check(value: str, page: Page, start: int, end: int) -> float | None:
        return 0.75 if _HINTS[entity_type].search(page.hint) else None

    return Pattern(f"{entity_type.lower()}_field", entity_type, _FIELD, check=check, group="value", trigger=("0",))


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("medical_record", "MEDICAL_RECORD", _MEDICAL, 0.8, group="value", trigger=("0",), skip_opaque=False),
    Pattern(
        "insured",
        "HEALTH_INSURANCE_ID",
        _INSURED,
        0.8,
        group="value",
        trigger=("insurance", "medic", "versich", "kvnr", "bhyt", "bảo hiểm"),
        skip_opaque=False,
    ),
    Pattern("customer_id", "CUSTOMER_ID", _CUSTOMER, 0.7, group="value", trigger=("0",), skip_opaque=False),
    Pattern("employee_id", "EMPLOYEE_ID", _EMPLOYEE, 0.75, group="value", trigger=("0",), skip_opaque=False),
    *(_hinted(entity_type) for entity_type in _HINTS),
)
