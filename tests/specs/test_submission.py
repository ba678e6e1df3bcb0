"""Tests of what `submission.yaml` may say."""

from __future__ import annotations

import json
import re

import pytest

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.submission import Line, Orcid, SubmissionSpec, read_submission, submission_schema
from tests.submissions.honest import facts_of

MIX = {"name": "minimix", "version": "1.1.0", "build_key": None, "datasets": ["mini_alerts"]}
FACTS = facts_of(MIX, splits=["test"], seeds=[0])


def _refused(tmp_path, message, **changes):
    path = tmp_path / "submission.yaml"
    path.write_text(json.dumps(FACTS | changes), encoding="utf-8")
    with pytest.raises(SpecError, match=re.escape(message)):
        read_submission(path)


def test_a_submission_is_read(tmp_path):
    """Every key; energy may be left out."""
    path = tmp_path / "submission.yaml"
    path.write_text(json.dumps(FACTS), encoding="utf-8")
    spec = read_submission(path)
    assert spec.energy_kwh is None
    assert spec.model_dump(mode="json") == FACTS | {
        "energy_kwh": None,
        "training_data": {"mixes": [MIX], "external_data": []},
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modle": "x"}, "key 'modle' is unknown (did you mean 'model'?)"),
        ({"seeds": []}, "key 'seeds'"),
        ({"seeds": [1, 1]}, "seeds, splits or datasets repeat"),
        ({"seeds": list(range(21))}, "key 'seeds': Tuple should have at most 20 items"),
        ({"predicts": MIX | {"splits": ["validation"]}}, "predicts.splits has to name test"),
        ({"predicts": MIX | {"splits": ["test", "train"]}}, "cannot name train"),
        ({"code": {"url": "file:///etc/passwd", "commit": "0" * 40}}, "key 'code.url'"),
        ({"code": {"url": "https://example.org", "commit": "0" * 7}}, "key 'code.commit'"),
        ({"contact": "nobody"}, "key 'contact'"),
        ({"contact": "FILL IN: a mail address"}, "key 'contact': still to be filled in"),
        ({"hours": float("inf")}, "key 'hours'"),
        ({"hours": 1e300}, "key 'hours'"),
        ({"parameters": 0}, "key 'parameters'"),
        ({"parameters": 10**16}, "key 'parameters'"),
        ({"hardware": "a\u202eb"}, "characters that do not print"),
        ({"training_data": {"mixes": [MIX]}}, "key 'training_data.external_data' is missing"),
    ],
)
def test_wrong_values_are_named(tmp_path, changes, message):
    """By their key."""
    _refused(tmp_path, message, **changes)


@pytest.mark.parametrize("orcid", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"])
def test_orcids_of_orcids_own_documentation_are_taken(orcid):
    """The three examples of its page on the structure of the identifier."""
    from pydantic import TypeAdapter

    assert TypeAdapter(Orcid).validate_python(orcid) == orcid


def test_a_mistyped_orcid_is_refused(tmp_path):
    """Two digits that changed places."""
    _refused(tmp_path, "would be", authors=[{"name": "A", "orcid": "0000-0002-1852-0097"}])


@pytest.mark.parametrize("text", ["a\nb", " a", "a\u200bb", "a\u00a0b", "", "a" * 201, "FILL IN", "  FILL IN: x"])
def test_a_line_is_what_it_looks_like(text):
    """No control characters, invisible or turning ones, spaces around it, and a length that a table can show."""
    from pydantic import TypeAdapter, ValidationError

    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(text)


def test_a_missing_file_is_a_matter_of_usage(tmp_path):
    """Too large a one of the file."""
    with pytest.raises(UsageError, match="no such file"):
        read_submission(tmp_path / "submission.yaml")
    _refused(tmp_path, "bytes; expected at most 65,536", command="a" * (1 << 16))


def test_the_schema_is_that_of_the_model():
    """Every key of the model, those that have to be there, and nothing besides."""
    schema = submission_schema()
    assert set(schema["properties"]) == set(SubmissionSpec.model_fields)
    assert set(schema["properties"]) - set(schema["required"]) == {"energy_kwh"}
    assert schema["additionalProperties"] is False
    assert schema["properties"]["seeds"]["maxItems"] == 20
    json.dumps(schema)
