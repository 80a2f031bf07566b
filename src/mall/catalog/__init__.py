"""The mall's data: what is sold, how it sold, what is left, how it is liked."""
