"""Exit codes: every error of the package ends a command with a readable line, never with a traceback."""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import Any

import click

from convexnn.exceptions import ConvexNNError, DictionarySizeError, ParameterError

__all__ = ["Exit", "ExitCodes"]


_REMEDIES = {
    errno.ENOSPC: "free some space, or write elsewhere; what was there before is unchanged",
    errno.EACCES: "change its permissions, or write elsewhere",
    errno.ENOENT: "make the folder first",
    errno.EISDIR: "give the name of a file",
}


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
        except BrokenPipeError:
            raise  # who reads has read enough; click ends quietly
        except OSError as error:
            place = f"{error.filename}: " if error.filename is not None else ""
            remedy = _REMEDIES.get(error.errno or 0, "check the path, or write elsewhere")
            click.echo(f"convexnn: {place}{error.strerror or error}; {remedy}.", err=True)
            code = Exit.BAD_DATA
        except MemoryError as error:
            click.echo(f"convexnn: not enough memory ({error}); use fewer rows or columns.", err=True)
            code = Exit.TOO_LARGE
        except KeyboardInterrupt:
            click.echo("convexnn: interrupted", err=True)
            code = Exit.INTERRUPTED
        ctx.exit(int(code or 0))
