"""What stands behind points: the liability of each day, what is set aside for it, and the page that shows both."""
