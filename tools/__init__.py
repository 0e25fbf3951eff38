"""Commands for people who work on Longtail; nothing here is imported when it runs."""
