"""The command line: parse, call one function, print."""

from molmix_bench.cli.app import main

__all__ = ["main"]
