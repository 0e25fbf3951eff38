"""What happened that people should hear about: read off the audit and the runs, shown behind the bell of every page."""
