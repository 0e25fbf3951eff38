"""What docs/operations.md tells people to run: the container's steps, taken without a builder; the unit; the proxies.

The last stage of Containerfile is assembled as it says in a folder of its own, and its command runs as its user: as root on
most machines that test, with no right but to read. So nothing can be written outside the workspace, as in a container whose root is
read-only.
"""

from __future__ import annotations

import fnmatch
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser

from engine.core.workspace import Workspace
from tests.conftest import REPOSITORY, skip_or_fail
from tests.support.tiny_release import build_tiny_release

CONTAINERFILE = REPOSITORY / "Containerfile"
DEPLOY = REPOSITORY / "deploy"
VENV = Path(sys.prefix)
# What the last stage takes from the stage before, and what stands for it here.
BUILT = {"/opt/longtail": VENV}


def stages() -> list[list[dict[str, str]]]:
    """The instructions of each stage, as {"instruction", "value"}; those before the first stage are left out."""
    parser = DockerfileParser(fileobj=io.BytesIO(CONTAINERFILE.read_bytes()))
    found: list[list[dict[str, str]]] = []
    for step in parser.structure:
        if step["instruction"] == "FROM":
            found.append([])
        elif found and step["instruction"] != "COMMENT":
            found[-1].append(step)
    return found


def values(stage: list[dict[str, str]], instruction: str) -> list[str]:
    return [step["value"] for step in stage if step["instruction"] == instruction]


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out: the last rule that fits decides."""
    out = False
    for rule in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines():
        pattern = rule.lstrip("!").removeprefix("**/")
        parts = [path, *map(str, list(Path(path).parents)[:-1])]
        if (
            rule
            and not rule.startswith("#")
            and any(
                fnmatch.fnmatch(part, pattern) or (rule.startswith("**/") and fnmatch.fnmatch(Path(part).name, pattern))
                for part in parts
            )
        ):
            out = not rule.startswith("!")
    return out


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_base_is_pinned_and_the_last_stage_builds_nothing_and_is_nobody() -> None:
    text = CONTAINERFILE.read_text("utf-8")
    assert re.search(r"^ARG BASE=\S+/python:3\.11\.\d+-slim-\w+", text, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    last = stages()[-1]
    assert values(last, "RUN") == []
    assert values(last, "USER") == ["10001:10001"]
    assert values(last, "VOLUME") == ["/workspace"]


def test_the_build_installs_what_make_install_does_with_packages_that_debian_has() -> None:
    build = stages()[0]
    (compilers,) = [value for value in values(build, "RUN") if value.startswith("apt-get")]
    packages = compilers.rpartition("install ")[2].split()
    simulated = subprocess.run(["apt-get", "install", "--simulate", *packages], capture_output=True, text=True)
    assert simulated.returncode == 0, simulated.stderr
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    flags = re.search(r"ANNOY_COMPILER_ARGS \?= (\S+)", makefile)
    assert flags is not None
    assert f'ANNOY_COMPILER_ARGS="{flags[1]}"' in values(build, "ENV")


def test_the_pins_of_the_build_fit_together() -> None:
    (line,) = [value for value in values(stages()[0], "RUN") if "pip install" in value]
    words = line.replace("/build/", f"{REPOSITORY}/").split()[1:]
    at = words.index("--extra-index-url")
    del words[at : at + 2]
    done = subprocess.run(
        [VENV / "bin" / "pip", *words, "--dry-run", "--no-index", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


def test_nothing_but_what_is_copied_reaches_the_builder() -> None:
    copied = {source for stage in stages() for source in copies(stage, taken=False)}
    sent = {path.partition("/")[0] for path in tracked() if not ignored(path)}
    assert sent == {source.partition("/")[0] for source in copied}
    for secret in (
        ".streamlit/secrets.toml",
        "workspace/settings.toml",
        ".git/config",
        ".venv/bin/pip",
        "ui/__pycache__/x.pyc",
    ):
        assert ignored(secret), secret
    assert not ignored("engine/ingest/presets/movielens.toml")


def copies(stage: list[dict[str, str]], *, taken: bool) -> dict[str, str]:
    """Source -> target of what a stage copies from the checkout, or with `taken` from another stage."""
    found = {}
    for value in values(stage, "COPY"):
        *sources, target = [word for word in value.split() if not word.startswith("--")]
        if value.startswith("--from") is taken:
            found |= dict.fromkeys(sources, target)
    return found


def assemble(image: Path, stage: list[dict[str, str]]) -> None:
    """Make the files of the last stage under `image`; what was built is linked to."""
    for source, target in copies(stage, taken=False).items():
        goal = image / target.strip("/")
        chosen = [path for path in tracked() if path == source or path.startswith(f"{source}/")]
        assert chosen, f"{source} is not there"
        for path in chosen:
            if not ignored(path):
                place = goal / Path(path).relative_to(source) if (REPOSITORY / source).is_dir() else goal / path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / path, place)
    for source, target in copies(stage, taken=True).items():
        if source in BUILT:
            (image / target.strip("/")).parent.mkdir(parents=True, exist_ok=True)
            (image / target.strip("/")).symlink_to(BUILT[source])


@contextmanager
def running(image: Path, workspace: Path, log: Path, settings: dict[str, str], port: int) -> Iterator[Any]:
    """The last stage's command as its user, and a function that runs another command there."""
    stage = stages()[-1]
    user = values(stage, "USER")[0].partition(":")[0]
    places = {"/opt/longtail": str(image / "opt/longtail"), "/workspace": str(workspace), "/app": str(image / "app")}
    environment = {"TMPDIR": str(workspace.parent / "tmp"), **settings}
    for value in values(stage, "ENV"):
        environment |= dict(word.split("=", 1) for word in value.split())

    def here(text: str) -> str:
        for inside, outside in places.items():
            text = re.sub(rf"(?<![\w/]){inside}\b", outside, text)
        return text.replace("8501", str(port))

    def run(command: list[str], **more: Any) -> subprocess.Popen[str]:
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
        if os.getuid() == 0:  # the interpreter may lie in root's own folder
            drop += ["--inh-caps", "-all,+dac_read_search", "--ambient-caps", "-all,+dac_read_search"]
        return subprocess.Popen(
            [*(drop if os.getuid() == 0 else []), *map(here, command)],
            cwd=here(values(stage, "WORKDIR")[0]),
            env={name: here(value) for name, value in environment.items()},
            text=True,
            **more,
        )

    with log.open("w") as stream:
        server = run(json.loads(values(stage, "CMD")[0]), stdout=stream, stderr=stream)
    try:
        yield server, run
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files of the last stage, which nobody may write, and a workspace of its user."""
    user = int(values(stages()[-1], "USER")[0].partition(":")[0]) if os.getuid() == 0 else os.getuid()
    folder = tmp_path / "image"
    assemble(folder, stages()[-1])
    build_tiny_release(Workspace(tmp_path / "workspace"), 72)
    (tmp_path / "tmp").mkdir()
    for top in (tmp_path / "workspace", tmp_path / "tmp"):
        for path in (top, *top.rglob("*")):
            os.chown(path, user, user if os.getuid() == 0 else -1)
    for outer in tmp_path.parents:  # pytest's folders are its user's alone
        if outer.is_relative_to(tempfile.gettempdir()) and outer != Path(tempfile.gettempdir()):
            outer.chmod(0o755)
    tmp_path.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def test_the_container_does_not_open_to_strangers_by_itself(image: Path, tmp_path: Path) -> None:
    with running(image, tmp_path / "workspace", tmp_path / "log", {}, free_port()) as (server, _):
        assert server.wait(60) != 0
    assert "Longtail does not start: nobody signs in" in (tmp_path / "log").read_text("utf-8")


def test_the_container_runs_as_nobody_on_a_read_only_root_and_stops_when_told(image: Path, tmp_path: Path) -> None:
    before = snapshot(image)
    sign_in = {"LONGTAIL_AUTH__HEADER": "X-Forwarded-User", "LONGTAIL_AUTH__HEADER_SECRET": "a secret of enough length"}
    with running(image, tmp_path / "workspace", tmp_path / "log", sign_in, free_port()) as (server, run):
        health = values(stages()[-1], "HEALTHCHECK")[0]
        asks = json.loads(health[health.index("[") :])
        deadline = time.monotonic() + 90
        while run(asks, stderr=subprocess.DEVNULL).wait() != 0:
            assert server.poll() is None, (tmp_path / "log").read_text("utf-8")[-3000:]
            assert time.monotonic() < deadline
        ready = run(["python", "-c", READY], stdout=subprocess.PIPE)
        assert '"release":"ok"' in ready.communicate(timeout=60)[0], (tmp_path / "log").read_text("utf-8")[-3000:]
        inside = run(["python", "-m", "engine", "check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert "failed" not in inside.communicate(timeout=60)[0]
        writes = run(["python", "-c", "open('/app/new', 'w')"], stderr=subprocess.PIPE)
        assert "Permission denied" in writes.communicate(timeout=60)[1] or os.getuid() != 0
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM)
    said = (tmp_path / "log").read_text("utf-8")
    assert "Traceback" not in said, said[-3000:]
    assert snapshot(image) == before
    assert (tmp_path / "workspace" / "logs" / "longtail.jsonl").is_file()


READY = """
import time, urllib.error, urllib.request
for _ in range(30):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8501/health/ready", timeout=5).read().decode())
        break
    except urllib.error.HTTPError as exc:
        print(exc.read().decode())
        time.sleep(0.5)
