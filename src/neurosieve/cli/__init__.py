"""The command line: parse, call the public API, print."""

import gc
import sys
from collections.abc import Sequence

from neurosieve.cli.app import app
from neurosieve.cli.output import safe_output
from neurosieve.cli.terminal import error_line, warnings_in_one_line
from neurosieve.errors import NeurosieveError, is_out_of_memory, out_of_memory
from neurosieve.interrupts import INTERRUPTED, exit_code
from neurosieve.threads import limit_threads

__all__ = ["app", "main"]

# Created until the next search for unused ones: torch and transformers make a million that stay, and Python would look
# through them again and again while it loads them.
OBJECTS = 10_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a domain error is one red line and exit code 1, a usage error exit code 2."""
    limit_threads()  # no command has loaded torch yet
    gc.set_threshold(OBJECTS)
    try:
        with safe_output(), warnings_in_one_line():
            app(args=list(arguments) if arguments is not None else None)
    except (NeurosieveError, MemoryError, RuntimeError) as e:
        error = e if isinstance(e, NeurosieveError) else _memory(e)
        error_line(str(error))
        sys.exit(error.exit_code)
    except (SystemExit, KeyboardInterrupt) as e:
        if isinstance(e, SystemExit) and e.code != INTERRUPTED:  # typer makes it of Ctrl-C
            raise
        error_line("interrupted; the same command continues from the last finished shard or stage")
        sys.exit(exit_code())
    finally:
        gc.freeze()  # or the end would look through all of these objects once more


def _memory(error: MemoryError | RuntimeError) -> NeurosieveError:
    """What went wrong, where memory ran out; any other error is a bug, and its traceback says where."""
    if not is_out_of_memory(error):
        raise error
    return out_of_memory("this process", str(error).strip() or type(error).__name__)
