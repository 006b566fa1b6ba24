"""The shape of a JSON Schema (draft 2020-12, OpenAPI 3.0 and Gemini's subset) inside tool definitions.

Keywords are structure. What an app wrote itself is text: descriptions, titles, defaults, examples, enum members,
patterns and the names of properties, which are replaced alike wherever they stand because the same text gets the
same placeholder.
"""

from proxy.formats.shape import Shape, Use, free
from redaction.segment import SegmentKind

_STRUCTURAL = """type format $ref $id $schema $anchor $dynamicRef $dynamicAnchor $vocabulary ref nullable
contentEncoding contentMediaType minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength
minItems maxItems uniqueItems minProperties maxProperties minContains maxContains readOnly writeOnly deprecated
discriminator additionalItems strict"""
_SCHEMAS = "items additionalProperties not if then else contains propertyNames unevaluatedItems unevaluatedProperties"
_LISTS = "anyOf allOf oneOf prefixItems any_of all_of one_of prefix_items"
_MAPS = "properties patternProperties dependentSchemas pattern_properties"
_DEFINED = "$defs definitions defs"


def json_schema() -> Shape:
    """A fresh schema shape; it refers to itself, so it fits any depth."""
    schema = Shape(kind=SegmentKind.TOOL_DEFINITION)
    structural = Shape(use=Use.STRUCTURAL)
    structural.element = structural
    for name in _STRUCTURAL.split():
        schema.members[name] = structural
    for name in (*_SCHEMAS.split(), *_LISTS.split()):
        schema.members[name] = schema
    schema.element = schema
    names = Shape(kind=SegmentKind.TOOL_DEFINITION)
    names.element = names.other = schema
    for name in _MAPS.split():
        schema.members[name] = names
    # What is defined has the name of a class, to which `$ref` points: both are structure, or both are replaced alike.
    classes = Shape(kind=SegmentKind.TOOL_DEFINITION, named=True)
    classes.element = classes.other = schema
    for name in _DEFINED.split():
        schema.members[name] = classes
    values = free(SegmentKind.TOOL_DEFINITION)
    for name in ("default", "examples", "example", "enum", "const"):
        schema.members[name] = values
    for name in ("description", "title", "pattern", "required", "$comment", "propertyOrdering", "property_ordering"):
        schema.members[name] = Shape()
    return schema
