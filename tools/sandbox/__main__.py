"""`python -m tools.sandbox`: the sandbox partner without Django."""

import argparse
import sys

from tools.sandbox import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox", description=cli.__doc__)
    cli.add_arguments(parser)
    sys.exit(cli.run(cli.options(vars(parser.parse_args()))))
