"""Who shops here: kept in SQLite, or in MongoDB when MONGO_DB_URL is set."""
