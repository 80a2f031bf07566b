"""What `kubectl get` and `meshmall get` show of each kind: one file per API."""
