"""`dragoman audit …`: the log's questions, proofs and exports on the command line.

Exit codes: 0 holds, 1 does not hold, 2 wrong use. Nothing is ever printed that is not in the log.
"""

import typer

from audit.commands import ask as cli_ask
from audit.commands import migrate as cli_migrate
from audit.commands import prove as cli_prove
from audit.commands import report as cli_report

app = typer.Typer(
    name="audit",
    help="Ask, verify and export the audit log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for _commands in (cli_ask.COMMANDS, cli_report.COMMANDS, cli_prove.COMMANDS, cli_migrate.COMMANDS):
    for _name, (_run, _example) in _commands.items():
        app.command(_name, epilog=f"Example: {_example}")(_run)
