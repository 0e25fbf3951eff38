from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from engine.core.logs import JsonLines, PlainLines, bound, configured_logging, new_error_number, process_wide
from engine.core.redaction import redact
from engine.core.settings_groups import LogSettings
from engine.core.workspace import Workspace
from tests.conftest import REPOSITORY

logger = logging.getLogger("engine.tests.logs")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def made(workspace: Workspace) -> Workspace:
    workspace.root.mkdir(parents=True)
    return workspace


def lines(workspace: Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in workspace.log_file.read_text("utf-8").splitlines()]


def test_a_line_says_when_what_and_for_whom(made: Workspace) -> None:
    number = new_error_number()
    with configured_logging(made, LogSettings(console="off"), more=lambda: {"session": "abcd"}):
        with process_wide(run_id="r1"), bound(request_id="q1"):
            try:
                raise ValueError("odd")
            except ValueError:
                logger.exception("in %s", "a page", extra={"error": number})
        logger.info("after")
    first, second = lines(made)
    assert first["time"].endswith("+00:00")
    assert first | {"time": "", "process": 0, "exception": first["exception"].splitlines()[-1]} == {
        "time": "",
        "level": "error",
        "logger": "engine.tests.logs",
        "message": "in a page",
        "request_id": "q1",
        "run_id": "r1",
        "session": "abcd",
        "error": number,
        "process": 0,
        "exception": "ValueError: odd",
    }
    assert set(second) == {"time", "level", "logger", "message", "session", "process"}


def test_facts_of_a_block_are_its_own_and_those_of_the_process_hold_in_every_thread(made: Workspace) -> None:
    with configured_logging(made, LogSettings(console="off")), process_wide(run_id="r1"), bound(request_id="q1"):
        thread = threading.Thread(target=logger.info, args=("elsewhere",))
        thread.start()
        thread.join()
    (line,) = lines(made)
    assert line["run_id"] == "r1"
    assert "request_id" not in line


def test_no_password_gets_into_any_form_of_the_log(made: Workspace) -> None:
    console = Terminal()
    with configured_logging(made, LogSettings(), stream=console), bound(actor="token=s3cret"):
        try:
            raise OSError("cannot reach postgresql://ann:s3cret@db/shop?password=s3cret")
        except OSError:
            logger.exception("opening %s", {"password": "s3cret", "url": "postgresql://a:p@s3cret@h/s"})
        logger.warning("Authorization: Bearer s3cret-s3cret")
    text = made.log_file.read_text("utf-8") + console.getvalue()
    assert "cannot reach postgresql://ann:***@db/shop?password=***" in text
    assert "s3cret" not in text


@pytest.mark.parametrize("said", ["a\nb", "\x1b[2J", "\ud800", "\x00", "\u2028", '"}\n{"level": "error"'], ids=ascii)
def test_what_a_stranger_wrote_is_one_line_and_steers_no_terminal(made: Workspace, said: str) -> None:
    console = Terminal()
    with configured_logging(made, LogSettings(), stream=console):
        logger.info("looked for %s", said)
    (line,) = lines_of(made.log_file.read_bytes())
    assert line["message"] == f"looked for {said}"
    assert len(console.getvalue().rstrip("\n").split("\n")) == 1
    assert "\x1b" not in console.getvalue()


def lines_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode("utf-8").rstrip("\n").split("\n")]


