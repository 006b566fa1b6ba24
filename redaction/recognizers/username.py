"""Names that people carry in networks: handles with their network near by, user names after their label."""

import re
from typing import Final

from redaction.lexicon import is_word
from redaction.recognizers.base import Page, Pattern, Recognizer, words

_HANDLE: Final = re.compile(r"(?<![\w@./`])@(?P<value>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{1,38}[A-Za-z0-9_]))(?![\w@(/])")
_NETWORK: Final = words(
    *(
        "insta",
        "instagram",
        "ig",
        "twitter",
        "tweet",
        "x",
        "telegram",
        "tiktok",
        "discord",
        "threads",
        "snap",
        "snapchat",
    ),
    *("mastodon", "bluesky", "bsky", "handle", "nick", "nickname", "follow", "folge", "folgt", "folg mir", "dm", "pm"),
    *(
        "schreib",
        "add",
        "adde",
        "kết bạn",
        "zalo",
        "tele",
        "twitch",
        "steam",
        "github",
        "gitlab",
        "slack",
        "venmo",
        "cashapp",
    ),
    *(
        "username",
        "user",
        "user name",
        "profil",
        "profile",
        "account",
        "acc",
        "tài khoản",
        "nutzer",
        "nutzername",
        "benutzername",
    ),
)
_LABELLED: Final = re.compile(
    r"(?i)(?<![^\W_])(?:user ?name|user[_-]name|user[_-]?id|login(?:name)?|log-in|screen ?name|nick(?:name)?|benutzer(?:name|kennung)?|nutzername|anmeldename|handle|gamertag|psn|steam(?:[- ]?(?:id|name))?"
    r"|discord|tên đăng nhập|ten dang nhap|tài khoản(?:\s(?:shopee|lazada|tiki|facebook|fb|zalo|instagram|tiktok|game|steam|garena|netflix|youtube))?|nick(?:\s(?:fb|zalo|game))?|skype(?:[- ]?(?:id|name))?|telegram|insta(?:gram)?|snap(?:chat)?|tiktok|twitter|zalo)"
    r"[\"'`]?\s{0,2}(?:[:=]|is|ist|lautet|là)\s{0,2}[\"'`@]{0,2}(?P<value>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{1,38}[A-Za-z0-9_])(?:\#[0-9]{4})?)(?![\w@(])"
)
# Without a colon the value must look made up.
_BARE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:user ?name|user[ _-]?id|benutzer(?:name|kennung)|nutzername|login|gamertag|nick(?:name)?|tên đăng nhập|ten dang nhap) (?P<value>[a-z]{1,30}[0-9_.][a-z0-9_.]{0,30}[a-z0-9])(?![\w@(])"
)
_DISCORD: Final = re.compile(r"(?<![\w#])(?P<value>[A-Za-z0-9_.]{2,32}#[0-9]{4})(?![\w])")
# Where a system keeps what is somebody's own: macOS, Unix, Windows (also as WSL and Git's shell see it).
_HOME: Final = re.compile(
    r"(?i)(?<![\w.-])(?:(?-i:/Users/|/(?:var|export)/home/|/home/)|(?:/mnt)?/[a-z]/users/|[a-z]:(?:\\{1,4}|/)(?:users|benutzer|documents and settings)(?:\\{1,4}|/))"
    r"(?P<value>[^\W_](?:[\w.@-]|[ ](?=[^\W\d_]+\\)){1,38}[^\W_])(?=[/\\\s\"'`:;,)\]>]|$)"
)
_NOBODYS_HOME: Final = frozenset(
    """admin administrator all alice anonymous app apps appuser azureuser bitnami bob build builder centos ci circleci
    cloud code codespace coder container core data debian default deploy developer dev docker dotnet ec2-user elastic
    example fedora ftp git gitlab-runner gitpod guest hadoop home jenkins jovyan linuxbrew linux me myname myuser
    name node nobody opc oracle pi postgres public pwuser python root ruby runner runneradmin runneruser sbx_user
    scrapyd server service shared snap someone spark ssm-user steam student sys system target test tester travis
    ubuntu user user1 username users vagrant vboxuser vcap vscode web webapp work workspace www www-data you
    your-name your-username yourname yourusername your_name your_username youruser
    about account add blog cart checkout contact create dashboard delete details edit en de vi faq feed help id index
    info list login logout main menu new news notifications orders overview page posts pricing product products profile
    projects promo register search section services settings shop sign-in sign-up signin signup start stats tabs team
    update v1 v2""".split()  # noqa: SIM905
)
_CODE: Final = re.compile(r"[(){};=<>/*#]|^\s*@")
_SENTENCE_WORD: Final = re.compile(r"(?<![\w@])[^\W\d_]{2,}(?![\w(])")
_NOT_NAMES: Final = frozenset(
    [
        "media",
        "import",
        "app",
        "property",
        "staticmethod",
        "classmethod",
        "dataclass",
        "override",
        "param",
        "return",
        "returns",
        "throws",
        "see",
        "deprecated",
        "here",
        "channel",
        "everyone",
        "all",
        "none",
        "null",
        "true",
        "false",
        "string",
        "str",
        "int",
        "required",
        "name",
        "admin",
        "root",
        "user",
        "id",
        "is",
        "ist",
        "not",
        "the",
        "der",
        "die",
        "das",
    ]
)


