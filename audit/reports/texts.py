"""The words of the reports in English, German and Vietnamese: one line a text, the three beside each other.

What the log does not know is called unknown; what the organisation says of itself is called declared. No text claims
that a law is fulfilled.
"""

import re
import string
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from audit.reports.entities import ENTITIES
from audit.reports.reasons import REASONS
from audit.reports.terms import TERMS

_DAYS = re.compile(r"([0-9]{1,5})d", re.ASCII)
"""How the policy's language says how long something is kept; `zero` is a term."""

type Words = Mapping[str, tuple[str, str, str]]
"""Key to its text in every `Language`."""


class Language(StrEnum):
    """A language that reports are written in."""

    EN = "en"
    DE = "de"
    VI = "vi"


_MARKS = {Language.EN: (",", "."), Language.DE: (".", ","), Language.VI: (".", ",")}
"""Between thousands, and before decimals (CLDR)."""


class _Filling(string.Formatter):
    def __init__(self, number: Callable[[int], str]) -> None:
        self._number = number

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            one, _, other = format_spec.partition("|")
            return one if value == 1 else other
        written = self._number(value) if isinstance(value, int) else value
        return str(super().format_field(written, format_spec))


def fill(text: str, values: Mapping[str, object], number: Callable[[int], str] = str) -> str:
    """A text with its values filled in. `{n}` writes a number, `{n:transfer|transfers}` the word that it asks for.

    Two forms are all that English and German have (CLDR: one for 1, other for all else; no fractions are counted
    here); Vietnamese has one, so its texts write the word itself. Raises KeyError for a value that is missing.
    """
    return _Filling(number).vformat(text, (), values)


UNNAMED: Final = "unknown ("
"""How one begins whom only the policy has a name for, which follows (`base.entity_of`)."""


class Texts:
    """The texts of one language. own: words of one report beside those of all. Raises KeyError for an unknown text."""

    def __init__(self, language: Language, own: Words | None = None) -> None:
        self.language = language
        self._at = list(Language).index(language)
        self._own = own or {}

    def of(self, own: Words) -> "Texts":
        """The same language with the words of a report."""
        return Texts(self.language, own)

    def __call__(self, key: str, **values: object) -> str:
        texts = self._own.get(key) or _TEXTS[key]
        return fill(texts[self._at], values, self.number)

    def number(self, value: int) -> str:
        """With marks between thousands."""
        return f"{value:,}".replace(",", _MARKS[self.language][0])

    def decimal(self, value: str) -> str:
        """A number that was written with a point, as the language writes it."""
        return value.replace(".", _MARKS[self.language][1])

    def name(self, name: str | None) -> str:
        """A name as the log has it; what nobody knows is said in the language."""
        text = name or "unknown"
        unknown = text == "unknown" or text.startswith(UNNAMED)
        return text.replace("unknown", self("unknown"), 1) if unknown else text

    def term(self, word: object) -> str:
        """A term of the record's vocabulary with what it means, itself where nothing is known of it."""
        text = "" if word is None else str(word)
        if days := _DAYS.fullmatch(text):
            return fill(TERMS["days"][self._at], {"n": int(days[1])})
        known = TERMS.get(text)
        return text if known is None else known[self._at]

    def entity(self, name: str) -> str:
        """A kind of data with what it means, itself where nothing is known of it."""
        known = ENTITIES.get(name)
        return name if known is None else known[self._at]

    def reason(self, code: str) -> str:
        """Why something was refused: what it means, and its code."""
        known = REASONS.get(code)
        return code if known is None else f"{known[self._at]} ({code})"


