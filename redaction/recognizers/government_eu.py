"""National identifiers of other European states and VAT ids, by python-stdnum; by themselves where their form is rare."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from redaction.finding import Finding
from redaction.recognizers.base import Page, Recognizer, words


@dataclass(frozen=True, slots=True)
class _Number:
    """module: of python-stdnum. form: rare enough to be believed when valid. word: names that stand beside it."""

    name: str
    module: str
    regex: str
    word: str
    rare: bool = False
    entity_type: str = "EU_NATIONAL_ID"


_NUMBERS: Final = (
    _Number(
        "at_svnr",
        "stdnum.at.vnr",
        r"[1-9]\d{3} ?\d{6}",
        r"svnr|sv-nr\.?|sv-nummer|sozialversicherungsnummer|versicherungsnummer|e-card",
        False,
        "AT_SOCIAL_SECURITY",
    ),
    _Number(
        "ch_ahv",
        "stdnum.ch.ssn",
        r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}",
        r"ahv(?:-nr\.?|-nummer|n13)?|avs|sozialversicherungsnummer",
        True,
        "CH_AHV",
    ),
    _Number(
        "be_nn",
        "stdnum.be.nn",
        r"\d{2}\.?\d{2}\.?\d{2}[- ]?\d{3}[. ]?\d{2}",
        r"rijksregisternummer|numéro national|nationaal nummer|insz|niss",
    ),
    _Number("bg_egn", "stdnum.bg.egn", r"\d{10}", r"egn|егн"),
    _Number("cz_rc", "stdnum.cz.rc", r"\d{6}/\d{3,4}", r"rodné číslo|rodne cislo|rc|rč", True),
    _Number("dk_cpr", "stdnum.dk.cpr", r"\d{6}-?\d{4}", r"cpr|cpr-nr\.?|cpr-nummer|personnummer"),
    _Number("ee_ik", "stdnum.ee.ik", r"[1-6]\d{10}", r"isikukood|ik"),
    _Number("es_dni", "stdnum.es.dni", r"\d{8}[- ]?[A-HJ-NP-TV-Z]", r"dni|nif|documento", True),
    _Number("es_nie", "stdnum.es.nie", r"[XYZ]-?\d{7}[- ]?[A-HJ-NP-TV-Z]", r"nie|extranjero", True),
    _Number("fi_hetu", "stdnum.fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", r"hetu|henkilötunnus", True),
    _Number(
        "fr_nir",
        "stdnum.fr.nir",
        r"[12] ?\d{2} ?[01]\d ?\d[0-9AB] ?\d{3} ?\d{3} ?\d{2}",
        r"nir|sécurité sociale|securite sociale|numéro de sécu|insee",
        True,
    ),
    _Number("gr_amka", "stdnum.gr.amka", r"\d{11}", r"amka|αμκα"),
    _Number("hr_oib", "stdnum.hr.oib", r"\d{11}", r"oib"),
    _Number("ie_pps", "stdnum.ie.pps", r"\d{7}[A-W][A-IW]?", r"pps|ppsn|pps number", True),
    _Number(
        "it_cf",
        "stdnum.it.codicefiscale",
        r"[A-Z]{6} ?\d{2}[A-EHLMPRST]\d{2} ?[A-Z]\d{3}[A-Z]",
        r"codice fiscale|cf",
        True,
    ),
    _Number("lt_asmens", "stdnum.lt.asmens", r"[1-6]\d{10}", r"asmens kodas"),
    _Number("lv_pk", "stdnum.lv.pvn", r"\d{6}-?\d{5}", r"personas kods"),
    _Number("nl_bsn", "stdnum.nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", r"bsn|burgerservicenummer|sofinummer"),
    _Number("no_fnr", "stdnum.no.fodselsnummer", r"\d{6} ?\d{5}", r"fødselsnummer|fodselsnummer|fnr|personnummer"),
    _Number("pl_pesel", "stdnum.pl.pesel", r"\d{11}", r"pesel"),
    _Number("pt_nif", "stdnum.pt.nif", r"[1-35689]\d{2} ?\d{3} ?\d{3}", r"nif|contribuinte"),
    _Number("ro_cnp", "stdnum.ro.cnp", r"[1-8]\d{12}", r"cnp|cod numeric personal"),
    _Number(
        "se_pnr", "stdnum.se.personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", r"personnummer|pnr|samordningsnummer", True
    ),
    _Number("si_emso", "stdnum.si.emso", r"\d{13}", r"emšo|emso|jmbg"),
    _Number("sk_rc", "stdnum.sk.rc", r"\d{6}/\d{4}", r"rodné číslo|rodne cislo"),
    _Number(
        "tr_tckn", "stdnum.tr.tckimlik", r"[1-9]\d{10}", r"tc ?kimlik(?: no)?|tckn|kimlik no", False, "NATIONAL_ID"
    ),
    _Number("br_cpf", "stdnum.br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", r"cpf", True, "NATIONAL_ID"),
    _Number("in_aadhaar", "stdnum.in_.aadhaar", r"[2-9]\d{3} \d{4} \d{4}", r"aadhaar|aadhar|uid", True, "NATIONAL_ID"),
    _Number("cn_ric", "stdnum.cn.ric", r"[1-9]\d{16}[0-9X]", r"身份证|resident id", True, "NATIONAL_ID"),
    _Number("au_tfn", "stdnum.au.tfn", r"\d{3} ?\d{3} ?\d{3}", r"tfn|tax file number", False, "TAX_ID"),
    _Number(
        "ca_sin",
        "stdnum.ca.sin",
        r"\d{3}[- ]?\d{3}[- ]?\d{3}",
        r"sin|social insurance(?: number)?",
        False,
        "NATIONAL_ID",
    ),
    _Number(
        "eu_vat",
        "stdnum.eu.vat",
        r"(?:AT ?U|BE ?0|CY|CZ|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|BG)[0-9A-Z]{7,12}",
        r"vat|ust-?id(?:nr)?|uid|tva|iva|btw",
        True,
        "EU_VAT_ID",
    ),
)


class StdnumRecognizer:
    """Numbers of one kind. Valid ones in a rare form alone; others beside their name, valid or not."""

    def __init__(self, number: _Number) -> None:
        self.name = number.name
        self.entity_types = (number.entity_type,)
        self._number = number
        self._regex = re.compile(rf"(?<![\w.,/+-])(?:{number.regex})(?![\w]|[.,/-][0-9])")
        self._word = words(number.word)
        self.expressions = (self._regex, self._word)
        self.needed = self._regex

    def find(self, page: Page) -> Iterator[Finding]:
        if not page.has_digit:
            return
        # The word is looked for once in the page: most of these names stand in no text at all.
        named = page.says(self._word)
        if not named and not self._number.rare:
            return
        for match in page.matches(self._regex):
            start, end = match.span()
            if page.in_opaque(start, end):
                continue
            near = named and self._word.search(page.around(start, end)) is not None
            valid = _module(self._number.module).is_valid(match.group())
            if (near and valid) or (near and self._number.rare):
                yield Finding(start, end, self.entity_types[0], 1.0 if valid else 0.85, self.name)
            elif near or (valid and self._number.rare):
                yield Finding(start, end, self.entity_types[0], 0.8 if near else 0.75, self.name)


@cache
def _module(name: str) -> Any:
    return import_module(name)


RECOGNIZERS: tuple[Recognizer, ...] = tuple(StdnumRecognizer(number) for number in _NUMBERS)
