"""A database's URL: read, filled in from the environment, shown without its password; and what it says when it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from engine.core.errors import InputError
from engine.core.settings import fill_in_variables

__all__ = ["display_name", "parse_url", "refusal"]

_SECRET = re.compile(r"pass|pwd|secret|token|key|credential|odbc", re.IGNORECASE)
# By words in what the database said; the first that fits is taken.
_SENTENCES = (
    (
        ("statement timeout", "maximum statement execution time", "interrupted", "canceling statement"),
        "the database stopped the query, which took too long. Ask for less, or raise its statement timeout",
    ),
    (
        ("password", "authentication", "access denied", "no pg_hba.conf entry"),
        "the database refused the user. Check the user's name, and the password in PGPASSWORD or in the URL as ${VARIABLE}",
    ),
    (
        ("could not translate host", "resolve host", "name or service not known", "getaddrinfo"),
        "no machine has this name. Check the host in the URL",
    ),
    (
        ("connection refused", "timeout expired", "timed out", "connection timeout", "connection failed", "is starting up"),
        "the database cannot be reached. Check that it runs, and the host and port in the URL",
    ),
    (
        ("server closed", "terminating connection", "connection is lost", "consuming input failed", "lost connection"),
        "the database ended the connection. Try again",
    ),
    (("unable to open database file",), "there is no such database file. Check the path in the URL"),
    (("not a database", "malformed"), "the file is no SQLite database, or is damaged. Check the path in the URL"),
    (("read-only", "readonly", "query_only"), "the query would change the database, which is opened for reading only"),
    (("permission denied",), "the database does not let this user read it. Grant SELECT"),
    (("does not exist", "no such table", "no such column", "syntax error"), "the database does not understand. Check the query"),
)  # fmt: skip


def parse_url(text: str) -> URL:
    """The URL, `postgres://` included, with the variables that it names as `${NAME}`.

    Raises `InputError` where it is none, and `SettingsError` for a variable that is not set; neither shows the URL, which
    may hold a password.
    """
    whole = re.fullmatch(r"\$\{\w+\}", text)
    scheme = text.partition("://")[0]
    try:
        url = make_url(re.sub(r"^postgres(?=://)", "postgresql", fill_in_variables(text) if whole else text))
        url.get_dialect()
    except NoSuchModuleError as exc:
        raise InputError(
            f"{scheme}:// is neither a database nor a store that Longtail knows. Name a file, s3://, gs:// or az://, or"
            " a database, e.g. postgresql://user@host/shop.",
            file=f"{scheme}://...",
        ) from exc
    except (ArgumentError, ValueError) as exc:
        raise InputError(
            "this is no database URL. It looks like postgresql://user@host:5432/shop or sqlite:////folder/shop.db.",
            file=f"{scheme}://...",
        ) from exc
    if "@" in (url.host or ""):
        raise InputError(
            "the password contains @, which ends it. Write it as %40, or leave the password in a variable: user:${NAME}@host.",
            file=f"{scheme}://...",
        )
    return url if whole else _filled_in(url)


def display_name(url: URL) -> str:
    """What to call the database: the path of a file, or the URL with neither password nor options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    shown = URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    return shown.render_as_string(hide_password=False)


def refusal(url: URL, said: str) -> str:
    """What the database said, as a sentence that tells what to do; passwords in it are masked."""
    first = next((line for line in said.strip().splitlines() if line.strip()), "no reason given")
    first = _masked(first.strip()[:300].rstrip("."), url)
    for words, sentence in _SENTENCES:
        if any(word in said.lower() for word in words):
            return f"{sentence} ({first})."
    return f"the database refused ({first})."


def _masked(text: str, url: URL) -> str:
    secrets = [str(url.password)] if url.password else []
    for name, values in url.query.items():
        if _SECRET.search(name):
            secrets += [values] if isinstance(values, str) else list(values)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _filled_in(url: URL) -> URL:
    """Each part by itself, so that a password may hold any character."""
    parts = {"username": url.username, "password": url.password, "host": url.host, "database": url.database}
    filled = {name: fill_in_variables(str(part)) for name, part in parts.items() if part is not None}
    return url.set(**filled, query=_filled_query(url.query))  # type: ignore[arg-type]


def _filled_query(query: Mapping[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
    return {
        name: fill_in_variables(value) if isinstance(value, str) else tuple(map(fill_in_variables, value))
        for name, value in query.items()
    }
