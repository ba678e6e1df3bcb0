"""Tests of reading YAML into specs."""

from __future__ import annotations

import pytest

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.base import (
    MAX_SPEC_BYTES,
    Spec,
    apply_overrides,
    content_digest,
    parse_yaml,
    read_yaml,
    validate_spec,
)
from molmix_bench.specs.baselines import find_baseline
from molmix_bench.specs.run import RunSpec


class Inner(Spec):
    """A spec within a spec."""

    epochs: int = 1
    rate: float = 0.1


class Outer(Spec):
    """A spec."""

    name: str
    inner: Inner = Inner()
    several: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}  # noqa: RUF012 - pydantic copies it


def test_unknown_key_names_the_nearest():
    """A misspelt key is named with its place and the nearest known one."""
    with pytest.raises(SpecError) as error:
        validate_spec(Outer, {"name": "x", "inner": {"epoch": 3}}, where="run.yaml")
    assert "run.yaml: key 'inner.epoch' is unknown (did you mean 'epochs'?); known here: epochs, rate" in str(
        error.value
    )


def test_unknown_key_in_lists_and_mappings():
    """The known keys are those of the model at that place, through tuples and mappings."""
    data = {"name": "x", "several": [{"rates": 1}], "named": {"a": {"epoche": 2}}}
    with pytest.raises(SpecError) as error:
        validate_spec(Outer, data, where="f")
    assert "'several.0.rates' is unknown (did you mean 'rate'?)" in str(error.value)
    assert "'named.a.epoche' is unknown (did you mean 'epochs'?)" in str(error.value)


def test_all_problems_are_named_at_once():
    """Missing and wrong keys come in one error."""
    with pytest.raises(SpecError) as error:
        validate_spec(Outer, {"inner": {"epochs": "many"}}, where="f")
    assert "key 'name' is missing" in str(error.value)
    assert "key 'inner.epochs'" in str(error.value)
    assert "(got 'many')" in str(error.value)


@pytest.mark.parametrize(
    ("seeds", "what"),
    [
        ([], "key 'training.seeds': found no values, expected at least 1"),
        (["x"], r"key 'training.seeds.0': [^;]* \(got 'x'\)"),
    ],
)
def test_a_list_that_is_too_short_is_told_once(seeds, what):
    """By how many values it has; where its values are what is wrong, they alone are named."""
    data = read_yaml(find_baseline("gine"))
    data["training"]["seeds"] = seeds
    with pytest.raises(SpecError, match=rf"^f: {what}; correct the file$"):
        validate_spec(RunSpec, data, where="f")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\na: 2", "key 'a' appears twice"),
        ("a: &x [1]\nb: *x", "aliases (*name) are not allowed"),
        ("- 1", "found list at the top"),
        ("a: [1", "no readable YAML"),
        ("1: x", "key 1 is not text"),
        ("a: !!python/object/apply:os.system [ls]", "no readable YAML"),
        ("a: !!timestamp x", "tags ('tag:yaml.org,2002:timestamp') are not allowed"),
        ("a: " + "9" * 6_000, "4300 digits"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper"),
        ("", "found an empty file; expected `key: value` lines"),
        ("# nothing yet\n", "found an empty file"),
    ],
)
def test_hostile_or_broken_yaml(text, what):
    """Duplicate keys, aliases, tags, depth and syntax errors are refused with their reason."""
    with pytest.raises(SpecError) as error:
        parse_yaml(text, where="f.yaml")
    assert what in str(error.value)
    assert str(error.value).startswith("f.yaml: ")


def test_large_yaml_is_refused_unread(tmp_path):
    """The size cap holds before reading."""
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (MAX_SPEC_BYTES + 1))
    with pytest.raises(SpecError, match="1,048,577 bytes"):
        read_yaml(path)


def test_missing_and_binary_files(tmp_path):
    """A missing file is a usage error; one that is no text says so."""
    with pytest.raises(UsageError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="no UTF-8"):
        read_yaml(path)


def test_dates_times_and_codes_stay_text():
    """YAML's implicit dates, sexagesimal and octal numbers are left as written; a plain exponent is a number."""
    text = "{date: 2024-01-01, time: 1:30, code: 010, hex: 0x1f, small: 1e-3, many: 1_000, half: .5, none: .nan}"
    found = parse_yaml(text, where="f")
    assert str(found.pop("none")) == "nan"
    assert found == {
        "date": "2024-01-01",
        "time": "1:30",
        "code": "010",
        "hex": "0x1f",
        "small": 0.001,
        "many": 1000,
        "half": 0.5,
    }


def test_many_problems_are_counted():
    """Twenty are told, and how many more there are."""
    with pytest.raises(SpecError, match=r"key 'k19' is unknown.*; and 480 more"):
        validate_spec(Outer, {"name": "x"} | {f"k{index}": 1 for index in range(500)}, where="f")


def test_overrides():
    """Settings reach nested keys, are read as YAML, and leave the original alone."""
    data = {"a": {"b": 1}, "c": [1]}
    result = apply_overrides(data, ["a.b=2", "a.d=[x, y]", "c=null"], where="--set")
    assert result == {"a": {"b": 2, "d": ["x", "y"]}, "c": None}
    assert data == {"a": {"b": 1}, "c": [1]}


@pytest.mark.parametrize("setting", ["a", "=1", "a.b.c=1", "a.b=[1"])
def test_bad_overrides(setting):
    """A setting without a key, without a value, through a value, or with a value that is no YAML is refused."""
    with pytest.raises(UsageError):
        apply_overrides({"a": {"b": 1}}, [setting], where="--set")


def test_digest_follows_content():
    """Equal specs have equal digests; any change shows."""
    one = Outer(name="x", inner=Inner(epochs=2))
    assert content_digest(one) == content_digest(Outer.model_validate(one.model_dump()))
    assert content_digest(one) != content_digest(one.model_copy(update={"name": "y"}))
