"""The command `zoo`, and `python -m zoo`: what an interrupt means while zoo is being imported, and when it is done."""

import signal
import sys


def main() -> None:
    """Run the command line. An interrupt before it can answer, or when it has answered already, ends the process by
    that very signal, as every shell expects, and not with Python's traceback."""
    usual = signal.getsignal(signal.SIGINT)
    try:
        if usual is signal.default_int_handler:  # else somebody wants us to be deaf: nohup, or a shell's `&`
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from zoo.cli import main as run
        from zoo.threads import BeforeNumpy

        sys.meta_path.insert(0, BeforeNumpy())
        signal.signal(signal.SIGINT, usual)
        run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
