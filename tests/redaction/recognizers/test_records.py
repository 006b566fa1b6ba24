import pytest

TABLE = [
    ("MEDICAL_RECORD", "Patient MRN «00482913» has pain"),
    ("MEDICAL_RECORD", "Patientennummer: «P-203381»"),
    ("MEDICAL_RECORD", "mã bệnh nhân «BN204518»"),
    ("CUSTOMER_ID", "Kundennummer «48-22019»"),
    ("CUSTOMER_ID", "my customer ID is «C0099182»"),
    ("CUSTOMER_ID", "mã khách hàng: «KH88213»"),
    ("EMPLOYEE_ID", "Personalnummer «0047112»"),
    ("EMPLOYEE_ID", "employee number «E-5531»"),
    ("EMPLOYEE_ID", "mssv: «20204481»"),
    ("RELIGION", "ich bin «katholisch» aufgewachsen"),
    ("RELIGION", "I am a practicing «Muslim»"),
    ("RELIGION", "gia đình theo «đạo Phật» ạ"),
    ("ORIENTATION", "ich bin «schwul» und das ist gut so"),
    ("ORIENTATION", "she is «bisexual»"),
    ("POLITICS", "ich bin Mitglied der «SPD» seit 1990"),
    ("POLITICS", "I voted for «the Green Party»"),
    ("UNION", "ich bin Mitglied bei «ver.di»"),
    ("HEALTH", "ich habe «Diabetes» seit drei Jahren"),
    ("HEALTH", "she has «breast cancer» they say"),
    ("HEALTH", "mẹ em bị «tiểu đường» ạ"),
    ("HEALTH", "I was diagnosed with «ADHD»"),
    ("HEALTH", "ich bin «HIV-positiv», er ist «alkoholabhängig»"),
    ("HEALTH", "seit gestern weiß ich, dass ich «schwanger» bin"),
    ("HEALTH", "meine Schwester ist im 5. Monat «schwanger»"),
    ("HEALTH", "my wife is six months «pregnant»"),
    ("HEALTH", "ich hatte letztes Jahr eine «Abtreibung»"),
    ("HEALTH", "vợ em mới «có thai», chị ấy cũng «có bầu»"),
    ("ETHNICITY", "ich bin «Kurdin» aus Ankara"),
    ("MEDICAL_RECORD", "số bệnh án «22.004417» của bố"),
    ("CUSTOMER_ID", "mã kh «PC0711220934» tiền nước"),
    ("EMPLOYEE_ID", "nhân viên mã số «TX-0912» nghỉ"),
    ("RELIGION", "ông nội theo «Tin Lành» lâu rồi"),
    ("ORIENTATION", "tui «đồng tính» đó"),
    ("HEALTH", "cậu ấy nhiễm «HIV» từ nhỏ"),
]
NEGATIVES = [
    "Kundennummer folgt in Kürze",
    "customer ids are sorted by date",
    "order number 48-22019 shipped",
    "der Islam in Europa",
    "die katholische Kirche im Dorf",
    "what is the history of the SPD?",
    "gay rights in Germany",
    "Welche Symptome gibt es bei Diabetes?",
    "how is cancer treated?",
    "Wenn Sie schwanger sind, fragen Sie Ihren Arzt. Darf man schwanger fliegen?",
    "pregnant women should avoid it",
    "phụ nữ có thai nên ăn gì?",
    "a black car and a white van",
    "the union of two sets",
    "bệnh tiểu đường là gì?",
    "hôn nhân đồng tính ở châu Âu",
    "bệnh án điện tử là gì",
    "theo báo cáo thì tin lành lắm",
]


@pytest.mark.parametrize(("entity_type", "marked"), TABLE)
def test_finds_records_and_what_is_said_of_a_person(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert found == wanted


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_topics_and_bare_labels(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize(
    ("hint", "entity_type"),
    [("patient_id", "MEDICAL_RECORD"), ("customerid", "CUSTOMER_ID"), ("employee_no", "EMPLOYEE_ID")],
)
def test_a_field_that_is_called_so_holds_one(look, hint, entity_type):
    wanted, found = look("«AB-48213»", entity_type, hint=hint)
    assert found == wanted
