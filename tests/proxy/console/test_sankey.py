"""The flow picture: what goes in comes out, nothing overlaps, and there are never too many names."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit.questions.overview import Flow
from proxy.console.sankey import GAP, HEIGHT, MOST, NOBODY, OTHERS, WIDTH, picture

NAMES = [f"n{number}" for number in range(14)]
FLOWS = st.lists(
    st.builds(
        Flow,
        application=st.sampled_from(NAMES),
        entity_type=st.sampled_from(NAMES),
        destination=st.sampled_from(["", *NAMES]),
        replaced=st.integers(0, 10_000),
        kept=st.integers(0, 10),
        blocked=st.integers(0, 3),
    ),
    max_size=40,
)


@given(FLOWS)
def test_every_finding_is_drawn_once_in_each_column_and_in_each_gap(flows: list[Flow]) -> None:
    total = sum(flow.n for flow in flows)
    found = picture(flows)
    columns = Counter[int]()
    for node in found.nodes:
        columns[node.column] += node.n
    assert set(columns.values()) <= {total}
    for column in (0, 1):
        assert sum(band.n for band in found.bands if band.column == column) == total


@given(FLOWS)
def test_nodes_stand_inside_and_apart_and_are_few(flows: list[Flow]) -> None:
    found = picture(flows)
    for column in range(3):
        nodes = [node for node in found.nodes if node.column == column]
        assert len(nodes) <= MOST
        for above, below in pairwise(nodes):
            assert above.y + above.height + GAP - 0.2 <= below.y
        for node in nodes:
            assert node.height > 0
            assert node.y + node.height <= HEIGHT + 0.5
            assert 0 <= node.x <= WIDTH


def test_the_rest_is_one_node_and_a_refusal_without_a_recipient_has_a_place() -> None:
    flows = [Flow(f"app{number}", "AGE", "openai", 100 - number, 0, 0) for number in range(12)]
    flows.append(Flow("app0", "AGE", "", 0, 0, 5))
    found = picture(flows)
    assert [node.name for node in found.nodes if node.column == 0][-1] == OTHERS
    assert {node.name for node in found.nodes if node.column == 2} == {"openai", NOBODY}
    assert picture([]).nodes == ()
