"""Files that are damaged in a thousand ways: each is accepted right, or refused by an error that names it.

Each module holds a valid file, how it is damaged, what reads it, and a table of shapes that matter: those are tried
every time, ten thousand new ones by `make soak`.
"""
