"""Tables that are not one row per product or event become so: variants folded, orders unnested, properties turned, files joined.

Every function takes a staged table and gives another one, with the row numbers of the file.
"""
