"""Annex to an impact assessment (GDPR Art. 35(7)): what the processing does, in figures; what bounds its risks, and what
does not. Necessity, risks and the view of persons concerned are for the controller to write.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections import Counter

from audit.reports.base import Facts, Kind, Section, Source, Table, merged, recipient
from audit.reports.parts import UNCHANGED, data_section, data_table, measures, place, third
from audit.reports.texts import Texts, Words


def _facts(source: Source, context: Facts) -> Facts:
    found = [recipient(holding) for holding in source.holdings()]
    data = merged([row for one in found for row in one["data"]])
    detectors: Counter[str] = Counter()
    unseen: Counter[str] = Counter()
    observed = media = 0
    for facts in source.entries():
        detectors.update({f"{one['name']} {one['version']}" for one in facts.get("detectors", ())})
        unseen.update(part["reason"] for part in facts.get("uninspected", ()))
        observed += facts.get("observe", False)
        media += len(facts.get("media", ()))
    return {
        "activities": found,
        "data": data,
        "in_clear": [row for row in data if row["operator"] in UNCHANGED],
        "measures": measures(data),
        "third_countries": sorted({country for one in found for country in third(one["countries"])}),
        "detectors": [{"detector": name, "transfers": n} for name, n in sorted(detectors.items())],
        "uninspected": [{"reason": name, "n": n} for name, n in sorted(unseen.items())],
        "observed": observed,
        "media": media,
        "stops": sum(1 for _ in source.events("stop")),
        "policies": sum(1 for event in source.events("policy") if event["event"] == "activated"),
    }


def _sections(facts: Facts, say: Texts) -> list[Section]:
    if not facts["activities"]:
        return [Section(say("recipients"), (say("nothing"),))]
    covered = facts["covered"]
    residual = (
        (say("kept_n"), say.number(facts["measures"]["kept"])),
        (
            say("uninspected_n"),
            ", ".join(f"{say.term(one['reason'])}: {one['n']}" for one in facts["uninspected"]) or "0",
        ),
        (say("observed_n"), say.number(facts["observed"])),
        (say("media_n"), say.number(facts["media"])),
        (say("third_countries"), ", ".join(map(say.name, facts["third_countries"])) or say("none")),
        (say("unnamed"), say.number(covered["unnamed"])),
        (say("gaps_n"), say.number(len(covered["gaps"]))),
    )
    controls = (
        (say("refused_n"), say.number(covered["refused"])),
        (say("policies_n"), say.number(facts["policies"])),
        (say("stops_n"), say.number(facts["stops"])),
        (
            say("detectors"),
            "; ".join(f"{one['detector']} ({one['transfers']})" for one in facts["detectors"]) or say("unknown"),
        ),
    )
    clear = facts["in_clear"]
    return [
        Section(say("description"), tables=(_activities(facts, say),)),
        data_section(say, facts["data"]),
        Section(say("measures"), (say("measures_line", **facts["measures"]),), controls),
        Section(say("residual"), (say("residual_line"),), residual, tables=(data_table(say, clear),) if clear else ()),
        Section(say("missing"), (say("dpia_missing"),)),
    ]


def _activities(facts: Facts, say: Texts) -> Table:
    names = (
        "controller",
        "purpose",
        "basis",
        "assessment",
        "application",
        "recipient",
        "role",
        "processing",
        "retention",
        "count",
    )
    rows = tuple(
        (
            one["controller"] or say("unknown"),
            one["purpose"] or say("unknown"),
            say.term(one["basis"]),
            one["dpia"] or say("unknown"),
            say.name(one["application"]),
            say.name(one["entity"]),
            say.term(one["role"]),
            place(say, one["countries"], "processing"),
            say.term(one["retention"]),
            say.number(one["transfers"]),
        )
        for one in facts["activities"]
    )
    return Table(tuple(map(say, names)), rows, frozenset({9}))


TEXTS: Words = {
    "assessment": ("Impact assessment", "Folgenabschätzung", "Đánh giá tác động"),
    "dpia": ("Annex to an impact assessment (GDPR Art. 35)", "Anhang zu einer Folgenabschätzung (Art. 35 DSGVO)", "Phụ lục đánh giá tác động (GDPR Điều 35)"),
    "description": ("The processing in figures", "Die Verarbeitung in Zahlen", "Hoạt động xử lý qua số liệu"),
    "residual": ("What remains", "Was bleibt", "Rủi ro còn lại"),
    "residual_line": ("Beyond these figures stands what detection missed; the measured recall below bounds the expectation, not the case.",
                      "Hinzu kommt, was die Erkennung übersah; die unten genannte gemessene Trefferquote begrenzt die Erwartung, nicht den Einzelfall.",
                      "Ngoài các số liệu này còn những gì bộ phát hiện bỏ sót; độ bao phủ đo được bên dưới giới hạn kỳ vọng, không giới hạn từng trường hợp."),
    "kept_n": ("Findings sent as they were", "Unverändert gesendete Funde", "Phát hiện được gửi nguyên trạng"),
    "uninspected_n": ("Parts that nothing looked into", "Teile, in die nichts hineinsah", "Phần không được kiểm tra"),
    "observed_n": ("Transfers that were only observed", "Nur beobachtete Übermittlungen", "Lượt chuyển chỉ được quan sát"),
    "media_n": ("Images, documents and recordings", "Bilder, Dokumente und Aufnahmen", "Hình ảnh, tài liệu và bản ghi"),
    "gaps_n": ("Times without a log", "Zeiten ohne Protokoll", "Khoảng thời gian không có nhật ký"),
    "refused_n": ("Refused requests", "Abgelehnte Anfragen", "Yêu cầu bị từ chối"),
    "policies_n": ("Policies activated", "Aktivierte Richtlinien", "Chính sách được kích hoạt"),
    "stops_n": ("Stops and resumptions", "Stopps und Wiederaufnahmen", "Lần dừng và tiếp tục"),
    "detectors": ("Detectors (transfers)", "Erkennung (Übermittlungen)", "Bộ phát hiện (số lượt chuyển)"),
    "dpia_missing": ("The log does not hold: necessity and proportionality, risks to persons and their weight, the views of persons concerned, the advice of the data protection officer.",
                     "Das Protokoll enthält nicht: Notwendigkeit und Verhältnismäßigkeit, Risiken für Personen und ihr Gewicht, den Standpunkt betroffener Personen, den Rat des Datenschutzbeauftragten.",
                     "Nhật ký không chứa: tính cần thiết và tương xứng, rủi ro đối với cá nhân và mức độ, ý kiến của chủ thể dữ liệu, tư vấn của cán bộ bảo vệ dữ liệu."),
}  # fmt: skip

REPORT = Kind("dpia", _facts, _sections, TEXTS, counts=True)
