"""The processes of one machine where there are several: supervisor, door workers, ledger writer, detection, console.

They talk over Unix sockets in a folder for their owner alone (`channel`), and the supervisor tells each what to do over
its standard input (`child`). Nothing is decided here; what each process does is in the rooms that it composes.
"""
