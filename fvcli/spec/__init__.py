"""The spec: YAML text -> document -> validated, frozen models, or every mistake at once."""

from fvcli.spec.document import Document, parse_document
from fvcli.spec.mistakes.problems import Problem, SpecError, did_you_mean
from fvcli.spec.schema import Spec
from fvcli.spec.validate import json_schema, validate

__all__ = [
    "Document",
    "Problem",
    "Spec",
    "SpecError",
    "did_you_mean",
    "json_schema",
    "parse_document",
    "validate",
]