"""


def snapshot(folder: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in folder.rglob("*")}


def needs(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin")
    if found is None:
        skip_or_fail(f"no {program}; install it from Debian")
    return str(found)


def test_the_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    program = needs("systemd-analyze")
    unit = tmp_path / "longtail.service"
    text = (DEPLOY / "longtail.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/longtail/.venv/bin/streamlit", "/bin/true").replace("/opt/longtail", "/tmp"))
    verified = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True)
    assert (verified.returncode, [line for line in verified.stderr.splitlines() if "longtail" in line]) == (0, [])
    rated = subprocess.run(
        [program, "security", "--offline=yes", "--threshold=25", "--no-pager", unit], capture_output=True, text=True
    )
    assert rated.returncode == 0, rated.stdout[-600:] + rated.stderr


def test_the_proxy_in_front_is_valid(tmp_path: Path) -> None:
    nginx = needs("nginx")
    keys = ["-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"]
    subprocess.run(
        [needs("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=longtail.example.com", *keys],
        capture_output=True,
        check=True,
    )
    site = (DEPLOY / "nginx.conf").read_text("utf-8").replace("/etc/ssl/longtail", str(tmp_path))
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}"
    )
    done = subprocess.run([nginx, "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_every_limit_that_two_places_name_is_the_same() -> None:
    config = (REPOSITORY / ".streamlit" / "config.toml").read_text("utf-8")
    size = re.search(r"maxUploadSize = (\d+)", config)
    assert size is not None
    assert f"client_max_body_size {size[1]}m;" in (DEPLOY / "nginx.conf").read_text("utf-8")
    assert f"max_size {size[1]}MB" in (DEPLOY / "Caddyfile").read_text("utf-8")
