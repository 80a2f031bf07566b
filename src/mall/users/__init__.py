"""The shop's users, stored in SQLite, or in MongoDB when MONGO_DB_URL is set."""
