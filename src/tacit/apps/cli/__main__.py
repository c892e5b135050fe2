"""`python -m tacit.apps.cli`."""

from tacit.apps.cli.main import main

main()
