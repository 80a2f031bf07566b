"""`python -m meshmall` is `meshmall`."""

from meshmall.cli import main

main()
