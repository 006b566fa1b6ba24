import pytest

from redaction.segment import SegmentKind

TABLE = [
    ("IP_ADDRESS", "from «192.168.178.23» and «203.0.113.7:8080»".replace(":8080»", "»:8080")),
    ("IP_ADDRESS", "host «2001:db8:85a3::8a2e:370:7334» up"),
    ("MAC_ADDRESS", "mac «00:1A:2B:3C:4D:5E»"),
    ("MAC_ADDRESS", "«001a.2b3c.4d5e» on port 3"),
    ("DEVICE_ID", "IMEI «490154203237518»"),
    ("URL", "git clone https://x ; «https://bob:hunter22@git.example.com/a.git»"),
    ("CONNECTION_STRING", "DATABASE_URL=«postgresql+asyncpg://app:s3cr3t@db.internal:5432/prod»"),
    ("CONNECTION_STRING", "«mongodb+srv://u:p4ss@cluster0.example.net/x?retryWrites=true»"),
    ("CONNECTION_STRING", "«Server=tcp:db.example.net,1433;Database=x;User ID=sa;Password=Pa55w0rd!;Encrypt=True»"),
    ("URL", "profil: «https://www.linkedin.com/in/anna-schmidt-123»"),
    ("URL", "«instagram.com/thuha.nguyen»"),
    ("USERNAME", "folgt mir auf insta @«lena_k92»"),
    ("USERNAME", "username: «jdoe_84»"),
    ("COORDINATES", "treffpunkt «52.520008, 13.404954»"),
    ("COORDINATES", "tọa độ «21.0278° N, 105.8342° E»"),
    ("COORDINATES", "«52°31'12\"N 13°24'18\"E»"),
    ("DATE_OF_BIRTH", "geb. «12.03.1985» in Ulm"),
    ("DATE_OF_BIRTH", "geboren am «3. März 1985»"),
    ("DATE_OF_BIRTH", "DOB: «03/12/1985»"),
    ("DATE_OF_BIRTH", "I was born on «March 12, 1985»"),
    ("DATE_OF_BIRTH", "ngày sinh: «12/03/1985»"),
    ("DATE_OF_BIRTH", "em sinh ngày «12 tháng 3 năm 1998» ạ"),
    ("DATE_OF_BIRTH", "sinh năm «1990»"),
    ("AGE", "ich bin «34» jahre alt"),
    ("AGE", "mein Opa ist «87» Jahre alt"),
    ("AGE", "grandma turned «90» last week"),
    ("AGE", "bé nhà mình «5» tuổi"),
    ("DATE_OF_BIRTH", "put the birthday in the calendar: «July 19, 1990»"),
    ("DATE_OF_BIRTH", "er hat am «5. Mai 1983» Geburtstag"),
    ("DATE_OF_BIRTH", "sinh nhat em «21/12/2001» a"),
    ("USERNAME", "mein benutzername klemm_uta77".replace("klemm_uta77", "«klemm_uta77»")),
    ("USERNAME", "thanks @«wonderfulwilma» for the help"),
    ("COORDINATES", "coordinates «53.551086, 9.993682» ok"),
    ("USERNAME", "ls /Users/«harrietfontaine»/Documents"),
    ("USERNAME", 'File "/home/«juergenmueller»/app/main.py", line 3'),
    ("USERNAME", "C:\\Users\\«annaschmidt»\\Desktop, file:///C:/Users/«annaschmidt»/x"),
    ("USERNAME", "/mnt/c/Users/«annaschmidt»/repo: no such file"),
]
SECRETS = [
    ("API_KEY", "key «sk-proj-abcdEFGH1234ijklMNOP5678qrstUVWX»"),
    ("API_KEY", "«sk-ant-api03-AbCdEf123456_-GhIjKl789012MnOpQr»"),
    ("API_KEY", "GOOGLE=«AIzaSyA1234567890abcdefghijklmnopqrstuv»"),
    ("API_KEY", "aws «AKIAIOSFODNN7EXAMPLE»"),
    ("API_KEY", "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»"),
    ("API_KEY", "«AKIAIOSFODNN7EXAMPLE» / «8Jq3xV+0aZbLw9Tt/yR5kQm2nXcD7eFgHiJkLmNo»"),
    ("API_KEY", "token «ghp_abcdefghijklmnopqrstuvwxyz0123456789»"),
    ("API_KEY", "stripe «sk_live_4eC39HqLyjWDarjtT1zdp7dc»"),
    ("API_KEY", 'client_secret: "«Zx8Q2vR7pLk3Nf5T»"'),
    ("API_KEY", "Authorization: Bearer «abcDEF123456ghiJKL7890mno»"),
    ("JWT", "«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»"),
    ("PASSWORD", "Passwort: «Sommer2024!»"),
    ("PASSWORD", "my password is «hunter2!x»"),
    ("PASSWORD", "mật khẩu wifi là «abc12345»"),
    ("PASSWORD", 'password = "«correcthorse»"'),
    ("PASSWORD", "mật khẩu zalo là «Mm#2210x» nha"),
    ("PASSWORD", "pass wifi nhà: «trasua88»"),
    ("PASSWORD", "mk zalo moi «trai9!ok»"),
    ("PASSWORD", "mã otp mới gửi «771204»"),
]
NEGATIVES = [
    "password = os.environ['DB_PASSWORD']",
    "the password is wrong",
    "mật khẩu của bạn là gì",
    "mật khẩu mạnh là mật khẩu dài",
    "Passwort vergessen? Passwort ist abgelaufen",
    "token = tokenizer.encode(text)",
    "api_key = settings.api_key",
    "api_key: YOUR_API_KEY",
    "def login(user: str, password: str) -> None",
    "http://localhost:8080 127.0.0.1 0.0.0.0 255.255.255.0",
    "std::vector and a::b::c, 12:34:56",
    "version 1.2.3.4 and chrome/120.0.6099.109",
    "@dataclass\n@property\ndef x(): ...",
    "sk-learn and task-force, risk-averse-strategies-for-everyone",
    "https://example.com/path?page=2&sort=asc",
    "https://github.com/acme/tool/blob/main/README.md",
    "on 12.03.2024 we met",
    "the road turned 90 degrees",
    "@Override public void run() { }",
    "5 years of work, 3-year-old laptop",
    "<img src='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk'>",
    "/home/ubuntu/app, /home/runner/work/x, /Users/Shared/x, C:\\Users\\Public\\x, /home/user1/x",
    'route("/home/dashboard"), https://example.com/home/tours/12, GET /users/annab/posts',
    "8Jq3xV+0aZbLw9Tt/yR5kQm2nXcD7eFgHiJkLmNo is the checksum of commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
]


@pytest.mark.parametrize(("entity_type", "marked"), TABLE + SECRETS)
def test_finds_online_identifiers_and_secrets(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert found == wanted


@pytest.mark.parametrize("text", NEGATIVES)
def test_leaves_code_and_public_addresses(look, text):
    assert look(text)[1] == []


def test_finds_private_keys_whole(look):
    block = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA1234abcd\n" * 20 + "-----END RSA PRIVATE KEY-----"
    wanted, found = look(f"here:\n«{block}»\nbye", "PRIVATE_KEY")
    assert found == wanted


def test_a_value_under_a_key_called_password_is_one(look):
    wanted, found = look("«geheim»", "PASSWORD", hint="password", kind=SegmentKind.TOOL_ARGUMENTS)
    assert found == wanted
