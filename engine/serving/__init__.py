"""What the shop shows: one release with everything people did to it since, for pages, commands and Python alike."""
