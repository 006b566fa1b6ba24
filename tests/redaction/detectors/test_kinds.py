"""Products by the word for what they are, and the same names where somebody bears them."""

import pytest

from redaction.detectors.rules.kinds import find
from redaction.detectors.rules.text import Text
from redaction.recognizers.base import Page

NOBODY = [
    ("Bring a Carlton flask and two mugs.", "Carlton"),
    ("Season it with Halford salt.", "Halford"),
    ("our old Jessop guitar needs strings", "Jessop"),
    ("Storm Brenda felled the oaks.", "Brenda"),
    ("Sturmtief Sabine legt den Verkehr lahm.", "Sabine"),
    ("loa Marshall bị ù rồi mọi người ơi", "Marshall"),
    ("tã Bobby hết hàng, mua loại khác đi", "Bobby"),
    ("xe khách Phương Trang chạy đúng giờ lắm", "Phương Trang"),
]
SOMEBODY = [
    "Bring Carlton's flask and two mugs.",
    "Can you tell Jessop the guitar needs strings?",
    "Tell Anna tea is ready.",
    "Brenda stormed out.",
    "Das Tief zieht ab, Sabine kommt mit.",
    "loa của Marshall bị ù rồi",
    "khách Phương Trang đặt bàn sáu người rồi nhé",
    "xe máy Hùng để ngoài cổng kìa mọi người",
    "Huấn luyện viên Ramirez biết em đau gối",
]


@pytest.mark.parametrize(("text", "thing"), NOBODY)
def test_a_product_is_nobody(text, thing):
    assert {text[found.start : found.end] for found in find(Text(Page(text, languages=("en", "de", "vi"))))} == {thing}


@pytest.mark.parametrize("text", SOMEBODY)
def test_the_same_name_may_be_somebodys(text):
    assert list(find(Text(Page(text, languages=("en", "de", "vi"))))) == []
