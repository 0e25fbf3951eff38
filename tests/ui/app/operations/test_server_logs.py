from __future__ import annotations

import json
import logging

from streamlit.logger import get_logger

from engine.core.workspace import Workspace
from ui.app.operations.server_logs import server_logs


def test_streamlits_and_the_servers_lines_go_to_our_log_alone(workspace: Workspace, monkeypatch, capfd) -> None:
    workspace.root.mkdir(parents=True)
    workspace.settings_file.write_text('[logs]\nconsole = "json"\n')
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    early = get_logger("streamlit.tests.early")
    with server_logs():
        get_logger("streamlit.tests.late").error("late postgresql://a:s3cret@h/s")
        early.error("early")
        logging.getLogger("uvicorn.error").error("served")
    early.error("without ours")
    said = [json.loads(line) for line in workspace.log_file.read_text("utf-8").splitlines()]
    assert [line["message"] for line in said] == ["late postgresql://a:***@h/s", "early", "served"]
    console = capfd.readouterr().err.splitlines()
    assert [json.loads(line)["message"] for line in console[:3]] == [line["message"] for line in said]
    assert console[3].endswith("without ours")


def test_settings_that_cannot_be_read_stop_no_log(workspace: Workspace, monkeypatch, capfd) -> None:
    workspace.root.mkdir(parents=True)
    workspace.settings_file.write_text("not TOML")
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    with server_logs():
        logging.getLogger("engine").warning("said")
    assert json.loads(workspace.log_file.read_text("utf-8"))["message"] == "said"
