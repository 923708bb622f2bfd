"""Long work in the background: a queue in the database, one process of its own for each piece of work."""
