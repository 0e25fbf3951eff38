"""An event of the new kind counts by its weight."""

from engine.core.settings import Settings

assert Settings().interactions.event_weights["wishlist"] == 2.0
