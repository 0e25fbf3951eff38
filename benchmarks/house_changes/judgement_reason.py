"""The new reason is on the Review page and in the store."""

from engine.curation.votes import Reason

assert Reason("out_of_season").words == "out of season"