def _handle(value: str, page: Page, start: int, end: int) -> float | None:
    if value.lower() in _NOT_NAMES:
        return None
    line_start = page.text.rfind("\n", 0, start) + 1
    if not page.text[line_start : start - 1].strip() and page.text[end : end + 1] in ("\n", "("):
        return None
    near = page.around(start - 1, end, 50, 15)
    if _NETWORK.search(near):
        return 0.8
    if any(char.isdigit() or char in "_." for char in value):
        return 0.6
    # In a sentence it is somebody; in code it is a decorator, a directive or a tag.
    line = page.text[line_start : _line_end(page.text, end)]
    return 0.5 if len(value) > 3 and not _CODE.search(line) and len(_SENTENCE_WORD.findall(line)) >= 2 else None


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return found if found >= 0 else len(text)


def _labelled(value: str, page: Page, start: int, end: int) -> float | None:
    if value.lower() in _NOT_NAMES or is_word(value) or value.isdigit():
        return None
    return 0.8


def _home(value: str, page: Page, start: int, end: int) -> float | None:
    name = value.lower()
    if name in _NOBODYS_HOME or name.rstrip("0123456789") in _NOBODYS_HOME or page.text[start - 1 : start] == " ":
        return None
    return 0.8


def _discord(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.8 if words("discord", "add", "adde", "tag", "server").search(page.around(start, end)) else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("handle", "USERNAME", _HANDLE, check=_handle, group="value", trigger=("@",)),
    Pattern(
        "username",
        "USERNAME",
        _LABELLED,
        check=_labelled,
        group="value",
        trigger=(
            "user",
            "log",
            "name",
            "nick",
            "benutzer",
            "handle",
            "tag",
            "psn",
            "steam",
            "discord",
            "tên",
            "ten ",
            "tài",
            "skype",
            "tele",
            "insta",
            "snap",
            "tiktok",
            "twitter",
            "zalo",
        ),
    ),
    Pattern(
        "username",
        "USERNAME",
        _BARE,
        0.7,
        group="value",
        trigger=("name", "user", "login", "kennung", "tag", "nick", "nhập", "nhap"),
    ),
    Pattern(
        "home_folder",
        "USERNAME",
        _HOME,
        check=_home,
        group="value",
        trigger=("/users/", "/home/", "users\\", "settings\\", ":/users", "benutzer\\", ":/benutzer"),
        skip_opaque=False,
    ),
    Pattern("discord", "USERNAME", _DISCORD, check=_discord, group="value", trigger=("#",), solid=("#",)),
)
