"""`make audit`: whether pins fit, licences may be used, packages have known vulnerabilities, and nothing secret is in the repository.

Hashes are not pinned: annoy ships no wheel and is compiled where it is installed, and torch is another file on each platform and
in each index, so no one file of hashes would serve all of them. `requirements.lock` pins every version.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

__all__ = ["NOT_CHECKED", "check_licences", "check_pins", "check_secrets", "check_vulnerabilities", "main"]

ROOT = Path(__file__).resolve().parent.parent
NOT_CHECKED = "NOT CHECKED"
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-spark.txt")
PATIENCE = 300.0  # seconds for an advisory source
_SECRETS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"),
    "an access key of AWS": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "a token of Slack": re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
}
_SECRET_FILES = re.compile(r"(?:^|/)(?:secrets\.toml|\.env|id_(?:rsa|ed25519)|[^/]+\.(?:pem|p12|key))$")


def main() -> int:
    """Print what each check found; 1 where one found something, else 0. What could not be checked is said, and fails nothing."""
    checks: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("Pins", lambda: check_pins(ROOT)),
        ("Licences", check_licences),
        ("Known vulnerabilities", lambda: check_vulnerabilities([str(PIP_AUDIT)])),
        ("Secrets", lambda: check_secrets(ROOT, _tracked(ROOT))),
    )
    failed = False
    for name, check in checks:
        found = check()
        unchecked = bool(found) and found[0].startswith(NOT_CHECKED)
        failed |= bool(found) and not unchecked
        print(f"{name}: {'' if unchecked else 'FAILED' if found else 'ok'}".rstrip())
        for line in found:
            print(f"  {line}")
    print("Hashes: not pinned; tools/audit.py says why.")
    return int(failed)


def check_pins(root: Path, installed: Callable[[str], str] = metadata.version) -> list[str]:
    """What is not pinned to one version, pinned to two, or installed in another than the pinned one.

    Parameters
    ----------
    installed : name -> version; raises `PackageNotFoundError`.
    """
    found: list[str] = []
    locked: dict[NormalizedName, str] = {}
    for file in ("requirements.lock", *LISTS):
        for line in (root / file).read_text("utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            wanted = Requirement(line)
            pins = [one.version for one in wanted.specifier if one.operator == "=="]
            name = canonicalize_name(wanted.name)
            if len(pins) != 1 or len(list(wanted.specifier)) != 1:
                found.append(f"{file}: {line} is not pinned to one version (name==1.2.3)")
            elif file == "requirements.lock":
                locked[name] = pins[0]
            elif locked.get(name) != pins[0]:
                found.append(f"{file}: {line}, but requirements.lock has {locked.get(name, 'nothing')}")
    for name, version in locked.items():
        try:
            if installed(name).partition("+")[0] != version:  # torch+cpu is torch
                found.append(f"{name}: {installed(name)} is installed, {version} is pinned; run make install")
        except metadata.PackageNotFoundError:
            continue  # of another platform, or only for tests that run elsewhere
    return found


def check_licences() -> list[str]:
    """What `make licences` refuses."""
    done = subprocess.run([sys.executable, "-m", "tools.licences"], cwd=ROOT, capture_output=True, text=True)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()[-20:]


def check_vulnerabilities(program: Sequence[str]) -> list[str]:
    """Known vulnerabilities of what is pinned; a first line that begins with `NOT_CHECKED` where nobody could be asked.

    Parameters
    ----------
    program : pip-audit, and what else its command begins with.
    """
    command = [
        *program,
        "--requirement",
        str(ROOT / "requirements.lock"),
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as exc:
        return [
            f"{NOT_CHECKED}: pip-audit did not run ({type(exc).__name__}). Run make audit where the internet can be reached."
        ]
    if done.returncode == 0:
        return []
    if re.search(r"Found \d+ known vulnerabilit", done.stderr):
        return done.stdout.strip().splitlines()
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return [
        f"{NOT_CHECKED}: no advisory source could be reached ({said[:200]}). Run make audit where the internet can be reached."
    ]


def check_secrets(root: Path, files: Iterable[str]) -> list[str]:
    """Files of the repository that hold what looks like a secret, or that are named like one."""
    found = []
    for name in files:
        if _SECRET_FILES.search(name):
            found.append(f"{name} is named like a secret")
            continue
        content = (root / name).read_bytes()
        found += [
            f"{name} holds what looks like {what}" for what, pattern in _SECRETS.items() if pattern.search(content)
        ]
    return found


def _tracked(root: Path) -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (root / name).is_file()]


if __name__ == "__main__":
    sys.exit(main())
