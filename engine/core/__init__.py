"""What everything else stands on: errors, settings, the workspace on disk, atomic writes, progress."""
