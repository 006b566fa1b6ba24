import pytest

TABLE = [
    ("DE_TAX_ID", "Meine Steuer-ID ist «86 095 742 719»"),
    ("DE_TAX_ID", "steuerid «86095742719» danke"),
    ("DE_TAX_ID", "IdNr: «47036892816»"),
    ("DE_TAX_ID", "Steueridentifikationsnummer «12345678901»"),
    ("DE_TAX_ID", "Steuernummer «181/815/08155» beim Finanzamt"),
    ("DE_SOCIAL_SECURITY", "RVNR «15 070649 C 103»"),
    ("DE_SOCIAL_SECURITY", "meine rentenversicherungsnummer: «65170839J003»"),
    ("DE_ID_CARD", "Personalausweis «L01X00T471»"),
    ("DE_ID_CARD", "Ausweisnummer: «LZ6311T47»"),
    ("DE_PASSPORT", "Reisepass «C01X0006H»"),
    ("HEALTH_INSURANCE_ID", "Versichertennummer «A123456780» bei der AOK"),
    ("DE_VAT_ID", "USt-IdNr. «DE136695976»"),
    ("LICENSE_PLATE", "mein Auto «B-MW 1234» steht da"),
    ("VN_CCCD", "CCCD số «001203004567» cấp năm 2021"),
    ("VN_CCCD", "so cccd cua em «079 301 012 345» a"),
    ("VN_CCCD", "«036095001234»"),
    ("VN_CCCD", "CMND «025 123 456»"),
    ("VN_MST", "MST cá nhân: «8012345678»"),
    ("VN_MST", "mã số thuế «0100109106-001»"),
    ("VN_SOCIAL_INSURANCE", "mã số BHXH «0123456789»"),
    ("HEALTH_INSURANCE_ID", "thẻ BHYT «DN4010123456789»"),
    ("VN_PASSPORT", "hộ chiếu số «B1234567»"),
    ("LICENSE_PLATE", "xe biển số «51F-123.45»"),
    ("US_SSN", "SSN «123-45-6789»"),
    ("US_SSN", "my social is «123456789»"),
    ("US_ITIN", "ITIN «912-70-1234»"),
    ("GB_NINO", "NI number «AB 12 34 56 C»"),
    ("GB_NINO", "nino «qq123456c»".replace("qq", "ab")),
    ("GB_NHS", "NHS number «943 476 5919»"),
    ("PASSPORT", "passport number: «533401372»"),
    ("US_PASSPORT", "my US passport number is «533401372»"),
    ("US_PASSPORT", "American passport: «A12345678»"),
    ("GB_PASSPORT", "UK passport no. «925076473»"),
    ("GB_PASSPORT", "British passport «925076473»"),
    ("PASSPORT", "passport «925076473», call us"),
    ("PASSPORT", "Canadian passport «AB123456»"),
    ("US_DRIVER_LICENSE", "California driver's license «D1234567»"),
    ("US_DRIVER_LICENSE", "driver's license number: «D1234567» (Texas DMV)"),
    ("DRIVER_LICENSE", "driver's license «D1234567»"),
    ("AT_SOCIAL_SECURITY", "SVNR «1237 010180»"),
    ("CH_AHV", "AHV «756.9217.0769.85»"),
    ("EU_NATIONAL_ID", "codice fiscale «RCCMNL83S18D969H»"),
    ("EU_NATIONAL_ID", "DNI «54362315K»"),
    ("EU_NATIONAL_ID", "PESEL «44051401359»"),
    ("EU_NATIONAL_ID", "BSN «111222333»"),
    ("EU_NATIONAL_ID", "nir «2 95 10 99 126 111 93»"),
]
NEGATIVES = [
    "order 860957427190 confirmed",
    "B-52 bombers and A-10 jets, U-2 albums",
    "case AB-123456 and part number 123-45",
    "US passport rules of 2024, British passports since 1988",
    "the California driver's license is valid",
    "the year 2024-12-3456 of nothing",
    "LG OLED C3 TV and RTX 4090, GPT4ALL123",
    "0123456789012345",
]


@pytest.mark.parametrize(("entity_type", "marked"), TABLE)
def test_finds_government_identifiers(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert found == wanted


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_other_numbers(look, text):
    assert look(text)[1] == []
