"""Edits that keep a file as its author left it: comments, order, quotation marks.

Text enters, text leaves, and the new text is loaded before it is returned, so that no edit can break a policy. Values
of exceptions arrive as keyed hashes; the value itself never does.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from policies.errors import UsageError
from policies.language.document import parse
from policies.language.tree import Sources


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    # The language has no anchors, so the same value written twice must stay two values.
    yaml.representer.ignore_aliases = lambda *_: True
    return yaml


def _opened(text: str) -> Any:
    """The file as an editable tree; first read strictly, so that the editor meets nothing it may misread."""
    parse(text, "policy.yaml", Sources())
    return _yaml().load(text)


def _closed(tree: Any) -> str:
    out = io.StringIO()
    _yaml().dump(tree, out)
    return out.getvalue()


def formatted(text: str) -> str:
    """The file with two spaces per level and lists indented under their key; comments stay where they are."""
    return _closed(_opened(text))


def add_exception(
    text: str,
    *,
    rule: str,
    entity_type: str,
    refs: Sequence[str],
    destination: str,
    application: str,
    applications: Sequence[str],
    until: date,
    approved_by: str,
    because: str,
    flags: Mapping[str, str] | None = None,
) -> str:
    """The file with an exception for values (64 hexadecimal digits each) and a case that proves it.

    destination, application: of the case; application may be "". applications: for whom it holds, empty for all.
    flags: of the person in the case, where rules ask for them (`consent: given`).
    Raises UsageError where the exception would have no end, nobody who approved it, or no values.
    """
    if not refs or not approved_by or not because:
        raise UsageError("an exception needs a value, somebody who approved it, and a reason")
    tree = _opened(text)
    listed = tree.setdefault("exceptions", CommentedSeq())
    name = _free_id(listed, f"{rule}-{until.isoformat()}")
    entry = CommentedMap({"id": name, "rule": rule, "values": _flow(refs)})
    if applications:
        entry["applications"] = _flow(applications)
    entry |= {"until": until, "approved_by": approved_by, "because": because}
    listed.append(entry)
    case = CommentedMap({"name": f"Exception {name} lets its value pass", "to": destination})
    if application:
        case["app"] = application
    case |= flags or {}
    case["findings"] = CommentedSeq([_flow_map({"type": entity_type, "refs": _flow(refs)})])
    case["at"] = until
    case["expect"] = _flow_map({entity_type: "allow"})
    tree.setdefault("cases", CommentedSeq()).append(case)
    return _closed(tree)


def _free_id(listed: Sequence[Any], wanted: str) -> str:
    taken = {one.get("id") for one in listed if isinstance(one, dict)}
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def pin_edition(text: str, destination: str, edition: str) -> str:
    """The file with one destination pinned to another edition. Raises UsageError where the file has no such pin."""
    tree = _opened(text)
    section = (tree.get("destinations") or {}).get(destination)
    if not isinstance(section, dict) or "extends" not in section:
        raise UsageError(f"the file does not pin the destination '{destination[:60]}'; look in its includes")
    section["extends"] = edition
    return _closed(tree)


def remove_observe(text: str) -> str:
    """The file without its test phase; from the next transfer on the rules are applied."""
    tree = _opened(text)
    if tree.pop("observe", None) is None:
        raise UsageError("the file has no `observe` section")
    return _closed(tree)


def _flow(values: Sequence[str]) -> CommentedSeq:
    listed = CommentedSeq(values)
    listed.fa.set_flow_style()
    return listed


def _flow_map(values: dict[str, Any]) -> CommentedMap:
    mapped = CommentedMap(values)
    mapped.fa.set_flow_style()
    return mapped
