"""The fenced blocks of a guide, as its reader would copy them."""

from __future__ import annotations

import re


def blocks(guide: str, language: str) -> list[str]:
    """Return the contents of the fenced blocks of a language, in order."""
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", guide, flags=re.MULTILINE | re.DOTALL)
