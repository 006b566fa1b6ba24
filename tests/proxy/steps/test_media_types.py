"""Media types in a record: those that somebody listed, whatever a client calls its bytes."""

from dataclasses import replace

import pytest

from policies.load import load_bundled
from policies.model import MediaAction
from proxy.steps.media_types import LISTED, recorded_type
from proxy.steps.records import media_kind


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ("image/png", "image/png"),
        ("Image/PNG; name=anna.png", "image/png"),
        ("image/anna-schmidt", "image/x-unlisted"),
        ("audio/anna.schmidt-1712345678", "audio/x-unlisted"),
        ("application/anna-schmidt", "application/octet-stream"),
        ("anna/schmidt", "application/octet-stream"),
        ("image", "image/x-unlisted"),
        ("", "application/octet-stream"),
        ("application/dicom+firm", "application/dicom+firm"),
        ("application/a b", "application/octet-stream"),
    ],
)
def test_what_nobody_listed_is_a_family(said, recorded):
    named = {"application/dicom+firm": MediaAction.PASS, "image": MediaAction.PASS, "application/a b": MediaAction.PASS}
    assert recorded_type(said, replace(load_bundled("default"), media=named)) == recorded
    assert media_kind(recorded) == media_kind(said) or recorded == "application/octet-stream"


def test_the_list_holds_types_alone():
    assert all(one.count("/") == 1 and one == one.lower() and len(one) <= 80 for one in LISTED)
