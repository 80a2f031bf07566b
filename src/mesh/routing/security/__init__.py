"""Who may send what: AuthorizationPolicy and RequestAuthentication."""
