"""The seat of the production engineer: one big cell per slot, statistics, records, labels."""
