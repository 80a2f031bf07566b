"""The discounted products; v2 (BANNER=true) brings a banner."""
