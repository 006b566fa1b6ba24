import pytest

TABLE = [
    ("IBAN_CODE", "IBAN «DE89 3704 0044 0532 0130 00» BIC «COBADEFFXXX»"),
    ("IBAN_CODE", "iban: «de89370400440532013000»."),
    ("IBAN_CODE", "überweis auf «AT61 1904 3002 3457 3201» bitte"),
    ("IBAN_CODE", "«GB29 NWBK 6016 1331 9268 19»"),
    ("IBAN_CODE", "konto «DE89-3704-0044-0532-0130-00»"),
    ("IBAN_CODE", "with a typo: IBAN «DE12 3704 0044 0532 0130 00»"),
    ("CREDIT_CARD", "Visa «4111 1111 1111 1111» exp 12/28"),
    ("CREDIT_CARD", "card «4242424242424242»"),
    ("CREDIT_CARD", "name,card\nA,«4242424242424242».0"),
    ("CREDIT_CARD", "id,card,n\n1,«4242424242424242»,2\nb,«4111111111111111»,12/28"),
    ("CREDIT_CARD", "card «6212345678901234569»"),
    ("CREDIT_CARD", "amex «3782 822463 10005»"),
    ("CREDIT_CARD", "thẻ «5555-5555-5555-4444» nhé"),
    ("CREDIT_CARD_SECURITY_CODE", "CVV: «123»"),
    ("BANK_ACCOUNT", "STK «0071000123456» Vietcombank"),
    ("BANK_ACCOUNT", "chuyển khoản số tài khoản: «19034567890123»"),
    ("BANK_ACCOUNT", "Kontonummer «1234567890», BLZ «370 400 44»"),
    ("BANK_ACCOUNT", "sort code «20-00-00», account «55779911»"),
    ("BANK_ACCOUNT", "routing «021000021», account number «123456789»"),
    ("CRYPTO", "send to «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa» pls"),
    ("CRYPTO", "«bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq»"),
    ("CRYPTO", "eth «0x52908400098527886E0F7030069857D2E4169EE7»"),
]
NEGATIVES = [
    "order 4111111111111112 and tracking 9400111899223197428490",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "DE12345 is a flight, AT20 a road, BE12 too",
    "id 5105105105105100123456",
    "Kontostand: 1234567 EUR",
    "message 621234567890123456 and user 6212345678901234569",
    "0xdeadbeef and 0x1234",
    "model gpt-4-0613-2024 with 1234567890123 tokens",
]


@pytest.mark.parametrize(("entity_type", "marked"), TABLE)
def test_finds_accounts_and_cards(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert [value for _, value in found] == [value for _, value in wanted]
    assert found[0][0] == entity_type


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_other_numbers(look, text):
    assert look(text)[1] == []
