"""The command line, `python -m engine`: arguments, what is printed, and one module per group of commands."""
