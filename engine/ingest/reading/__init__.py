"""How a column is read: its form is decided once from all its values, with its name as a hint, and applied to all of them.

`numbers` and `times` decide how a column is written and give an object that reads it, in Python for the products and in
SQL for the events; `texts` and `lists` clean and divide texts; `kinds` tells which kind of attribute a column is.
"""
