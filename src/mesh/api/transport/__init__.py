"""HTTP, TLS, credentials and bodies: how requests reach the API."""
