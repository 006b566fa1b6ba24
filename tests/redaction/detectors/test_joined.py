"""Names that no space divides from their honorific or from each other, and names in other scripts."""

import pytest

NAMES = [
    "**Ms. «Harriet»** _«Blackwood»_ called",
    "_Frau «Harriet»_ **«Vogelsang»** kommt",
    "_Frau «Vogelsang»_ kommt, __Ms. «Blackwood»__ too",
    "_bitte an Frau «Vogelsang»_",
    "Herr_«Müller» ist da",
    "Frau_«Vogelsang».pdf, Dr_«Blackwood»_2024.docx",
    "frau_«vogelsang».txt",
    "Herr_Dr_«Blackwood»",
    "Mr.«Blackwood» left, Herr.«Vogelsang» came",
    "Herr-«Vogelsang».pdf",
    "**Herr** **«Vogelsang»** kommt",
    "**«Harriet»** _«Blackwood»_",
    "Frau «王芳» kommt",
    "Ms. «王芳» and Mr. «田中太郎»",
    "Herr «Иванов» ruft an",
    "my name is «김민준»!",
]
USERS = [
    "GET /customers/«harriet.blackwood» HTTP/1.1",
    "/home/«harriet.blackwood»/x.txt",
    "user «harriet_blackwood» logged in",
    "scan «Harriet-Blackwood».pdf and «harriet.blackwood».",
    "«harriet.blackwood77» wrote",
    "/kunden/«mueller.hans»/7",
    "«nguyen.van.an» logged in",
    "«harriet.blackwood»@corp",
]
NEITHER = [
    "Herr_der_Ringe.mkv",
    "frau_name and mrs_count",
    "Doctor.Id and Officer_Status",
    "ms_elapsed, mr_id",
    "你好。再见。com 第3。5节",
    "Frau und Mann",
    "Mann-Frau-Verhältnis, Herr-Knecht-Dialektik",
    "**Order** _Status_ and **Mark** _done_",
    "nguyen.append, van.utils.path",
    "numpy.ndarray, os.path, torch.utils.data",
    "step-by-step, state_of_the_art, self.blackwood",
    "x_harriet_blackwood_y_z_w_q(1)",
]


@pytest.mark.parametrize("marked", NAMES)
def test_finds_names_in_other_dress(look, marked):
    wanted, found = look(marked)
    assert found == wanted


@pytest.mark.parametrize("marked", USERS)
def test_finds_a_given_name_joined_to_a_surname(look, marked):
    wanted, found = look(marked, "USERNAME")
    assert found == wanted


@pytest.mark.parametrize(
    "text",
    [
        "max_row_buffer = sys.maxsize",
        "MAX_IDENTIFIER and LEX_ATTRS",
        "conn_timeout, max_fields",
        "[sys.executable, x]",
        "harriet.end_char",
        "ali-ali",
        "jordan.utils",
        "harriet.append(x)",
        "sandra.blackwood(x)",
        "karen.py",
        "harriet.example.com",
        "mark.blackwood",
        "Fritz-Blackwood",
    ],
)
def test_a_member_of_an_object_is_no_surname(look, text):
    assert [item for item in look(text)[1] if item[0] == "USERNAME"] == []


@pytest.mark.parametrize("text", NEITHER)
def test_leaves_identifiers_and_prose(look, text):
    assert look(text)[1] == []
