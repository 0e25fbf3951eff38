from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from tools.audit import NOT_CHECKED, ROOT, check_pins, check_secrets, check_vulnerabilities


def lists(root: Path, lock: str, wanted: str) -> Path:
    others = {"requirements-dev.txt": "", "requirements-spark.txt": ""}
    for name, text in {"requirements.lock": lock, "requirements.txt": wanted, **others}.items():
        (root / name).write_text(text)
    return root


def test_what_is_pinned_here_fits() -> None:
    assert check_pins(ROOT) == []


@pytest.mark.parametrize(
    ("lock", "wanted", "said"),
    [
        ("one==1.0\n", "one==1.0\n", []),
        ("one==1.0\nelsewhere==2\n", "one==1.0; sys_platform == 'linux'\n", []),
        ("one==1.0\n", "one>=1.0\n", ["one>=1.0 is not pinned"]),
        ("one==1.0\n", "one==1.1\n", ["requirements.lock has 1.0"]),
        ("one==1.0\n", "two==1.0\n", ["requirements.lock has nothing"]),
        ("one==2.0\n", "", ["1.0 is installed, 2.0 is pinned"]),
    ],
)
def test_pins_that_do_not_fit_are_named(tmp_path: Path, lock: str, wanted: str, said: list[str]) -> None:
    def installed(name: str) -> str:
        if name != "one":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    found = check_pins(lists(tmp_path, lock, wanted), installed)
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("pass", []),
        (
            "sys.stderr.write('Found 1 known vulnerability in 1 package'); print('one 1.0 PYSEC-1'); sys.exit(1)",
            ["one 1.0 PYSEC-1"],
        ),
        ("sys.stderr.write('ConnectionError: refused'); sys.exit(1)", [NOT_CHECKED]),
        ("sys.exit(1)", [NOT_CHECKED]),
    ],
    ids=["none", "one", "unreachable", "silent"],
)
def test_what_could_not_be_checked_is_not_called_well(script: str, found: list[str]) -> None:
    said = check_vulnerabilities([sys.executable, "-c", f"import sys; {script}"])
    assert len(said) == len(found)
    assert all(line.startswith(begin) for line, begin in zip(said, found, strict=True))


def test_without_pip_audit_nothing_was_checked() -> None:
    assert check_vulnerabilities(["/nowhere/pip-audit"])[0].startswith(NOT_CHECKED)


def test_secrets_are_found_by_name_and_by_content(tmp_path: Path) -> None:
    files = {
        "key.txt": "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "A" * 64,
        "notes.md": "AKIA" + "ABCDEFGHIJKLMNOP",
        "plain.md": "-----BEGIN PRIVATE KEY----- is how keys begin",
        "secrets.toml": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert check_secrets(tmp_path, files) == [
        "key.txt holds what looks like a private key",
        "notes.md holds what looks like an access key of AWS",
        "secrets.toml is named like a secret",
    ]
