"""The new encoder is one that every training fits; `tests/test_extending.py` trains and serves it."""

from engine.models.encoders.registry import MODALITIES

assert len(MODALITIES) == 4
