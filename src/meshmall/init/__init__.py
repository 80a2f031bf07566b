"""What `meshmall init` reads: a compose file, Dockerfiles or folders of code; and what it makes of them."""
