"""What the Gateway API's objects mean."""
