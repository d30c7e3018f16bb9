"""Exit codes: every error of the package ends a command with a readable line, never with a traceback."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import click

from convexnn.exceptions import ConvexNNError, DictionarySizeError, ParameterError

__all__ = ["Exit", "ExitCodes"]


class Exit(IntEnum):
    """What the exit status says."""

    CERTIFIED = 0
    USAGE = 2
    NOT_CERTIFIED = 3
    BAD_DATA = 4
    TOO_LARGE = 5
    INTERRUPTED = 130


def _code(error: ConvexNNError) -> Exit:
    if isinstance(error, DictionarySizeError):
        return Exit.TOO_LARGE
    if isinstance(error, ParameterError):
        return Exit.USAGE
    return Exit.BAD_DATA


class ExitCodes(click.Group):
    """A command group whose commands return an exit code and may raise errors of this package."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and leave with its code."""
        try:
            code = super().invoke(ctx)
        except ConvexNNError as error:
            click.echo(f"convexnn: {error}", err=True)
            code = _code(error)
        except KeyboardInterrupt:
            click.echo("convexnn: interrupted", err=True)
            code = Exit.INTERRUPTED
        ctx.exit(int(code or 0))