@pytest.mark.parametrize("unit", ["x", "a://", "token", "a://b@", "password=", " "])
def test_a_line_is_bounded_and_cheap_however_much_a_stranger_wrote(unit: str) -> None:
    record = logging.LogRecord("engine", logging.INFO, "", 0, unit * (2_000_000 // len(unit)), (), None)
    began = time.process_time()
    written = [form.format(record) for form in (JsonLines(), PlainLines())]
    redact(unit * (64_000 // len(unit)))
    assert time.process_time() - began < 2
    assert max(len(text) for text in written) < 20_000


def test_a_long_text_is_never_cut_inside_an_address() -> None:
    address = " postgresql://ann:s3cret@db/shop "
    for shift in range(len(address)):
        text = "x" * (3_985 - shift) + address + "y " * 4_000 + address + "z" * (3_985 - shift)
        record = logging.LogRecord("engine", logging.INFO, "", 0, text, (), None)
        assert "s3cret" not in JsonLines().format(record)


def test_a_terminal_hears_what_is_for_people_alone(made: Workspace) -> None:
    console = Terminal()
    with configured_logging(made, LogSettings(), stream=console):
        logger.info("opened")
        logging.getLogger("library").info("chatter")
        logging.getLogger("library").warning("look at this")
    said = [line[9:] for line in console.getvalue().splitlines()]
    assert said == ["opened", "warning: look at this"]
    assert [line["message"] for line in lines(made)] == ["opened", "look at this"]


def test_what_is_no_terminal_gets_json(made: Workspace) -> None:
    stream = io.StringIO()
    with configured_logging(made, LogSettings(file=False), stream=stream):
        logger.info("opened")
    assert json.loads(stream.getvalue())["message"] == "opened"
    assert not made.log_file.exists()


def test_the_level_is_kept(made: Workspace) -> None:
    with configured_logging(made, LogSettings(console="off", level="warning")):
        logger.info("less")
        logger.warning("enough")
    assert [line["message"] for line in lines(made)] == ["enough"]


def test_nothing_is_made_before_the_workspace_is(workspace: Workspace) -> None:
    with configured_logging(workspace, LogSettings(console="off")):
        logger.info("nobody hears this")
        assert not workspace.root.exists()
        workspace.root.mkdir(parents=True)
        logger.info("heard")
    assert [line["message"] for line in lines(workspace)] == ["heard"]
    assert workspace.log_file.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_fails_nobody_and_recovers(made: Workspace) -> None:
    folder = made.log_file.parent
    folder.write_text("in the way")
    with configured_logging(made, LogSettings(console="off")):
        logger.info("lost")
        folder.unlink()
        logger.info("found")
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        logger.info("again")
    assert [line["message"] for line in lines(made)] == ["again"]


def test_an_error_that_ends_a_thread_is_in_the_log(made: Workspace) -> None:
    def fail() -> None:
        raise ZeroDivisionError("in a thread")

    with configured_logging(made, LogSettings(console="off")):
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    (line,) = lines(made)
    assert line["message"] == "worker ended by an error"
    assert line["exception"].endswith("ZeroDivisionError: in a thread")


WRITER = """
import logging, resource, signal, sys
from pathlib import Path
from engine.core.logs import configured_logging
from engine.core.settings_groups import LogSettings
from engine.core.workspace import Workspace
workspace, who, count, full = Workspace(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "full"
if full:  # a disk without a free byte, as far as this process can tell
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
with configured_logging(workspace, LogSettings(console="off", max_megabytes=1, files=4)):
    for number in range(count):
        logging.getLogger(f"engine.{number}").info("%s %d %s", who, number, "x" * 2_000)
print("lived")
"""


def writer(workspace: Workspace, who: str, count: int, disk: str = "free") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(workspace.root), who, str(count), disk],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_processes_share_the_file_and_none_destroys_what_another_put_aside(made: Workspace) -> None:
    writers = [writer(made, who, 400) for who in "abc"]
    assert [one.communicate(timeout=60)[0] for one in writers] == ["lived\n"] * 3
    files = sorted(made.log_file.parent.glob("longtail.jsonl*"))
    assert len(files) == 3  # 3 x 400 lines of 2.1 KB in files of 1 MB
    assert all(file.stat().st_size <= 1_003_000 for file in files)
    said = [line["message"].split(" ")[:2] for file in files for line in lines_of(file.read_bytes())]
    assert sorted(said) == sorted([who, str(number)] for who in "abc" for number in range(400))


def test_a_full_disk_fails_nobody(made: Workspace) -> None:
    assert writer(made, "a", 20, "full").communicate(timeout=60)[0] == "lived\n"


def test_a_flood_stays_small_and_is_counted(made: Workspace) -> None:
    with configured_logging(made, LogSettings(console="off")):
        for number in range(5000):
            logger.warning("card %d is not known", number)
    assert len(lines(made)) == 20
