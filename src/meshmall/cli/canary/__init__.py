"""`meshmall canary`: a version gets a growing share of a service's requests as long as it does well."""
