"""The new channel is one of the hybrid's; `tests/test_extending.py` trains and serves it."""

from engine.arms.registry import channels

assert "toy" in channels()
