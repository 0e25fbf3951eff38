"""Who may do what, who does it, and the record of it."""
