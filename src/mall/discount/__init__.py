"""The discounted products; v2 (BANNER=true) adds a banner."""
