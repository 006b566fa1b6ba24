"""Special categories of personal data (GDPR Art. 9): only where somebody says them of a person, never as a topic.

"ich bin Muslim" is found, "der Islam in Europa" is not; the word itself is the value.
"""

import re
from typing import Final

from redaction.recognizers.base import Pattern, Recognizer

_AM: Final = (
    r"(?:i am|i'm|i’m|im|he is|he's|she is|she's|they are|we are|is a|was|as an?|ich bin|er ist|sie ist|wir sind|bin|ist"
    r"|(?:mein|meine|my)\s\w{2,14}(?:\s\w{2,14})?\s(?:is|ist)|tôi là|em là|mình là|anh ấy là|chị ấy là|cô ấy là|bạn ấy là|ông ấy là|bà ấy là|nó là|toi la|minh la|no la)"
)
_HOW: Final = r"(?:\s(?:a|an|ein|eine|einer|sehr|very|quite|auch|also|gläubige[rn]?|strenggläubige[rn]?|praktizierende[rn]?|devout|practi[cs]ing|openly|offen|người|nguoi|already|seit \w+|(?:letztes|dieses|voriges) jahr|last year|this year|once|einmal|now|jetzt|still|noch|not|nicht|kein|keine)){0,3}"
_RELIGION: Final = (
    r"(?:muslim(?:a|in)?|moslem|christ(?:in|ian)?|catholic|katholi(?:k|kin|sch)|protestant(?:in|isch)?|evangelisch|orthodox|jew(?:ish)?|jude|jüdin|jüdisch|hindu|buddhist(?:in)?"
    r"|sikh|atheist(?:in|isch)?|agnosti(?:c|ker|kerin)|zeugin? jehovas|jehovah'?s witness|mormon(?:e)?|alevit(?:e|in)|konfessionslos|muslimisch|buddhistisch)"
)
_RELIGION_VI: Final = r"(?:(?:đạo|dao)\s(?:phật|phat|thiên chúa|thien chua|tin lành|tin lanh|hồi|hoi|cao đài|cao dai|hòa hảo|hoa hao)|phật tử|công giáo|cong giao|phật giáo|phat giao|hồi giáo|thiên chúa giáo|kitô giáo|tin lành)"
_ORIENTATION: Final = (
    r"(?:gay|lesbian|lesbisch|schwul|bisexual|bisexuell|bi|queer|trans(?:gender|sexuell|sexual)?|nonbinary|non-binary|nichtbinär|asexual|asexuell|pansexual|pansexuell"
    r"|homosexual|homosexuell|heterosexual|heterosexuell|intersex|đồng tính|dong tinh|song tính|chuyển giới|les)"
)
_PARTY: Final = (
    r"(?:spd|cdu|csu|afd|fdp|die grünen|grünen|die linke|linken|bsw|piraten|volt|övp|fpö|spö|neos|svp|democrats?|democratic party|republicans?|republican party|gop|labour(?: party)?|tories"
    r"|conservative party|lib dems|liberal democrats|snp|reform uk|green party|đảng cộng sản(?: việt nam)?|dang cong san)"
)
_UNION_NAME: Final = r"(?:ver\.di|verdi|ig metall|ig bce|ig bau|gew|dgb|gdl|evg|marburger bund|unison|unite the union|teamsters|uaw|seiu|afl-cio|gewerkschaft|trade union|labor union|công đoàn|cong doan)"
_ILLNESS: Final = (
    r"(?:(?:type|typ|tuýp|tuyp)[ -]?[12][ -])?(?:hiv(?:[ -]positive?)?|aids|diabet(?:es|iker|ikerin|ic)|krebs|\w{3,14}krebs|(?:\w{3,10}\s)?cancer|leuk(?:ämie|emia|aemia)|depression(?:en|s)?|depressiv|bipolar(?:e störung| disorder)?|schizophren(?:ie|ia)|epilep(?:sie|sy)|asthma|adhs|adhd|autis(?:mus|m|t|tin|tic)"
    r"|multiple[rn]? sklerose|multiple sclerosis|parkinson|alzheimer|demen(?:z|tia)|hepatitis(?:\s[abc])?|tuberkulose|tuberculosis|migräne|migraine|burn-?out|essstörung|bulimi(?:e|a)|anorexi(?:e|a)"
    r"|endometrios(?:e|is)|schwanger|pregnant|fehlgeburt|miscarriage|abtreibung|abortion|schwangerschaftsabbruch|chemo(?:therap(?:ie|y))?|alkoholi(?:ker|kerin|c)|(?:alkohol|drogen|tabletten|medikamenten|heroin|spiel)(?:abhängig|süchtig)|magersüchtig|suizidal|suicidal|querschnittsgelähmt|ptbs|ptsd|rheuma|morbus crohn|crohn'?s|lupus|covid|corona"
    r"|tiểu đường|tieu duong|ung thư(?:\s\w{1,6})?|ung thu|trầm cảm|tram cam|viêm gan(?:\s[abc])?|lao phổi|động kinh|hen suyễn|cao huyết áp|có thai|co thai|mang thai|mang bầu|rối loạn lo âu|tự kỷ|tâm thần(?: phân liệt)?|suy thận|sỏi thận|tai biến|đột quỵ|gút|viêm phổi|vô sinh|sảy thai|nghiện(?: rượu| ma túy)?|máu trắng|thoát vị đĩa đệm|schlaganfall|herzinfarkt|stroke|infertil(?:e|ity))"
)
_HAVE: Final = (
    r"(?:i have|i've got|i've had|i've|i suffer from|i was diagnosed with|diagnosed with|he has|she has|has|have|suffers from|i had|ich habe|ich hab|ich hatte|hatte|hab|ich leide an|leidet an|leide unter|leidet unter|hat|er hat|sie hat|diagnose:?|diagnosis:?"
    r"|tôi bị|em bị|mình bị|bị|bi|đang|dang|mắc(?: bệnh)?|mac benh|nhiễm|nhiem|dương tính(?: với)?|duong tinh(?: voi)?|(?:tests?|results?|scan|befund) (?:says?|shows?|sagt|zeigt)|(?:bei (?:mir|ihr|ihm|uns)|bei (?:meine[mr]|unsere[mr]) \w{2,14}) (?:wurde|ist)|tested positive for|positiv auf|erkrankt an|treated for)"
)
_ETHNICITY: Final = (
    r"(?:rom(?:a|ni)|sint[io]|kurd(?:e|in|isch|ish)?|black|african[- ]american|afroamerikaner(?:in)?|latin[oax]|hispanic|person of color|schwarz(?:e|er)?|native american|aboriginal"
    r"|người (?:kinh|tày|thái|mường|khmer|hoa|nùng|h'?mông|dao|ê đê|gia rai|chăm))"
)


