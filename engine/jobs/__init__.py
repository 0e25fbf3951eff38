"""Runs: training and loading in a child process that a page starts, watches and cancels.

A run is a directory `runs/<id>/` with status.json, written by the run itself, and log.txt with everything it printed.
One run at a time holds the workspace's lease.
"""

from engine.jobs.control import Kind, cancel_run, start_run, upload_folder
from engine.jobs.recording import NEEDED_FOR, sweep_folders
from engine.jobs.status import RunStatus, StepStatus, active_run, latest_runs, list_runs, run_log, run_status

__all__ = [
    "NEEDED_FOR",
    "Kind",
    "RunStatus",
    "StepStatus",
    "active_run",
    "cancel_run",
    "latest_runs",
    "list_runs",
    "run_log",
    "run_status",
    "start_run",
    "sweep_folders",
    "upload_folder",
]
