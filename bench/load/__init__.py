"""What benches with very many devices share."""
