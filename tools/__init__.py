"""What one runs on the house, not what the house runs: set-up and the catalogue of methodologies."""
