"""Reading a shop's own files into a snapshot: formats, columns, checks, and the report of what was refused."""
