"""A new kind of event has a weight, and a shop's events are counted by it."""

from engine.core.settings import Settings

assert Settings().interactions.event_weights["compare"] == 2.0
