"""``python -m optkit``: the commands without the script."""

from optkit.cli import main

main()
