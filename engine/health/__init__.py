"""Whether this machine, workspace and database are fit to run Longtail, and what to do where they are not."""
