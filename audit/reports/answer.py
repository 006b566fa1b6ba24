"""An answer in plain language for one user, by the id of a transfer: what left, to whom, what for, what came back.

Written to be handed on: no rule names, no digests of policies, no places in a schema.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections.abc import Iterator

from audit import query
from audit.commands.render import when
from audit.reports.base import Facts, Kind, ReportError, Section, Source, countries, entity_of, merged
from audit.reports.parts import data_table, measures, place
from audit.reports.texts import Texts, Words


def _facts(source: Source, context: Facts) -> Facts:
    found = dict(query.exchange(source.connection, source.question.values["id"]))
    seen = source.question.applications
    before = [facts for facts in found.values() if facts["kind"] != "outcome"]
    if not before or (seen is not None and before[0]["application"] not in seen):
        raise ReportError("no transfer has this id", code="report_missing")
    outcomes = {facts["attempt"]: facts for facts in found.values() if facts["kind"] == "outcome"}
    return {
        "id": before[0]["id"],
        "entries": sorted(found),
        "attempts": [_attempt(facts, outcomes.get(facts["attempt"])) for facts in before],
    }


def _attempt(facts: Facts, outcome: Facts | None) -> Facts:
    destination, purpose = facts.get("destination", {}), facts.get("purpose", {})
    return {
        "at": facts["at"],
        "sent": facts["kind"] == "transfer" and (outcome or {}).get("state") != "not_sent",
        "reason": facts.get("reason"),
        "application": facts["application"],
        "entity": entity_of(destination),
        "countries": countries(destination),
        "retention": destination.get("retention", "unknown"),
        "training": destination.get("training", "unknown"),
        "purpose": purpose.get("name"),
        "controller": purpose.get("controller"),
        "basis": purpose.get("basis", "unknown"),
        "data": merged(facts.get("findings", ())),
        "uninspected": len(facts.get("uninspected", ())) + facts.get("uninspected_overflow", 0),
        "observed": facts.get("observe", False),
        "state": None if outcome is None else outcome["state"],
        "restored": 0 if outcome is None else outcome["restored"],
    }


def _sections(facts: Facts, say: Texts) -> list[Section]:
    found = [section for attempt in facts["attempts"] for section in _about(attempt, say)]
    indices = ", ".join(map(str, facts["entries"]))
    return [*found, Section(say("where"), (say("where_line", id=facts["id"], indices=indices),))]


def _about(one: Facts, say: Texts) -> Iterator[Section]:
    lines = [say("began", at=when(one["at"]), application=say.name(one["application"]))]
    if not one["sent"]:
        lines.append(say("not_sent_line"))
        yield Section(say("what_happened"), tuple(lines))
        return
    lines.append(say("sent_line", entity=say.name(one["entity"])))
    lines.append(say(f"end_{one['state']}") if f"end_{one['state']}" in TEXTS else say("end_open"))
    yield Section(say("what_happened"), tuple(lines))
    yield Section(
        say("who_decides"),
        (
            say(
                "purpose_line",
                controller=one["controller"] or say("unknown"),
                purpose=one["purpose"] or say("unknown"),
                basis=say.term(one["basis"]),
            ),
        ),
    )
    yield Section(
        say("where_kept"),
        (
            say(
                "kept_line",
                processing=place(say, one["countries"], "processing"),
                storage=place(say, one["countries"], "storage"),
                retention=say.term(one["retention"]),
                training=say.term(one["training"]),
            ),
        ),
    )
    yield from _data(one, say)


def _data(one: Facts, say: Texts) -> Iterator[Section]:
    done = measures(one["data"])
    lines = [say("data_line", **done) if done["total"] else say("nothing_found")]
    if one["observed"]:
        lines.append(say("observed"))
    if one["uninspected"]:
        lines.append(say("unseen", n=one["uninspected"]))
    if one["restored"]:
        lines.append(say("restored", n=one["restored"]))
    lines.append(say("may_miss"))
    yield Section(say("about_you"), tuple(lines), tables=(data_table(say, one["data"]),) if one["data"] else ())


TEXTS: Words = {
    "answer": ("What happened with your request", "Was mit Ihrer Anfrage geschah", "Điều gì đã xảy ra với yêu cầu của bạn"),
    "what_happened": ("What happened", "Was geschah", "Điều đã xảy ra"),
    "began": ("On {at} the application {application} wanted to send something to a model provider.",
              "Am {at} wollte die Anwendung {application} etwas an einen Modellanbieter senden.",
              "Vào {at}, ứng dụng {application} muốn gửi nội dung đến một nhà cung cấp mô hình."),
    "sent_line": ("It was sent to {entity}.", "Es wurde an {entity} gesendet.", "Nội dung đã được gửi đến {entity}."),
    "not_sent_line": ("Nothing was sent.", "Es wurde nichts gesendet.", "Không có gì được gửi đi."),
    "end_complete": ("The answer came back whole.", "Die Antwort kam vollständig zurück.", "Câu trả lời đã quay về đầy đủ."),
    "end_cut": ("The answer was cut off.", "Die Antwort brach ab.", "Câu trả lời bị ngắt giữa chừng."),
    "end_client_gone": ("The application went away before the answer was complete.", "Die Anwendung war weg, bevor die Antwort vollständig war.", "Ứng dụng đã ngắt trước khi câu trả lời hoàn tất."),
    "end_upstream_error": ("The provider answered with an error, or could not be reached.", "Der Anbieter antwortete mit einem Fehler oder war nicht erreichbar.", "Nhà cung cấp trả lời bằng lỗi hoặc không liên lạc được."),
    "end_refused": ("The answer was not passed on.", "Die Antwort wurde nicht weitergegeben.", "Câu trả lời không được chuyển tiếp."),
    "end_interrupted": ("The process ended in the middle; whether it was sent cannot be known.", "Der Vorgang brach ab; ob gesendet wurde, lässt sich nicht sagen.", "Tiến trình bị dừng giữa chừng; không thể biết nội dung đã được gửi hay chưa."),
    "end_open": ("How it ended is not recorded yet.", "Wie es endete, ist noch nicht aufgezeichnet.", "Kết quả chưa được ghi nhận."),
    "who_decides": ("Who decides, and what for", "Wer entscheidet, und wofür", "Ai quyết định và để làm gì"),
    "purpose_line": ("Controller: {controller}. Purpose: {purpose}. Declared legal basis: {basis}.",
                     "Verantwortlich: {controller}. Zweck: {purpose}. Angegebene Rechtsgrundlage: {basis}.",
                     "Bên kiểm soát: {controller}. Mục đích: {purpose}. Căn cứ pháp lý đã khai báo: {basis}."),
    "where_kept": ("Where it is kept, and for how long", "Wo es liegt, und wie lange", "Lưu ở đâu và trong bao lâu"),
    "kept_line": ("Processed in: {processing}. Stored in: {storage}. Kept: {retention}. Used for training: {training}. So the provider or the organisation declares it.",
                  "Verarbeitet in: {processing}. Gespeichert in: {storage}. Aufbewahrt: {retention}. Für Training genutzt: {training}. So erklären es der Anbieter oder die Organisation.",
                  "Xử lý tại: {processing}. Lưu tại: {storage}. Thời gian lưu: {retention}. Dùng để huấn luyện: {training}. Theo khai báo của nhà cung cấp hoặc tổ chức."),
    "about_you": ("Personal data in it", "Personenbezogene Daten darin", "Dữ liệu cá nhân trong đó"),
    "data_line": ("{total} {total:piece of personal data was|pieces of personal data were} found. {changed} {changed:was|were} replaced or removed before sending, {kept} {kept:was left as it was|were left as they were}.",
                  "{total} personenbezogene {total:Angabe wurde|Angaben wurden} gefunden. {changed} {changed:wurde|wurden} vor dem Senden ersetzt oder entfernt, {kept} {kept:blieb, wie sie war|blieben, wie sie waren}.",
                  "Đã phát hiện {total} dữ liệu cá nhân. {changed} được thay thế hoặc loại bỏ trước khi gửi, {kept} được giữ nguyên."),
    "observed": ("This request was only observed: nothing in it was replaced.", "Diese Anfrage wurde nur beobachtet: in ihr wurde nichts ersetzt.", "Yêu cầu này chỉ được quan sát: không có gì bị thay thế."),
    "unseen": ("{n} {n:part, such as an image or a file, was|parts, such as images or files, were} not looked into.", "In {n} {n:Teil, etwa ein Bild oder eine Datei,|Teile, etwa Bilder oder Dateien,} wurde nicht hineingesehen.", "{n} phần, như hình ảnh hoặc tệp, không được kiểm tra."),
    "restored": ("In the answer {n} {n:placeholder was put back into what it|placeholders were put back into what they} stood for.", "In der Antwort {n:wurde|wurden} {n} Platzhalter wieder durch das Gemeinte ersetzt.", "Trong câu trả lời, {n} ký hiệu giữ chỗ đã được khôi phục."),
    "may_miss": ("Detection misses things; what was not found was sent as it was.", "Erkennung übersieht; was nicht gefunden wurde, ging unverändert hinaus.", "Bộ phát hiện có thể bỏ sót; những gì không tìm thấy được gửi nguyên trạng."),
    "where": ("Where this stands", "Wo das steht", "Ghi nhận ở đâu"),
    "where_line": ("Transfer {id}, entries {indices} of the log. Quote the id when you ask again.",
                   "Übermittlung {id}, Einträge {indices} des Protokolls. Nennen Sie die Kennung bei Rückfragen.",
                   "Lượt chuyển {id}, mục {indices} của nhật ký. Hãy nêu mã này khi hỏi lại."),
}  # fmt: skip

REPORT = Kind("answer", _facts, _sections, TEXTS, transfer=True)
