"""`python -m mesh.cli` is `meshmall`."""

from mesh.cli import main

main()
