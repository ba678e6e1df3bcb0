"""What makes a folder of pages a static Space of the Hub, or pages of GitHub."""

from __future__ import annotations

import yaml

FRONT = {
    "title": "molmix-bench leaderboard",
    "emoji": "📊",
    "colorFrom": "blue",
    "colorTo": "green",
    "sdk": "static",
    "app_file": "index.html",
    "pinned": False,
    "short_description": "Models of mixed molecular datasets, ranked",
    "tags": ["leaderboard", "chemistry", "molecules"],
}
"""Keys of the Hub's configuration of Spaces; a short description has at most 60 characters there."""


def space_files() -> dict[str, str]:
    """Returns `README.md` with the front matter that the Hub reads, and the mark that GitHub's pages want."""
    front = yaml.safe_dump(FRONT, sort_keys=False, allow_unicode=True)
    text = (
        "Static pages, made by `python -m leaderboard render` of molmix-bench; the same submissions give the same "
        "bytes. Do not edit them here: the next render replaces them.\n"
    )
    return {"README.md": f"---\n{front}---\n\n# {FRONT['title']}\n\n{text}", ".nojekyll": ""}
