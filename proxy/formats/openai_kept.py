"""What OpenAI keeps for later use besides files: evaluations and their runs, skills and their versions, fine-tuning.

Source: OpenAI API reference, evals, skills and fine-tuning, and the types of its SDK. A run is one of its evaluation, a
version one of its skill, so both are known, and deleted, by a path of two ids. What no line here names is text.
"""

import re

from proxy.formats.core import Operation
from proxy.formats.schema import json_schema
from proxy.formats.shape import app_data, build, graft, structural
from redaction.segment import SegmentKind

_METADATA = app_data("metadata", SegmentKind.METADATA)
_MESSAGES = "{template,input}/*"
_GRADERS = (
    structural("testing_criteria/*/{type,model,operation,evaluation_metric,pass_threshold,range/*,image_tag}"),
    structural("testing_criteria/*/sampling_params/**"),
    structural("testing_criteria/*/input/*/{role,type}", note="role"),
)
EVAL = build(
    structural("data_source_config/{type,include_sample_schema}"),
    graft("data_source_config/item_schema", json_schema()),
    app_data("data_source_config/metadata", SegmentKind.METADATA),
    *_GRADERS,
    _METADATA,
)
RUN = build(
    structural("data_source/{type,model,sampling_params/**} data_source/{source,input_messages}/type"),
    structural("data_source/source/{model,created_after,created_before,limit,reasoning_effort,temperature,top_p}"),
    structural("data_source/source/id", note="@state.file"),
    app_data("data_source/source/content"),
    app_data("data_source/source/metadata", SegmentKind.METADATA),
    structural(f"data_source/input_messages/{_MESSAGES}/type"),
    structural(f"data_source/input_messages/{_MESSAGES}/role", note="role"),
    _METADATA,
)
SKILL = build(structural("default default_version"))
JOB = build(
    structural("model", note="@model"),
    structural("training_file validation_file", note="@state.file"),
    structural("training_files/*/file_id validation_files/*", note="@state.file"),  # Mistral's
    structural("seed hyperparameters/** method/type method/*/hyperparameters/** integrations/*/type"),
    _METADATA,
)

_EVAL = build(structural("id", note="@object.eval"), structural("object created_at deleted has_more first_id last_id"))
_RUN = build(
    structural("id", note="@object.run"),
    structural("eval_id", note="@of.run"),
    structural("object created_at status model report_url result_counts/** per_model_usage/** deleted run_id"),
    structural("has_more first_id last_id"),
)
_SKILL = build(
    structural("id", note="@object.skill"),
    structural("object created_at default_version latest_version deleted has_more first_id last_id"),
)
_VERSION = build(
    structural("version", note="@object.version"),
    structural("skill_id", note="@of.version"),
    structural("id object created_at deleted has_more first_id last_id"),
)
_JOB = build(
    structural("id", note="@object.job"),
    structural("object created_at finished_at estimated_finish status model organization_id trained_tokens seed"),
    structural("training_file validation_file result_files/* hyperparameters/** method/type has_more"),
)

_READ = frozenset(("GET", "POST", "DELETE"))
_USER = SegmentKind.USER


def operations(base: str) -> tuple[Operation, ...]:
    """base: pattern of what stands before `evals`, `skills` and `fine_tuning`."""
    evaluation, skill = base + "evals/(?P<eval>[^/]+)", base + "skills/(?P<skill>[^/]+)"
    run = base + "evals/(?P<run>(?P<eval>[^/]+)/runs/[^/]+)"
    version = base + "skills/(?P<version>(?P<skill>[^/]+)/versions/[^/]+)"
    return (
        Operation("evals", re.compile(base + "evals"), EVAL, _EVAL, kind=_USER, creates=True),
        Operation("eval_runs", re.compile(evaluation + "/runs"), RUN, _RUN, kind=_USER, creates=True),
        Operation("eval_run", re.compile(run + "(?:/.*)?"), answer=_RUN, methods=_READ),
        Operation("eval_update", re.compile(evaluation), EVAL, _EVAL, kind=_USER, creates=True),
        Operation("eval", re.compile(evaluation + "(?:/runs)?"), answer=_EVAL, methods=_READ),
        Operation("skills", re.compile(base + "skills"), SKILL, _SKILL, creates=True),
        Operation("skill_versions", re.compile(skill + "/versions"), SKILL, _VERSION, creates=True),
        Operation("skill_version", re.compile(version + "(?:/content)?"), SKILL, _VERSION, methods=_READ),
        Operation("skill", re.compile(skill + "(?:/versions|/content)?"), SKILL, _SKILL, methods=_READ),
        Operation("fine_tuning", re.compile(base + "fine_tuning/jobs"), JOB, _JOB, kind=_USER, creates=True),
        Operation(
            "fine_tuning_job", re.compile(base + "fine_tuning/jobs/(?P<job>[^/]+)(?:/.*)?"), JOB, _JOB, methods=_READ
        ),
    )
