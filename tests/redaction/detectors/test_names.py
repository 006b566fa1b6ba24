"""Names by rule: what is found in running chat, and what must stay."""

import pytest

GERMAN = [
    "Hallo Frau «Müller», wie geht es Ihnen?",
    "Sehr geehrter Herr Dr. «Vogel», anbei das Protokoll.",
    "Sehr geehrte Frau Prof. Dr. «Meier-Schulz», danke.",
    "ich heiße «anna schmidt» und brauche hilfe",
    "mein name ist «Zorica Petković»",
    "«Peter»s Auto steht im Hof",
    "das ist «Anna»s Handy",
    "frag mal «jürgen», der weiß das",
    "frag mal «juergen», der weiß das",
    "«Juergen Goetz» hat angerufen",
    "Grüße\n«Sabine Krüger»",
    "LG «Tom»",
    "meine Kollegin «Levke» ist krank",
    "Von: «Heinz Kramer» <heinz@example.com>".replace(" <heinz@example.com>", ""),
    "Termin mit «Beatrix von Stetten» um zehn",
    "Kunde: «Ottokar Brause»",
    "HERR «KRAMER» hat reklamiert",
    "«Karl-Heinz» kommt auch",
    "hat frau «koch» schon geantwortet?",
    "die zeugin heißt «Ines Ölmez»",
    "Unsere Tagesmutter «Swantje» ist krank",
    "Unsere Kinderfrau «Blessing» braucht ein Zeugnis",
    "Tisch auf «Wiesinger», sechs Personen",
    "«Von der Lühe» hat die Mail nicht bekommen.",
    "Sehr geehrter Herr «Wasserhäuser», anbei das Protokoll.",
    "Ich sprach mit Frau «Steinhäuser» und Herrn «Kaltwasser».",
    "Frau Dr. «Sonnenschein» ruft zurück.",
    "Frau «Anna Apfelbaum» kommt um zehn.",
    "Grüße an Familie «Regenbogen»!",
    "gib Herrn «Wernicke» Bescheid",
]
ENGLISH = [
    "my name is «john smith»",
    "Thanks,\n«Sarah»",
    "Please call «John F. Kennedy» back",
    "Mr. «O'Brien» asked for it",
    "dear «Priya», see you",
    "my boss «Gwendolyn» said no",
    "Dr. «Nkechi Obiora» is in",
    "tell «omar» i said hi",
    "«Anna»'s laptop is broken",
    "Attendees: «Marcus», «Julia»",
    "12:04 «Nadia»: hello",
    "my friend «Xiomara» moved",
    "Our nanny «Blessing» needs a letter",
    "My sister-in-law «Mairead» is visiting.",
    "booked a table under «Okwuosa», party of five",
    "Looping in «Ngozi Eberechukwu» from procurement.",
]
VIETNAMESE = [
    "«Thủy» chở con đi học, «Mạnh» nấu cơm.",
    "«Khuê» với «Diệp» cưới tháng sau đó",
    "cô «hoa» dặn mai nộp bài",
    "bé «Bin» sốt từ hôm qua, cả nhà lo lắm",
    "đặt bàn cho «Hiệp» 7h tối nay 6 người",
    "Chào chị «Ngân», em gửi báo cáo ạ",
    "anh «Tuấn Anh» gọi lại nhé",
    "«Nguyễn Thị Minh Khai» vừa ký",
    "toi ten la «nguyen van an» o day",
    "em tên là «Trịnh Quỳnh Trâm» ạ",
    "em ten «trang», hoc lop 12",
    "«Lan» ơi, mai họp nhé",
    "chi «hanh» oi goi em",
    "«tran thi mai» chua tra tien",
    "Hôm qua gặp «Thắng» ở quán",
    "Chiều nay «Oanh» có qua không?",
    "bác sĩ «Cao Minh Triết» hẹn tái khám",
    "Mình với «Diễm My» học chung",
    "«VO THI KIM NGAN» da chuyen khoan",
    "Trân trọng,\n«Giang Thanh Hà»",
]
NEGATIVES = [
    "    elif size == len(name) or max(0, size):",
    "its credentials, its placeholders and its dictionary",
    "Sehr geehrte Damen und Herren, danke für Ihre Nachricht.",
    "Liebe Kolleginnen und Kollegen, guten Morgen zusammen!",
    "Bitte öffnen Sie das Fenster im Konferenzraum.",
    "Die Firma Müller GmbH liefert pünktlich.",
    "Der Wolf frisst das Schaf.",
    "Ich bin der Meinung, dass das Wetter gut ist.",
    "Herr Ober, die Rechnung bitte!".replace("Herr Ober, die", "Die"),
    "Kunst und Kultur im ländlichen Raum",
    "Will you be there tomorrow? May I bring a friend?",
    "Mark the task as done and bill the client.",
    "Dear Sir or Madam, I am writing to complain.",
    "I am happy with the result. This is fine.",
    "User: hello\nAssistant: hi there",
    "Name: unknown",
    "Good morning everyone, the standup is cancelled.",
    "anna_77 = get_user(anna_id)",
    "Sơn tường màu gì thì hợp?",
    "Hùng vĩ là từ chỉ vẻ đẹp.",
    "Mọi người ơi, chiều nay họp.",
    "trời ơi deadline tới rồi",
    "mai di hoc luc may gio vay",
    "Chị ơi cho em hỏi giá",
    "Việt Nam có bao nhiêu tỉnh?",
    "chị ấy ở nhà, anh ấy ốm",
    "Visual Studio Code und IntelliJ laufen auf Ubuntu.",
    "Python 3.12, Postgres 16, FastAPI, Next.js, TypeScript",
    "class AnnaModel(BaseModel): pass",
    "eine helle Wohnung und reine Luft",
    "Wenn eine Frau Elterngeld beantragt, bekommt die Familie Kindergeld.",
    "Sehr geehrter Herr Klassenlehrer, sehr geehrte Frau Projektleiterin,",
    "Trường Đại học Bách Khoa tuyển sinh",
    "UUID 123e4567-e89b-12d3-a456-426614174000",
    "TZ=Europe/Berlin, LANG=en_US.UTF-8, Accept-Language: en-US,en;q=0.9, tz Asia/Ho_Chi_Minh",
]


@pytest.mark.parametrize("marked", GERMAN + ENGLISH + VIETNAMESE)
def test_finds_names(look, marked):
    wanted, found = look(marked)
    assert found == wanted


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_ordinary_words(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize("hint", ["nachname", "/user/last_name", "họ tên", "customer"])
def test_a_key_says_that_its_value_is_a_name(look, hint):
    wanted, found = look("«Dombrowsky»", hint=hint)
    assert found == wanted


@pytest.mark.parametrize("hint", ["filename", "hostname", "function_name", "model_name"])
def test_a_key_of_a_machine_says_nothing(look, hint):
    assert look("Dombrowsky", hint=hint)[1] == []


def test_cells_of_a_name_column_are_names(look):
    wanted, found = look(["Name | Menge\n«Bea Zyx» | 4\n«Ob Qurz» | 5", "Bea Zyx | rest"][0])
    assert found == wanted


def test_a_name_that_was_certain_is_found_in_small_letters_elsewhere(engine):
    from redaction.segment import Segment

    first, second = engine.detect(
        [Segment("", "Mein Name ist Ottokar Fenselau."), Segment("", "hat ottokar fenselau schon geantwortet?")]
    )
    assert [finding.entity_type for finding in first.findings] == ["PERSON"]
    assert [(finding.start, finding.end) for finding in second.findings] == [(4, 20)]
