"""Whose token of the Hub this is, as the Hub itself says. Its answer is believed only where it can be one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import requests

from leaderboard.store.refusals import RefusalError
from leaderboard.store.users import USER_NAME
from molmix_bench.errors import UsageError
from molmix_bench.submissions.bearer import Bearer, keeps_secrets

HUB_TOKEN = re.compile(r"hf_[A-Za-z0-9-]{1,200}")
OFFICIAL = "https://huggingface.co"
_WHOAMI = "/api/whoami-v2"
_MAX_ANSWER_BYTES = 256 << 10
_TIMEOUT_S = 5.0
_TOTAL_S = 10.0
_OK, _REFUSED = 200, (401, 403)


def check_endpoint(endpoint: str) -> str:
    """Returns the address of a Hub without its last slash.

    Raises:
        UsageError: tokens would go there unencrypted, or it is no address.
    """
    if not keeps_secrets(endpoint):
        expected = "https://HOST, or http:// on this machine: users' tokens are sent there"
        raise UsageError("HF_ENDPOINT", found=f"{endpoint!r:.200}", expected=expected)
    return endpoint.rstrip("/")


def ask_hub(endpoint: str, token: str) -> str:
    """Returns the name of the user whose token this is.

    Raises:
        RefusalError: the Hub does not know it, does not answer, or answers what no Hub does.
    """
    address = endpoint + _WHOAMI
    try:
        # No redirect is followed: the token is for this host alone.
        with requests.get(
            address, auth=Bearer(token), timeout=_TIMEOUT_S, allow_redirects=False, stream=True
        ) as answer:
            if answer.status_code in _REFUSED:
                raise RefusalError(401, "the Hub does not know this token: make one in your settings there")
            if answer.status_code != _OK:
                raise _odd(f"status {answer.status_code}")
            body = b"".join(_limited(answer))
    except requests.RequestException as error:
        text = f"the Hub could not be asked whose token this is ({type(error).__name__}): try again later"
        raise RefusalError(503, text, after_s=10) from None
    return _name_in(body)


def _limited(answer: requests.Response) -> Iterator[bytes]:
    end, size = time.monotonic() + _TOTAL_S, 0
    for block in answer.iter_content(16 << 10):
        size += len(block)
        if size > _MAX_ANSWER_BYTES:
            raise _odd(f"over {_MAX_ANSWER_BYTES:,} bytes")
        if time.monotonic() > end:
            raise _odd(f"no end in {_TOTAL_S:g} s")
        yield block


def _name_in(body: bytes) -> str:
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise _odd("no JSON") from None
    # A token of an organisation or an application stands for no person.
    if not isinstance(data, dict) or data.get("type") != "user":
        raise _odd("not about a user")
    name = data.get("name")
    if not isinstance(name, str) or USER_NAME.fullmatch(name) is None:
        raise _odd("no name of a user")
    return name


def _odd(found: str) -> RefusalError:
    return RefusalError(502, f"the Hub's answer to whose token this is cannot be used ({found}): try again later")
