"""`meshmall image`: what is on disk of the images that containers run from."""
