"""Orders at providers outside the house: prepared, sent, asked about until their outcome is known."""
