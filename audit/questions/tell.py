"""One transfer as a story, and who holds what: the log's facts in sentences, in every `Language`.

Pure: facts in, lines out. Says what the log knows and nothing more; declared values are called declared. Names
stand as the log has them.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.commands.render import when
from audit.questions.holders import Holding
from audit.reports.texts import Language, Texts, Words

type Facts = Mapping[str, Any]

# fmt: off
_WORDS: Words = {
    "complete": ("The answer came back whole.", "Die Antwort kam vollständig zurück.", "Câu trả lời đã về đầy đủ."),
    "cut": ("The answer was cut off.", "Die Antwort wurde abgeschnitten.", "Câu trả lời bị cắt ngang."),
    "client_gone": ("The application went away before the answer was complete.", "Die Anwendung ging, bevor die Antwort vollständig war.", "Ứng dụng rời đi trước khi câu trả lời đầy đủ."),
    "upstream_error": ("The provider was reached; it answered with an error, or broke off.", "Der Anbieter wurde erreicht; er antwortete mit einem Fehler oder brach ab.", "Đã liên lạc được với nhà cung cấp; bên đó trả lời lỗi hoặc ngắt giữa chừng."),
    "refused": ("The answer was refused by the policy.", "Die Richtlinie verweigerte die Antwort.", "Chính sách đã từ chối câu trả lời."),
    "interrupted": ("The process ended in the middle; whether and what was sent cannot be known.", "Der Prozess endete mittendrin; ob und was gesendet wurde, lässt sich nicht wissen.", "Tiến trình kết thúc giữa chừng; không thể biết có gửi gì hay không."),
    "not_sent": ("Nothing was sent: the provider could not be reached, or dragoman ended before the first byte left.", "Nichts wurde gesendet: Der Anbieter war nicht erreichbar, oder dragoman endete, bevor das erste Byte hinausging.", "Không có gì được gửi: không liên lạc được với nhà cung cấp, hoặc dragoman kết thúc trước khi byte đầu tiên rời đi."),
    "open": ("There is no outcome yet: it is in flight, or will be closed at the next start.", "Es gibt noch kein Ergebnis: Sie läuft noch oder wird beim nächsten Start geschlossen.", "Chưa có kết quả: đang diễn ra, hoặc sẽ được đóng ở lần khởi động sau."),
    "head": ("{at}  {kind}{attempt} (entry {index})", "{at}  {kind}{attempt} (Eintrag {index})", "{at}  {kind}{attempt} (mục {index})"),
    "transfer": ("transfer", "Übermittlung", "lượt chuyển"),
    "blocked": ("blocked", "abgelehnt", "bị từ chối"),
    "attempt": (", attempt {n}", ", Versuch {n}", ", lần thử {n}"),
    "application": ("Application {name} (identified by {by}), {environment}{model}.", "Anwendung {name} (erkannt durch {by}), {environment}{model}.", "Ứng dụng {name} (nhận biết qua {by}), {environment}{model}."),
    "model": (", model {name}", ", Modell {name}", ", mô hình {name}"),
    "no_purpose": ("Purpose: none named, so no controller and no basis are declared.", "Zweck: keiner genannt, also sind kein Verantwortlicher und keine Grundlage angegeben.", "Mục đích: không nêu, nên không có bên kiểm soát và căn cứ nào được khai báo."),
    "purpose": ("Purpose {name}; controller {controller}; declared basis {basis}.", "Zweck {name}; Verantwortlicher {controller}; angegebene Grundlage {basis}.", "Mục đích {name}; bên kiểm soát {controller}; căn cứ đã khai báo {basis}."),
    "stopped": ("Refused with {status} {reason}; nothing was sent.", "Abgelehnt mit {status}: {reason}; nichts wurde gesendet.", "Bị từ chối với {status}: {reason}; không có gì được gửi."),
    "persons": ("Persons referred to: {n}.", "Genannte Personen: {n}.", "Cá nhân được nhắc đến: {n}."),
    "nobody": ("none given", "keine angegeben", "không nêu"),
    "decision": ("Decision: {action}{observed} by {policy}, rules: {rules}.", "Entscheidung: {action}{observed} durch {policy}, Regeln: {rules}.", "Quyết định: {action}{observed} bởi {policy}, quy tắc: {rules}."),
    "observed": (" (observed only)", " (nur beobachtet)", " (chỉ quan sát)"),
    "policy": ("policy", "Richtlinie", "chính sách"),
    "policy_named": ("policy {name}", "Richtlinie {name}", "chính sách {name}"),
    "none": ("none", "keine", "không có"),
    "none_named": ("none named", "keiner genannt", "không nêu"),
    "size": ("{came} {came:byte|bytes} came, {left} {left:byte was|bytes were} to leave.", "{came} {came:Byte kam|Bytes kamen}, {left} {left:Byte sollte|Bytes sollten} hinaus.", "{came} byte đến, {left} byte sẽ rời đi."),
    "uninspected": ("Not looked into: {media}, {n} {n:byte|bytes} ({reason}).", "Nicht angesehen: {media}, {n} {n:Byte|Bytes} ({reason}).", "Không xem xét: {media}, {n} byte ({reason})."),
    "nothing_found": ("Nothing was found.", "Nichts wurde gefunden.", "Không phát hiện gì."),
    "finding": ("{n} x {entity_type}{where}: {operator}{why}{by}.", "{n} x {entity_type}{where}: {operator}{why}{by}.", "{n} x {entity_type}{where}: {operator}{why}{by}."),
    "where": (" in {place}", " in {place}", " trong {place}"),
    "why": (", rule {rule}", ", Regel {rule}", ", quy tắc {rule}"),
    "by": (", found by {names}", ", gefunden durch {names}", ", phát hiện bởi {names}"),
    "overflow": ("{n} more {n:finding|findings} did not fit into the entry.", "{n} {n:weiterer Fund passte|weitere Funde passten} nicht in den Eintrag.", "{n} phát hiện nữa không vừa trong mục."),
    "outcome": ("outcome", "Ergebnis", "kết quả"),
    "status": (" Status {n}.", " Status {n}.", " Mã trạng thái {n}."),
    "because": ("Reason: {code}.", "Grund: {code}.", "Lý do: {code}."),
    "tokens": ("Tokens: {i} in, {o} out.", "Tokens: {i} hinein, {o} heraus.", "Token: {i} vào, {o} ra."),
    "restored": ("Placeholders put back: {restored}; left alone: {unknown} unknown, {foreign} foreign, {withheld} withheld, {expired} expired", "Platzhalter zurückgesetzt: {restored}; belassen: unbekannt {unknown}, fremd {foreign}, zurückgehalten {withheld}, abgelaufen {expired}", "Ký hiệu giữ chỗ đã khôi phục: {restored}; để nguyên: {unknown} không rõ, {foreign} của nơi khác, {withheld} bị giữ lại, {expired} đã hết hạn"),
    "answer_found": ("Found in the answer besides our placeholders: {listed}.", "In der Antwort außer unseren Platzhaltern gefunden: {listed}.", "Phát hiện trong câu trả lời ngoài ký hiệu của chúng ta: {listed}."),
    "recipient": ("Recipient: {who}, role {role}, agreement {agreement}, declared transfer mechanism {transfer}.", "Empfänger: {who}, Rolle {role}, Vertrag {agreement}, angegebenes Übermittlungsinstrument {transfer}.", "Bên nhận: {who}, vai trò {role}, thỏa thuận {agreement}, cơ chế chuyển đã khai báo {transfer}."),
    "named": ("{entity} ({name})", "{entity} ({name})", "{entity} ({name})"),
    "unnamed": ("{name} (contracting entity unknown)", "{name} (Vertragspartner unbekannt)", "{name} (không rõ bên ký hợp đồng)"),
    "sent_to": ("Address: {host}.", "Adresse: {host}.", "Địa chỉ: {host}."),
    "places": ("Processed in {processing}; stored in {storage}; accessed from {access}.", "Verarbeitet in {processing}; gespeichert in {storage}; Zugriff aus {access}.", "Xử lý tại {processing}; lưu trữ tại {storage}; truy cập từ {access}."),
    "kept": ("Kept: {retention}. Used for training: {training}.", "Aufbewahrt: {retention}. Für Training genutzt: {training}.", "Lưu giữ: {retention}. Dùng để huấn luyện: {training}."),
    "unknown": ("unknown", "unbekannt", "không rõ"),
    "by.credential": ("credential", "Zugangsdaten", "thông tin xác thực"),
    "by.certificate": ("certificate", "Zertifikat", "chứng thư"),
    "by.header": ("header", "Kopfzeile", "tiêu đề"),
    "by.network": ("network", "Netz", "mạng"),
    "by.pod": ("pod", "Pod in Kubernetes", "pod Kubernetes"),
    "by.process": ("process", "Prozess", "tiến trình"),
    "by.claim": ("a token's claim", "Angabe in einem Token", "thông tin trong token"),
    "by.provider_key": ("the provider's key", "Schlüssel des Anbieters", "khóa của nhà cung cấp"),
    "by.none": ("nothing", "nichts", "không gì cả"),
    "in.test": ("test environment", "Testumgebung", "môi trường thử nghiệm"),
    "in.staging": ("staging environment", "Vorstufe", "môi trường chuẩn bị"),
    "in.prod": ("production", "Betrieb", "môi trường vận hành"),
    "partial": ("PARTIAL: {without} of {total} {total:transfer|transfers} in question {without:carries|carry} no reference to any person.", "UNVOLLSTÄNDIG: {without} von {total} fraglichen {total:Übermittlung|Übermittlungen} {without:trägt|tragen} keinen Bezug zu einer Person.", "CHƯA ĐẦY ĐỦ: {without} trong {total} lượt chuyển liên quan không có tham chiếu đến cá nhân nào."),
    "names_nobody": ("No transfer names this identifier, written like this.", "Keine Übermittlung nennt diese Kennung, so geschrieben.", "Không có lượt chuyển nào nêu định danh này, viết như vậy."),
    "sent_nothing": ("Nothing was sent to anybody.", "Niemandem wurde etwas gesendet.", "Không có gì được gửi cho ai."),
    "holding": ("{n} {n:transfer|transfers} by {application}, {first} to {last}", "{n} {n:Übermittlung|Übermittlungen} durch {application}, {first} bis {last}", "{n} lượt chuyển bởi {application}, từ {first} đến {last}"),
    "controls": ("Controls: {controller}. Purpose: {name}, declared basis {basis}.", "Verantwortlich: {controller}. Zweck: {name}, angegebene Grundlage {basis}.", "Bên kiểm soát: {controller}. Mục đích: {name}, căn cứ đã khai báo {basis}."),
}
# fmt: on


def _say(language: Language) -> Texts:
    return Texts(language, _WORDS)


def story(entries: Sequence[tuple[int, Facts]], language: Language = Language.EN) -> Iterator[str]:
    """The lines about one exchange. entries: as `query.exchange` returns them."""
    say = _say(language)
    for index, facts in entries:
        yield from _outcome(say, index, facts) if facts["kind"] == "outcome" else _before(say, index, facts)
    attempts = {facts["attempt"] for _, facts in entries if facts["kind"] == "transfer"}
    ended = {facts["attempt"] for _, facts in entries if facts["kind"] == "outcome"}
    if attempts - ended:
        yield say("open")


def _before(say: Texts, index: int, facts: Facts) -> Iterator[str]:
    attempt = say("attempt", n=facts["attempt"]) if facts["attempt"] > 1 else ""
    yield say("head", at=when(facts["at"]), kind=say(facts["kind"]), attempt=attempt, index=str(index))
    model = say("model", name=facts["model"]) if "model" in facts else ""
    by, environment = say(f"by.{facts['identified_by']}"), say(f"in.{facts['environment']}")
    known = {"name": say.name(facts["application"]), "by": by, "environment": environment}
    yield f"  {say('application', model=model, **known)}"
    yield f"  {_purpose(say, facts)}"
    if facts["kind"] == "blocked":
        yield f"  {say('stopped', status=str(facts['status']), reason=say.reason(facts['reason']))}"
    if "destination" in facts:
        yield from (f"  {line}" for line in destination(facts["destination"], say.language))
    if "host" in facts:
        yield f"  {say('sent_to', host=facts['host'])}"
    persons = len(facts.get("subjects", ())) + facts["subjects_overflow"]
    yield f"  {say('persons', n=persons or say('nobody'))}"
    yield from _findings(say, facts)
    policy = say("policy_named", name=facts["policy_name"]) if "policy_name" in facts else say("policy")
    rules = ", ".join(facts.get("rules", ())) or say("none")
    observed = say("observed") if facts["observe"] else ""
    yield f"  {say('decision', action=say.term(facts['action']), observed=observed, policy=policy, rules=rules)}"
    if "bytes_out" in facts:
        yield f"  {say('size', came=facts['bytes_in'], left=facts['bytes_out'])}"
    for part in facts.get("uninspected", ()):
        reason = say.term(part["reason"])
        yield f"  {say('uninspected', media=part['media_type'], n=part['bytes'], reason=reason)}"


def _purpose(say: Texts, facts: Facts) -> str:
    purpose = facts.get("purpose")
    if purpose is None:
        return say("no_purpose")
    declared = {name: say.term(purpose.get(name, "unknown")) for name in ("controller", "basis")}
    return say("purpose", name=purpose["name"], **declared)


def _findings(say: Texts, facts: Facts) -> Iterator[str]:
    rows = facts.get("findings", ())
    if not rows:
        yield f"  {say('nothing_found')}"
    # Rows also differ in language, kind of message and certainty; a reader first wants to know what left and why.
    counts: Counter[tuple[str, str, str, str]] = Counter()
    finders: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for row in rows:
        what = (row["entity_type"], row.get("where", ""), row["operator"], row.get("rule", ""))
        counts[what] += row["n"]
        finders.setdefault(what, {}).update({row["recognizer"]: None} if "recognizer" in row else {})
    for (entity_type, place, operator, rule), n in counts.most_common():
        names = ", ".join(finders[entity_type, place, operator, rule])
        told = {
            "where": say("where", place=place) if place else "",
            "why": say("why", rule=rule) if rule else "",
            "by": say("by", names=names) if names else "",
        }
        yield f"  {say('finding', n=n, entity_type=say.entity(entity_type), operator=say.term(operator), **told)}"
    if facts.get("findings_overflow"):
        yield f"  {say('overflow', n=facts['findings_overflow'])}"


def _outcome(say: Texts, index: int, facts: Facts) -> Iterator[str]:
    yield say("head", at=when(facts["at"]), kind=say("outcome"), attempt="", index=str(index))
    yield f"  {say(facts['state'])}" + (say("status", n=str(facts["status"])) if "status" in facts else "")
    if "error" in facts:
        yield f"  {say('because', code=say.reason(facts['error']))}"
    if "tokens_in" in facts or "tokens_out" in facts:
        yield f"  {say('tokens', i=facts.get('tokens_in', '?'), o=facts.get('tokens_out', '?'))}"
    names = ("restored", "unknown", "foreign", "withheld", "expired")
    yield f"  {say('restored', **{name: facts[name] for name in names})}"
    counts = Counter({row["entity_type"]: 0 for row in facts.get("findings", ())})
    for row in facts.get("findings", ()):
        counts[row["entity_type"]] += row["n"]
    if counts:
        listed = ", ".join(f"{n} x {say.entity(entity_type)}" for entity_type, n in counts.most_common())
        yield f"  {say('answer_found', listed=listed)}"


def destination(facts: Facts, language: Language = Language.EN) -> Iterator[str]:
    """Who receives, as the register stood."""
    say = _say(language)
    agreement, mechanism = facts.get("agreement", say("unknown")), say.term(facts["transfer"])
    role = say.term(facts["role"])
    yield say("recipient", who=_recipient(say, facts), role=role, agreement=agreement, transfer=mechanism)
    lists = {
        name: ", ".join(say.term(one) for one in facts.get(name, ())) or say("unknown")
        for name in ("processing", "storage", "access")
    }
    yield say("places", **lists)
    yield say("kept", retention=say.term(facts["retention"]), training=say.term(facts["training"]))


def _recipient(say: Texts, facts: Facts) -> str:
    entity = facts["contracting_entity"]
    return say("unnamed" if entity == "unknown" else "named", entity=entity, name=facts["name"])


def holdings(
    found: Sequence[Holding], completeness: tuple[int, int] | None, language: Language = Language.EN
) -> Iterator[str]:
    """Who holds what. completeness: transfers looked at and those without a person, where a person was asked for."""
    say = _say(language)
    if completeness is not None and completeness[1]:
        total, without = completeness
        yield say("partial", without=without, total=total)
        yield ""
    if not found:
        # Of a person no more is known than that nothing names them like this: they may have another identifier.
        yield say("sent_nothing" if completeness is None else "names_nobody")
    for holding in found:
        facts, purpose = holding.facts, holding.purpose
        first, last = when(holding.first), when(holding.last)
        yield _recipient(say, facts)
        yield f"  {say('holding', n=holding.transfers, application=holding.application, first=first, last=last)}"
        declared = {name: say.term(purpose.get(name, "unknown")) for name in ("controller", "basis")}
        yield f"  {say('controls', name=purpose.get('name', say('none_named')), **declared)}"
        yield from (f"  {line}" for line in destination(facts, language))
        for (entity_type, operator), n in sorted(holding.types.items(), key=lambda item: -item[1]):
            yield f"  {n} x {say.entity(entity_type)}: {say.term(operator)}"
        yield ""