def _said(name: str, entity_type: str, before: str, value: str, after: str = "") -> Pattern:
    expression = re.compile(rf"(?i)(?<![^\W_]){before}{_HOW}\s(?P<value>{value})(?![^\W_]){after}")
    return Pattern(name, entity_type, expression, 0.78, group="value")


_PERSONAL: Final = r"(?:i am|i'm|i’m|he is|he's|she is|she's|we are|ich bin|er ist|sie ist|bin|(?:tôi|em|mình|nó|anh ấy|chị ấy|cô ấy|bạn ấy|ông ấy|bà ấy) là|(?:toi|minh|no|em) la|(?:mein|meine|my)\s\w{2,14}\s(?:is|ist))"
# Who expects a child, with what stands between: "ich im 5. Monat schwanger bin". Not "wenn Sie schwanger sind".
_WHO: Final = (
    r"(?:ich|(?:meine|unsere|deine|seine|ihre) (?:frau|freundin|partnerin|verlobte|ex|tochter|schwester|cousine|nichte|schwägerin|kollegin|chefin|mitbewohnerin|beste freundin|nachbarin|mama|mutter|kleine \w{4,10}|große \w{4,10})(?: [a-zäöü]{2,14})?|frau \w{2,20}"
    r"|i|my (?:wife|girlfriend|partner|fiancée?|daughter|sister|cousin|niece|colleague|boss|roommate|best friend|neighbou?r|mom|mum|mother)(?: [a-z]{2,14})?)"
)
_WHO_VI: Final = r"(?:tôi|em|mình|tớ|tui|chị|cô|vợ|bạn gái|người yêu|con gái|em gái|chị gái|toi|vo)"
_MEMBER: Final = (
    r"(?:member of|membership in|vote for|voted for|i vote|joined|mitglied (?:der|bei|in|im)(?: der)?|(?:ich |sie |er )?wähle?n?|wählt|gewählt habe ich|eingetreten (?:in|bei)|kandidiere für"
    r"|đảng viên|là thành viên|dang vien|tham gia)"
)

RECOGNIZERS: tuple[Recognizer, ...] = (
    _said("religion", "RELIGION", _AM, _RELIGION),
    _said("religion_vi", "RELIGION", r"(?:theo|tôi là|em là|mình là|gia đình|nhà|toi|minh)", _RELIGION_VI),
    _said("orientation", "ORIENTATION", _PERSONAL, _ORIENTATION),
    _said(
        "orientation_vi",
        "ORIENTATION",
        r"(?:tôi|em|mình|tui|tớ|nó|(?:anh|chị|cô|bạn|cậu) ấy|con (?:trai|gái)(?: \w{1,5})?)(?: là| thuộc)?",
        r"(?:đồng tính|song tính|chuyển giới|dong tinh|song tinh|chuyen gioi)",
    ),
    _said("party", "POLITICS", _MEMBER, rf"(?:the |die |der |bei der |in der )?{_PARTY}"),
    _said(
        "union",
        "UNION",
        r"(?:member of|membership in|joined|mitglied (?:der|bei|in|im)(?: der)?|eingetreten (?:in|bei)|organisiert bei|thành viên|tham gia)",
        rf"(?:the |die |der )?{_UNION_NAME}",
    ),
    _said(
        "union_member",
        "UNION",
        rf"(?:{_AM}|has been|have been|was)",
        r"(?:union (?:member|rep)|trade unionist|gewerkschaftsmitglied|gewerkschafter(?:in)?|đoàn viên công đoàn)",
    ),
    _said("illness", "HEALTH", rf"(?:{_HAVE}|{_PERSONAL})", _ILLNESS),
    Pattern(
        "expecting",
        "HEALTH",
        re.compile(
            rf"(?i)(?<![^\W_]){_WHO}(?:,? [\w.]{{1,12}}){{0,5}} (?P<value>(?:hoch)?schwanger|pregnant|expecting a (?:baby|child|boy|girl))(?![^\W_])"
        ),
        0.78,
        group="value",
        trigger=("schwanger", "pregnant", "expecting"),
    ),
    Pattern(
        "expecting",
        "HEALTH",
        re.compile(
            rf"(?i)(?<![^\W_]){_WHO_VI}(?: \w{{1,8}}){{0,3}} (?P<value>(?:có|mang|đang mang) (?:bầu|thai|em bé)|co bau|mang bau)(?![^\W_])"
        ),
        0.78,
        group="value",
        trigger=("bầu", "thai", "em bé", "bau"),
    ),
    _said("ethnicity", "ETHNICITY", _PERSONAL, _ETHNICITY),
)
