"""`python -m foldlog.cli`: the command, where the folder of scripts is not on the path."""

from foldlog.cli import main

main()
