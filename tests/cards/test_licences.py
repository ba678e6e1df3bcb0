"""Tests of the licence of a mix."""

from __future__ import annotations

import pytest

from molmix_bench.cards.licences import CONDITIONS, OTHER, hub_licence, licence_url, strictest


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["CC0-1.0"], "CC0-1.0"),
        (["CC0-1.0", "MIT"], "MIT"),
        (["MIT", "Apache-2.0"], "Apache-2.0"),
        (["CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-4.0"], "CC-BY-SA-4.0"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
        (["LicenseRef-US-Government-Works", "CC-BY-4.0"], "CC-BY-4.0"),
        (["CC-BY-NC-4.0", "MIT"], "CC-BY-NC-4.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], OTHER),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], OTHER),
        (["CC-BY-SA-4.0", "ODbL-1.0"], OTHER),
        (["CC-BY-ND-4.0", "MIT"], OTHER),
        (["CC-BY-ND-4.0"], "CC-BY-ND-4.0"),
        (["CC-BY-4.0", "LicenseRef-PubChem"], OTHER),
        (["<b>"], OTHER),
    ],
)
def test_strictest(licences, expected):
    """The answer asks all that any source asks, in either order; where no licence does, it is `other`."""
    assert strictest(licences) == expected
    assert strictest(licences[::-1]) == expected


def test_names_and_addresses():
    """The Hub's names are lower case, and only licences of SPDX have an address."""
    assert hub_licence("CC-BY-4.0") == "cc-by-4.0"
    assert hub_licence(OTHER) == OTHER
    assert licence_url("MIT") == "https://spdx.org/licenses/MIT.html"
    assert licence_url("LicenseRef-US-Government-Works") is None
    assert all(name == name.strip() for name in CONDITIONS)