# ruff: noqa: E501 - one text, one line: translations are compared by eye
# fmt: off
_TEXTS: dict[str, tuple[str, str, str]] = {
    "who": ("Who holds what", "Wer was erhalten hat", "Ai đang giữ dữ liệu gì"),
    "art30": ("Records of processing: transfers to model providers (GDPR Art. 30)",
              "Verzeichnis von Verarbeitungstätigkeiten: Übermittlungen an Modellanbieter (Art. 30 DSGVO)",
              "Hồ sơ hoạt động xử lý: chuyển dữ liệu cho nhà cung cấp mô hình (GDPR Điều 30)"),
    "transfers": ("Transfers to third countries (GDPR Art. 44–49; Vietnam, Decree 356/2025)",
                  "Übermittlungen in Drittländer (Art. 44–49 DSGVO; Vietnam, Dekret 356/2025)",
                  "Chuyển dữ liệu cá nhân ra nước ngoài (GDPR Điều 44–49; Nghị định 356/2025)"),
    "art15": ("Access request: what was sent about one person (GDPR Art. 15)",
              "Auskunft: was über eine Person übermittelt wurde (Art. 15 DSGVO)",
              "Yêu cầu truy cập: dữ liệu đã gửi về một cá nhân (GDPR Điều 15)"),
    "incident": ("Draft of a breach notification (GDPR Art. 33): the transfers in question",
                 "Entwurf einer Meldung (Art. 33 DSGVO): die fraglichen Übermittlungen",
                 "Dự thảo thông báo vi phạm (GDPR Điều 33): các lượt chuyển liên quan"),
    "nature": ("What happened, as far as the log knows", "Was geschah, soweit das Protokoll es weiß", "Diễn biến theo những gì nhật ký biết"),
    "persons": ("Persons referred to (references)", "Genannte Personen (Bezüge)", "Cá nhân được nhắc đến (tham chiếu)"),
    "unnamed": ("Transfers that name nobody", "Übermittlungen ohne Personenbezug", "Số lượt chuyển không có tham chiếu cá nhân"),
    "persons_line": ("Numbers are approximate in both directions: a person may have several references, and a transfer may concern persons whom it does not name.",
                     "Die Zahlen sind Näherungen in beide Richtungen: eine Person kann mehrere Bezüge haben, und eine Übermittlung kann Personen betreffen, die sie nicht nennt.",
                     "Các con số chỉ là ước lượng theo cả hai chiều: một người có thể có nhiều tham chiếu, và một lượt chuyển có thể liên quan đến người không được tham chiếu."),
    "in_clear": ("What was found and left as it was", "Was gefunden und belassen wurde", "Dữ liệu đã phát hiện nhưng giữ nguyên"),
    "in_clear_line": ("These were found and sent unchanged, because the policy said so or only observed.",
                      "Diese wurden gefunden und unverändert gesendet, weil die Richtlinie es so bestimmte oder nur beobachtete.",
                      "Những dữ liệu này được phát hiện và gửi nguyên trạng do chính sách quy định hoặc chỉ quan sát."),
    "in_clear_none": ("Nothing that was found was sent unchanged. What was not found was: all transfers above bound it.",
                      "Nichts Gefundenes wurde unverändert gesendet. Nicht Gefundenes schon: alle Übermittlungen oben begrenzen es.",
                      "Không có dữ liệu nào đã phát hiện được gửi nguyên trạng. Dữ liệu không phát hiện thì có thể: giới hạn trên là toàn bộ các lượt chuyển nêu trên."),
    "clock": ("Time limit", "Frist", "Thời hạn"),
    "clock_line": ("72 hours run from the moment the controller became aware (GDPR Art. 33(1)); the log does not know when that was.",
                   "72 Stunden laufen ab dem Zeitpunkt, zu dem der Verantwortliche Kenntnis erlangt (Art. 33 Abs. 1 DSGVO); das Protokoll kennt ihn nicht.",
                   "72 giờ tính từ khi bên kiểm soát biết về vi phạm (GDPR Điều 33(1)); nhật ký không biết thời điểm đó."),
    "incident_missing": ("The log does not hold: likely consequences, measures taken or proposed, contact point, reasons for a delay.",
                         "Das Protokoll enthält nicht: wahrscheinliche Folgen, ergriffene oder vorgeschlagene Maßnahmen, Anlaufstelle, Gründe einer Verzögerung.",
                         "Nhật ký không chứa: hậu quả có thể xảy ra, biện pháp đã hoặc sẽ thực hiện, đầu mối liên hệ, lý do chậm trễ."),
    "partial": ("PARTIAL", "UNVOLLSTÄNDIG", "CHƯA ĐẦY ĐỦ"),
    "partial_line": ("{without} of {total} {total:transfer|transfers} in scope {without:carries|carry} no reference to any person and may concern this one.",
                     "{without} von {total} {total:Übermittlung|Übermittlungen} im Umfang {without:trägt|tragen} keinen Bezug zu einer Person und {without:kann|können} diese betreffen.",
                     "{without} trong {total} lượt chuyển trong phạm vi không có tham chiếu đến cá nhân nào và có thể liên quan đến người này."),
    "by_application": ("Without a reference, by application", "Ohne Personenbezug, je Anwendung", "Không có tham chiếu, theo ứng dụng"),
    "generated": ("Generated", "Erstellt", "Lập lúc"),
    "period": ("Period", "Zeitraum", "Khoảng thời gian"),
    "from_begin": ("begin of the log", "Beginn des Protokolls", "đầu nhật ký"),
    "until_now": ("now", "jetzt", "hiện tại"),
    "filters": ("Restricted to", "Eingeschränkt auf", "Giới hạn theo"),
    "one_person": ("one person, given by the real identifier and not named here", "eine Person, mit der echten Kennung angegeben und hier nicht genannt", "một cá nhân, được chỉ định bằng định danh thật và không nêu ở đây"),
    "no_filter": ("nothing, all transfers of the period", "nichts, alle Übermittlungen des Zeitraums", "không giới hạn, mọi lượt chuyển trong khoảng thời gian"),
    "coverage": ("What this report covers", "Was dieser Bericht abdeckt", "Phạm vi của báo cáo"),
    "coverage_line": ("{transfers} {transfers:transfer was|transfers were} recorded before anything was sent, {not_sent} of them surely not sent, {without_outcome} without an outcome yet; {refused} {refused:request was refused and nothing of it|requests were refused and nothing of them} was sent.",
                      "{transfers} {transfers:Übermittlung wurde|Übermittlungen wurden} vor dem Senden aufgezeichnet, {not_sent} davon sicher nicht gesendet, {without_outcome} noch ohne Ergebnis; {refused} {refused:Anfrage wurde|Anfragen wurden} abgelehnt und nicht gesendet.",
                      "{transfers} lượt chuyển được ghi lại trước khi gửi, trong đó {not_sent} chắc chắn chưa gửi, {without_outcome} chưa có kết quả; {refused} yêu cầu bị từ chối và không được gửi."),
    "observed_line": ("{observed_only} {observed_only:transfer was only observed: nothing was replaced in it|transfers were only observed: nothing was replaced in them}.",
                      "{observed_only} {observed_only:Übermittlung wurde nur beobachtet: in ihr|Übermittlungen wurden nur beobachtet: in ihnen} wurde nichts ersetzt.",
                      "{observed_only} lượt chuyển chỉ được quan sát: không có gì được thay thế."),
    "sealed_line": ("NOT COVERED: entries 0 to {last} of the log were sealed into archives; what they hold is not in this report.",
                    "NICHT ABGEDECKT: die Einträge 0 bis {last} des Protokolls wurden in Archive versiegelt; ihr Inhalt ist nicht in diesem Bericht.",
                    "KHÔNG BAO GỒM: các mục từ 0 đến {last} của nhật ký đã được niêm phong vào kho lưu trữ; nội dung của chúng không có trong báo cáo này."),
    "gaps": ("Times for which this log can say nothing", "Zeiten, über die dieses Protokoll nichts sagen kann", "Khoảng thời gian nhật ký không ghi nhận được"),
    "no_gaps": ("There are none in the period.", "Im Zeitraum gibt es keine.", "Không có trong khoảng thời gian này."),
    "cause": ("Cause", "Ursache", "Nguyên nhân"),
    "since": ("From", "Von", "Từ"),
    "until": ("To", "Bis", "Đến"),
    "interrupted": ("Interrupted", "Unterbrochen", "Bị gián đoạn"),
    "proof": ("How to check this report", "Wie dieser Bericht geprüft wird", "Cách kiểm tra báo cáo này"),
    "proof_line": ("It was computed from {size} {size:entry|entries} of the log {origin} under the signed checkpoint below. Anyone who holds the log's public key can verify that the log contains exactly {size:this entry|these entries}, and ask the same question again.",
                   "Er wurde aus {size} {size:Eintrag|Einträgen} des Protokolls {origin} unter dem untenstehenden signierten Prüfpunkt berechnet. Wer den öffentlichen Schlüssel des Protokolls hat, kann prüfen, dass es genau {size:diesen Eintrag|diese Einträge} enthält, und dieselbe Frage erneut stellen.",
                   "Báo cáo được tính từ {size} mục của nhật ký {origin} theo điểm kiểm có chữ ký dưới đây. Bất kỳ ai giữ khóa công khai của nhật ký đều có thể xác minh nhật ký chứa đúng các mục này và đặt lại cùng câu hỏi."),
    "limits": ("What the log cannot know", "Was das Protokoll nicht wissen kann", "Những điều nhật ký không thể biết"),
    "limits_line": ("Detectors miss things: counts are what was found, and what was not found was sent as it was. Facts about recipients are those that the organisation declared in its register when the transfer was made. References to persons are pseudonymous personal data for whoever holds the keys.",
                    "Erkennung übersieht: Zahlen sind das, was gefunden wurde; was nicht gefunden wurde, ging unverändert hinaus. Angaben über Empfänger sind die, welche die Organisation zur Zeit der Übermittlung in ihrem Register erklärt hat. Personenbezüge sind für den Inhaber der Schlüssel pseudonyme personenbezogene Daten.",
                    "Bộ phát hiện có thể bỏ sót: số liệu là những gì đã tìm thấy; những gì không tìm thấy được gửi nguyên trạng. Thông tin về bên nhận là những gì tổ chức đã khai báo trong sổ đăng ký tại thời điểm chuyển. Tham chiếu cá nhân là dữ liệu cá nhân dạng bút danh đối với người giữ khóa."),
    "complete_line": ("{entries:This is|These are} {entries} {entries:entry|entries} of the log. The root over their leaf hashes in the order of the log (RFC 6962) is {entries_root}; whoever has an export of the log can compute it again and sees that none is missing.",
                      "{entries:Das ist|Das sind} {entries} {entries:Eintrag|Einträge} des Protokolls. Die Wurzel über ihre Blatt-Hashes in der Reihenfolge des Protokolls (RFC 6962) ist {entries_root}; wer einen Export des Protokolls hat, kann sie nachrechnen und sieht, dass keiner fehlt.",
                      "Phạm vi này gồm {entries} mục của nhật ký. Gốc tính trên các giá trị băm lá theo thứ tự nhật ký (RFC 6962) là {entries_root}; bất kỳ ai có bản xuất nhật ký đều có thể tính lại và thấy không thiếu mục nào."),
    "recall": ("Measured recall of detection", "Gemessene Trefferquote der Erkennung", "Độ bao phủ đo được của bộ phát hiện"),
    "recall_line": ("Measured {measured} on marked texts, not on these transfers: of the marked places, the share that was found with the right kind. A share of 0.90 means that one in ten was missed. Sets called messages are our own; rules were improved while looking at them, so their figures are optimistic.",
                    "Gemessen am {measured} an markierten Texten, nicht an diesen Übermittlungen: Anteil der markierten Stellen, die mit der richtigen Art gefunden wurden. Ein Anteil von 0,90 heißt, dass eine von zehn übersehen wurde. Sätze namens messages sind unsere eigenen; Regeln wurden an ihnen verbessert, ihre Zahlen sind also günstig.",
                    "Đo ngày {measured} trên văn bản đã đánh dấu, không phải trên các lượt chuyển này: tỷ lệ vị trí được đánh dấu đã được tìm thấy đúng loại. Tỷ lệ 0,90 nghĩa là cứ mười vị trí thì bỏ sót một. Các bộ tên messages là của chúng tôi; quy tắc đã được cải tiến dựa trên chúng nên số liệu này lạc quan."),
    "recall_none": ("No measurement was given. `dragoman evaluate --json` makes one.",
                    "Es wurde keine Messung angegeben. `dragoman evaluate --json` erstellt eine.",
                    "Không có kết quả đo nào được cung cấp. `dragoman evaluate --json` tạo ra kết quả đo."),
    "set": ("Texts", "Texte", "Bộ văn bản"),
    "language": ("Language", "Sprache", "Ngôn ngữ"),
    "marked": ("Marked places", "Markierte Stellen", "Số vị trí đánh dấu"),
    "share_found": ("Found", "Gefunden", "Đã tìm thấy"),
    "share_precision": ("Of what was found, right", "Vom Gefundenen richtig", "Tỷ lệ đúng trong số tìm thấy"),
    "replaced": ("replaced or removed", "ersetzt oder entfernt", "đã thay thế hoặc loại bỏ"),
    "sum": ("Altogether", "Insgesamt", "Tổng cộng"),
    "nothing": ("Nothing was sent to anybody.", "An niemanden wurde etwas gesendet.", "Không có gì được gửi cho ai."),
    "recipient": ("Recipient (contracting entity)", "Empfänger (Vertragspartner)", "Bên nhận (pháp nhân ký hợp đồng)"),
    "application": ("Application", "Anwendung", "Ứng dụng"),
    "role": ("Role", "Rolle", "Vai trò"),
    "controller": ("Controller", "Verantwortlicher", "Bên kiểm soát"),
    "purpose": ("Purpose", "Zweck", "Mục đích"),
    "basis": ("Declared legal basis (Art. 6)", "Angegebene Rechtsgrundlage (Art. 6)", "Căn cứ pháp lý đã khai báo (Điều 6)"),
    "special_basis": ("Declared basis for special categories (Art. 9)", "Angegebene Grundlage für besondere Kategorien (Art. 9)", "Căn cứ đã khai báo cho dữ liệu nhạy cảm (Điều 9)"),
    "agreement": ("Agreement", "Vertrag", "Thỏa thuận"),
    "mechanism": ("Declared transfer mechanism", "Angegebenes Übermittlungsinstrument", "Cơ chế chuyển đã khai báo"),
    "processing": ("Processed in", "Verarbeitet in", "Xử lý tại"),
    "storage": ("Stored in", "Gespeichert in", "Lưu trữ tại"),
    "access": ("Accessed from", "Zugriff aus", "Truy cập từ"),
    "retention": ("Kept", "Aufbewahrung", "Thời gian lưu"),
    "training": ("Used for training", "Nutzung zum Training", "Dùng để huấn luyện"),
    "count": ("Transfers", "Übermittlungen", "Số lượt chuyển"),
    "first": ("First", "Erste", "Lần đầu"),
    "last": ("Last", "Letzte", "Lần cuối"),
    "data": ("Kind of data", "Datenart", "Loại dữ liệu"),
    "operator": ("What was done", "Behandlung", "Biện pháp xử lý"),
    "n": ("Findings", "Funde", "Phát hiện"),
    "data_title": ("Categories of personal data that were found", "Gefundene Kategorien personenbezogener Daten", "Các loại dữ liệu cá nhân đã phát hiện"),
    "nothing_found": ("No personal data was found.", "Es wurden keine personenbezogenen Daten gefunden.", "Không phát hiện dữ liệu cá nhân."),
    "recipients": ("Recipients", "Empfänger", "Các bên nhận"),
    "country": ("Country", "Land", "Quốc gia"),
    "what": ("What happens there", "Was dort geschieht", "Hoạt động tại đó"),
    "outside_eea": ("Outside the EEA", "Außerhalb des EWR", "Ngoài EEA"),
    "third_countries": ("Third countries", "Drittländer", "Nước thứ ba"),
    "no_third": ("No country outside the EEA is declared.", "Es ist kein Land außerhalb des EWR angegeben.", "Không khai báo quốc gia nào ngoài EEA."),
    "safeguards": ("Declared mechanisms", "Angegebene Instrumente", "Các cơ chế đã khai báo"),
    "dpia": ("Impact assessment", "Folgenabschätzung", "Đánh giá tác động"),
    "notice": ("Privacy notice", "Datenschutzhinweis", "Thông báo quyền riêng tư"),
    "measures": ("Measures before sending", "Maßnahmen vor dem Senden", "Biện pháp trước khi gửi"),
    "measures_line": ("Of {total} {total:finding|findings}, {changed} {changed:was|were} replaced or removed before sending and {kept} left as they were.",
                      "Von {total} {total:Fund|Funden} {changed:wurde|wurden} {changed} vor dem Senden ersetzt oder entfernt und {kept} belassen.",
                      "Trong {total} phát hiện, {changed} được thay thế hoặc loại bỏ trước khi gửi và {kept} được giữ nguyên."),
    "missing": ("To be completed by the controller", "Vom Verantwortlichen zu ergänzen", "Bên kiểm soát cần bổ sung"),
    "missing_line": ("The log does not hold: contact details of controller and data protection officer, categories of data subjects, time limits of erasure at the controller.",
                     "Das Protokoll enthält nicht: Kontaktdaten des Verantwortlichen und des Datenschutzbeauftragten, Kategorien betroffener Personen, Löschfristen beim Verantwortlichen.",
                     "Nhật ký không chứa: thông tin liên hệ của bên kiểm soát và cán bộ bảo vệ dữ liệu, nhóm chủ thể dữ liệu, thời hạn xóa tại bên kiểm soát."),
    "activity": ("Activity: {purpose}", "Tätigkeit: {purpose}", "Hoạt động: {purpose}"),
    "open_points": ("Points to look into", "Zu klärende Punkte", "Điểm cần làm rõ"),
    "no_points": ("None from the facts in the log.", "Keine nach den Angaben im Protokoll.", "Không có theo dữ liệu trong nhật ký."),
    "point_mechanism": ("{entity}: data goes to {countries}, and the declared mechanism is `{mechanism}`.",
                        "{entity}: Daten gehen nach {countries}, das angegebene Instrument ist `{mechanism}`.",
                        "{entity}: dữ liệu chuyển đến {countries}, cơ chế đã khai báo là `{mechanism}`."),
    "point_countries": ("{entity}: no country of processing or storage is declared.",
                        "{entity}: es ist kein Land der Verarbeitung oder Speicherung angegeben.",
                        "{entity}: chưa khai báo quốc gia xử lý hoặc lưu trữ."),
    "vietnam": ("Vietnam: transfers abroad and the 60 days of the dossier (Decree 356/2025, Art. 17 and 18)",
                "Vietnam: Übermittlungen ins Ausland und die 60 Tage des Dossiers (Dekret 356/2025, Art. 17 und 18)",
                "Việt Nam: chuyển dữ liệu xuyên biên giới và thời hạn 60 ngày nộp hồ sơ (Nghị định 356/2025, Điều 17 và 18)"),
    "vietnam_line": ("Counted from the first transfer by controller, recipient and country in this log. Whether the law applies, and any exemption, is not for the log to say.",
                     "Gezählt ab der ersten Übermittlung je Verantwortlichem, Empfänger und Land in diesem Protokoll. Ob das Gesetz gilt und ob eine Ausnahme greift, sagt das Protokoll nicht.",
                     "Tính từ lượt chuyển đầu tiên theo bên kiểm soát, bên nhận và quốc gia trong nhật ký này. Luật có áp dụng hay có ngoại lệ hay không, nhật ký không kết luận."),
    "due": ("60 days end", "60 Tage enden", "Hết hạn 60 ngày"),
    "yes": ("yes", "ja", "có"),
    "no": ("no", "nein", "không"),
    "unknown": ("unknown", "unbekannt", "không rõ"),
    "none": ("none", "keine", "không có"),
}

# fmt: on
