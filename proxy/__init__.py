"""The stem: the only room with a network in it, and the only one that knows the three leaves.

`app` puts everything together, `gate` is the one path (`steps` what it does, `exchange` the states of a transfer),
`doors` are the ways in, `formats` and `framing` read what providers speak, `cli` is the command (`commands`).
"""
