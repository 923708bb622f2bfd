"""NOR flash as a contract: geometry, the strict model, and the faulty wrapper."""
