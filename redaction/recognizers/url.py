"""Addresses in the web that point at a person or carry credentials: profiles, user:password@, connection strings."""

import re
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer

_CREDENTIALS: Final = re.compile(
    r"(?i)(?<![\w])(?:https?|ftps?|sftp|ssh|git|svn|smb|ldaps?|rtsp|socks5h?)://(?P<user>[^\s/:@\"'<>]{1,128}):(?P<password>[^\s/@\"'<>]{1,256})@[^\s\"'<>)\]]{1,500}"
)
_CONNECTION: Final = re.compile(
    r"(?i)(?<![\w])(?:postgres(?:ql)?(?:\+\w{2,12})?|mysql(?:\+\w{2,14})?|mariadb(?:\+\w{2,14})?|mongodb(?:\+srv)?|rediss?|amqps?|mssql(?:\+\w{2,12})?|oracle(?:\+\w{2,12})?|kafka|nats|clickhouse|snowflake|cockroachdb|smtps?|imaps?|jdbc:[a-z]{2,12}|couchdb|neo4j(?:\+s)?|bolt)"
    r"://[^\s/:@\"'<>]{0,128}:[^\s/@\"'<>]{1,256}@[^\s\"'<>)\]]{1,500}"
)
_KEYED: Final = re.compile(
    r"(?i)(?<![\w])(?:server|data source|host|defaultendpointsprotocol|endpoint|user id|uid|driver|database|addr)\s?=(?=[^\r\n\"'`]{0,600}(?:password|pwd|accountkey|sharedaccesskey)\s?=)\s?"
    r"[^\r\n\"'`;]{1,300}(?:;[^\r\n\"'`;]{1,400}){1,12};?"
)
_JDBC: Final = re.compile(
    r"(?i)(?<![\w])jdbc:[a-z]{2,12}:(?://|thin:)[^\s\"'<>]{3,200}[?;&](?:user|password)=[^\s\"'<>]{1,300}"
)
_NAME: Final = r"[\w.%+-]{2,60}"
_PROFILE: Final = re.compile(
    r"(?i)(?<![\w@.-])(?:https?://)?(?:www\.|m\.|de\.|vn\.|mobile\.)?(?:"
    rf"(?:[a-z]{{2}}\.)?linkedin\.com/(?:in|pub)/{_NAME}|xing\.com/(?:profile|people)/{_NAME}|facebook\.com/(?:profile\.php\?id=[0-9]{{4,20}}|people/{_NAME}(?:/[0-9]{{4,20}})?)"
    rf"|(?:instagram\.com|threads\.net|tiktok\.com/@|medium\.com/@|youtube\.com/@|twitter\.com|x\.com|facebook\.com|fb\.com|github\.com|gitlab\.com|t\.me|telegram\.me|zalo\.me"
    rf"|snapchat\.com/add|reddit\.com/u(?:ser)?|pinterest\.[a-z]{{2,3}}|twitch\.tv|soundcloud\.com|about\.me|linktr\.ee|calendly\.com|paypal\.me|venmo\.com|cash\.app/\$|keybase\.io|vk\.com|behance\.net|dribbble\.com|bsky\.app/profile|wa\.me|signal\.me|m\.me)/?@?"
    rf"(?!(?:about|login|signup|explore|search|help|features|pricing|settings|home|p|reel|watch|share|sharer|intent|hashtag|events|groups|pages|terms|privacy|policy|docs|blog|topics|marketplace|orgs|enterprise|company|jobs|dialog|tr|plugins|embed|i|status|ads|business|legal|sponsors|notifications|trending|collections|security|readme|site|apps|new|download|joinchat)(?![\w-])){_NAME}"
    r")/?(?![\w@/.-]*/[\w])(?:\?[\w=&%.-]{1,200})?"
)
_HOST: Final = re.compile(r"(?i)(?:github|gitlab|twitter|x|facebook|instagram|fb|t|vk|reddit)\.(?:com|me)/")


def _credentials(value: str, page: Page, start: int, end: int) -> float | None:
    password = value.split("://", 1)[1].rsplit("@", 1)[0].partition(":")[2]
    return None if password[:1] in "${<[%" and len(password) < 40 and password[:3] != "%24" else 0.95


def _profile(value: str, page: Page, start: int, end: int) -> float | None:
    # A bare "x.com/…" or a source tree's path is rather a page than a person.
    return 0.7 if _HOST.search(value) else 0.85


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("url_credentials", "URL", _CREDENTIALS, check=_credentials, trigger=("://",), skip_opaque=False),
    Pattern(
        "connection_string", "CONNECTION_STRING", _CONNECTION, check=_credentials, trigger=("://",), skip_opaque=False
    ),
    Pattern(
        "connection_fields",
        "CONNECTION_STRING",
        _KEYED,
        0.9,
        trigger=("password", "pwd", "accountkey", "sharedaccesskey"),
        skip_opaque=False,
    ),
    Pattern("jdbc", "CONNECTION_STRING", _JDBC, 0.9, trigger=("jdbc:",), skip_opaque=False),
    Pattern(
        "profile",
        "URL",
        _PROFILE,
        check=_profile,
        trigger=(".com/", ".me/", ".net/", ".ee/", ".io/", ".tv/", ".app/", "pinterest"),
        skip_opaque=False,
    ),
)
