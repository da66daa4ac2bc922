"""URLs and the passwords in them."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """Return a URL as people may see it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def credentials(url: str) -> tuple[str, str] | None:
    """Return user and password of a URL, in clear; None when it has none."""
    before, at, _ = urlsplit(url).netloc.rpartition("@")
    if not at:
        return None
    user, _, password = before.partition(":")
    return unquote(user), unquote(password)


def with_credentials(url: str, user: str, password: str) -> str:
    """Put user and password into a URL that has none; one that has its own keeps it."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"))
