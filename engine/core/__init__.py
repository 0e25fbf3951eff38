"""The foundation of all other packages: errors, settings, the workspace on disk, atomic writes, progress."""
